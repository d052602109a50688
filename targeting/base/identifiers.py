"""Give identifiers back as the user wrote them (ingest numbers those that are text)."""

import pandas as pd

NEXT = "next"


def are_text(kind: str, key: pd.DataFrame) -> bool:
    """Whether the user's identifiers of a kind are text, and numbers stand for them inside."""
    return bool((key["kind"] == kind).any())


def next_campaign(campaign_id: pd.Series, key: pd.DataFrame) -> int | str:
    """What the next campaign may be called: one above the largest number; NEXT where campaigns have names.

    NEXT, too, where no calendar has any, as of a table of customers.
    """
    return NEXT if campaign_id.empty or are_text("campaign", key) else int(campaign_id.max()) + 1


def own_identifiers(numbers: pd.Series, kind: str, key: pd.DataFrame) -> pd.Series:
    """The identifiers of a kind (household, campaign) as in the user's files.

    `key` is data/tables/identifiers.parquet: kind, number, text; where it has none of the kind, the numbers are the user's own.
    Values that are no identifiers, such as "all", stay. Raises KeyError for a number that the key lacks.
    """
    if not are_text(kind, key):
        return numbers
    texts = key[key["kind"] == kind].set_index("number")["text"]
    own = {str(number): text for number, text in texts.items()}
    words = numbers.astype(str)
    unknown = words[words.str.fullmatch(r"\d+") & ~words.isin(own)]
    if len(unknown):
        raise KeyError(f"No {kind} has the number {unknown.iloc[0]}.")
    return words.map(lambda word: own.get(word, word))


def as_listed(households: pd.DataFrame, calendar: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """A table of the next campaign's households as its user gets it: their own identifiers, after the campaign's.

    `calendar` has the campaigns that were (campaign_id), `key` is as of `own_identifiers`.
    """
    own = households.assign(household_id=own_identifiers(households["household_id"], "household", key))
    own.insert(0, "campaign_id", next_campaign(calendar["campaign_id"], key))
    return own
