"""What outcomes are called in sentences and pictures: those of the tills by their words, others by their own names."""

WORDS = {"purchase_amount": "spend", "purchase_count": "baskets"}
NO_PLURAL = ("ss", "us", "is")  # ends of words that are not many of anything: success, bonus, basis


def outcome_words(outcome: str) -> str:
    """An outcome in words: spend of purchase_amount, site visits of site_visits."""
    return WORDS.get(outcome, outcome.replace("_", " "))


def one_of(outcome: str) -> str:
    """One of what an outcome counts: basket of purchase_count, site visit of site_visits, reply of replies, status of status."""
    words = outcome_words(outcome)
    if not words.endswith("s") or words.endswith(NO_PLURAL):
        return words
    return f"{words.removesuffix('ies')}y" if words.endswith("ies") else words.removesuffix("s")
