"""What pictures call those who are mailed: households, and customers where a table of them was brought.

A page's words are put for customers when it is written (`targeting.words.people`); a picture has to be drawn with them. A stage
that draws says `speak_of` once, before it draws.
"""

from targeting.base.columns import CUSTOMERS

_spoken = {"person": "household"}


def speak_of(source: str) -> None:
    """From here on pictures name people as `data.source` has them."""
    _spoken["person"] = "customer" if source == CUSTOMERS else "household"


def person() -> str:
    """One of those who are mailed: household, customer."""
    return _spoken["person"]


def people() -> str:
    """Many of them: households, customers."""
    return f"{person()}s"
