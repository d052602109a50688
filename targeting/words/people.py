"""What those who are mailed are called: households in the words of this project; customers where a table of them was brought.

Sentences are written for tills, whose cards households share and whose retailer sends coupons. Here they are put for customers
and mailings, the table's own names untouched.
"""

import re
from collections.abc import Iterable

from markupsafe import escape

WORDS = {"household-trial": "row", "household": "customer", "coupon": "mailing"}  # of all of them the plural has an s
# A table is brought by whoever mailed, who need be no retailer.
PHRASES = {
    "what the retailer did": "what was done",
    "as the retailer did": "as was done",
    "neither the retailer nor you, nor the model": "neither you nor the model",
}
# Code, and data for scripts other than what charts say, are no words.
NO_WORDS = re.compile(r'(<script(?! type="application/json" id="charts").*?</script>)', re.DOTALL)


def as_customers(text: str, own: Iterable[str]) -> str:
    """The text in the words for a table of customers; `own` are names that the table brought, which stay as they are."""
    kept = sorted(
        {form for name in own if any(word in name.lower() for word in WORDS) for form in (name, str(escape(name)))},
        key=len,
        reverse=True,
    )
    words = "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in WORDS)
    pattern = "|".join([*map(re.escape, [*kept, *PHRASES]), rf"\b(?P<found>{words})(?=s?\b)"])
    return re.sub(pattern, _word, text)


def _word(found: re.Match[str]) -> str:
    word = found["found"]
    if word is None:  # a phrase, or a name that the table brought
        return PHRASES.get(found[0], found[0])
    said = WORDS[word.lower()]
    return said.capitalize() if word[0].isupper() else said


def page_of_customers(page: str, own: Iterable[str]) -> str:
    """`as_customers` of what a page shows; its scripts read the noun from the page."""
    names = list(own)
    return "".join(part if i % 2 else as_customers(part, names) for i, part in enumerate(NO_WORDS.split(page)))
