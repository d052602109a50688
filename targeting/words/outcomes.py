"""What outcomes are called in sentences and pictures: those of the tills by their words, others by their own names."""

WORDS = {"purchase_amount": "spend", "purchase_count": "baskets"}


def outcome_words(outcome: str) -> str:
    """An outcome in words: spend of purchase_amount, site visits of site_visits."""
    return WORDS.get(outcome, outcome.replace("_", " "))


def one_of(outcome: str) -> str:
    """One of what an outcome counts: basket of purchase_count; else its words."""
    return "basket" if outcome == "purchase_count" else outcome_words(outcome)
