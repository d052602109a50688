"""Amounts of money in words, in the currency of the run: one place says how its sign and its code are written.

The currency is `data.currency` of params.yaml, which names amounts and changes none. A stage or script that writes words says
`speak_in` once, before it writes any.
"""

from typing import Any

from targeting.words.features import Wording
from targeting.words.numbers import number, percent
from targeting.words.outcomes import one_of, outcome_words

# Signs that stand for one currency alone; amounts in others have their code in front: CHF 12.30.
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "TRY": "₺", "UAH": "₴", "VND": "₫"}
# One and many of it, where a sentence counts on a name; other currencies have their code.
CENTS = 2  # decimals of an amount
# Where a contact costs less than one of the currency, whole cents tell nothing apart: decimals by an amount's size below TENTH.
TENTH, FINER = 0.0995, ((0.00995, 3), (0.00005, 4))
NOUNS = {"USD": ("dollar", "dollars"), "EUR": ("euro", "euros"), "GBP": ("pound", "pounds")}

_spoken: dict[str, Any] = {"currency": "USD", "fine": False}


def speak_in(currency: str, contact_cost: Any = None) -> None:
    """From here on amounts are in this currency, by its code of ISO 4217.

    `contact_cost` is policy.cost: where it is a number below 1, small amounts are written with more than two decimals.
    """
    _spoken["currency"] = currency
    _spoken["fine"] = isinstance(contact_cost, int | float) and 0 < contact_cost < 1


def fine() -> bool:
    """Whether small amounts have more than two decimals."""
    return bool(_spoken["fine"])


def currency() -> str:
    """The code of the currency: USD."""
    return str(_spoken["currency"])


def sign() -> str:
    """What stands in front of an amount: $, or the code and a space where the currency has no sign of its own."""
    return SIGNS.get(currency(), f"{currency()} ")


def one() -> str:
    """One of the currency, as a noun: dollar, CHF."""
    return NOUNS.get(currency(), (currency(), currency()))[0]


def many() -> str:
    """Many of the currency, as a noun: dollars, CHF."""
    return NOUNS.get(currency(), (currency(), currency()))[1]


def money(value: float, digits: int = CENTS) -> str:
    """An amount with the currency's sign in front: $1,234.50, -$3.20; two digits of $0.017, where contacts cost cents."""
    if digits == CENTS:
        digits = _decimals(value)
    return f"{'-' if round(value, digits) < 0 else ''}{sign()}{abs(value):,.{digits}f}"


def _decimals(value: float) -> int:
    """Two, but for small amounts where contacts cost cents."""
    return next((more for least, more in FINER if _spoken["fine"] and least <= abs(value) < TENTH), CENTS)


def shown(wording: Wording, value: float) -> str:
    """A feature's value in its wording's form: 1,234 USD, 12, 45%."""
    return wording.form.format(value, currency=currency())


def unit(outcome: str) -> str:
    """The unit of an outcome: USD of purchase_amount, baskets of purchase_count, visits of visits."""
    return currency() if outcome == "purchase_amount" else outcome_words(outcome)


def amount(value: float, outcome: str) -> str:
    """A value of an outcome in its unit: $12.30 of purchase_amount, 0.25 baskets of purchase_count."""
    return money(value) if outcome == "purchase_amount" else f"{number(value, _decimals(value))} {unit(outcome)}"


def margin_words(value: float, outcome: str) -> str:
    """A margin: 30% of sales, or money per basket, or per one of what else the outcome counts."""
    return percent(value) if outcome == "purchase_amount" else f"{money(value)} per {one_of(outcome)}"
