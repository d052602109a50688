"""What those who are mailed are called: households in the words of this project; customers where a table of them was brought.

Sentences are written for tills, whose cards households share. Here they are put for customers, the table's own names untouched.
"""

import re
from collections.abc import Iterable

from markupsafe import escape

WORDS = (("household-trial", "row"), ("household", "customer"))
# Code, and data for scripts other than what charts say, are no words.
NO_WORDS = re.compile(r'(<script(?! type="application/json" id="charts").*?</script>)', re.DOTALL)


def as_customers(text: str, own: Iterable[str]) -> str:
    """The text with customers for households; `own` are names that the table brought, which stay as they are."""
    kept = sorted(
        {form for name in own if "household" in name.lower() for form in (name, str(escape(name)))}, key=len, reverse=True
    )
    pattern = "|".join([*(f"(?:{re.escape(name)})" for name in kept), r"\b(?P<found>[Hh]ousehold(?:-trial)?)(?=s?\b)"])
    return re.sub(pattern, _word, text)


def _word(found: re.Match[str]) -> str:
    word = found["found"]
    if word is None:  # a name that the table brought
        return found[0]
    said = dict(WORDS)[word.lower()]
    return said.capitalize() if word[0].isupper() else said


def page_of_customers(page: str, own: Iterable[str]) -> str:
    """`as_customers` of what a page shows; its scripts read the noun from the page."""
    names = list(own)
    return "".join(part if i % 2 else as_customers(part, names) for i, part in enumerate(NO_WORDS.split(page)))
