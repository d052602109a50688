"""Amounts of money in words, in the currency of the run: one place says how its sign and its code are written.

The currency is `data.currency` of params.yaml, which names amounts and changes none. A stage or script that writes words says
`speak_in` once, before it writes any.
"""

from targeting.words.features import MONEY, Wording
from targeting.words.numbers import number, percent
from targeting.words.outcomes import one_of, outcome_words

# Signs that stand for one currency alone; amounts in others have their code in front: CHF 12.30.
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "TRY": "₺", "UAH": "₴", "VND": "₫"}
CENTS = 2  # decimals of an amount
# Two digits of what is less than a tenth, where whole cents tell little apart; what is less than the last of these is nothing.
TEN = 9.995
TENTH, FINER = 0.0995, ((0.00995, 3), (0.000995, 4), (0.0000995, 5), (0.00000995, 6))
# One and many of it, where a sentence counts on a name; other currencies have their code.
NOUNS = {"USD": ("dollar", "dollars"), "EUR": ("euro", "euros"), "GBP": ("pound", "pounds")}

_spoken = {"currency": "USD"}


def speak_in(currency: str) -> None:
    """From here on amounts are in this currency, by its code of ISO 4217."""
    _spoken["currency"] = currency


def currency() -> str:
    """The code of the currency: USD."""
    return _spoken["currency"]


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
    """An amount with the currency's sign in front: $1,234.50, -$3.20; two digits of $0.017."""
    if digits == CENTS:
        digits = _decimals(value)
    return f"{'-' if round(value, digits) < 0 else ''}{sign()}{abs(value):,.{digits}f}"


def total(value: float) -> str:
    """An amount of many together: $15,709; as `money` writes it where there are not ten of the currency."""
    return money(value, 0 if value == 0 or abs(value) >= TEN else CENTS)


def _decimals(value: float) -> int:
    """Two, but for small amounts more."""
    return next((more for least, more in FINER if least <= abs(value) < TENTH), CENTS)


def shown(wording: Wording, value: float) -> str:
    """A feature's value in its wording's form: $1,234, 12, 45%."""
    return money(value, 0) if wording.form == MONEY else wording.form.format(value)


def unit(outcome: str) -> str:
    """The unit of an outcome: USD of purchase_amount, baskets of purchase_count, visits of visits."""
    return currency() if outcome == "purchase_amount" else outcome_words(outcome)


def amount(value: float, outcome: str) -> str:
    """A value of an outcome in its unit: $12.30 of purchase_amount, 0.25 baskets of purchase_count."""
    return money(value) if outcome == "purchase_amount" else f"{number(value, _decimals(value))} {unit(outcome)}"


def margin_words(value: float, outcome: str) -> str:
    """A margin: 30% of sales, or money per basket, or per one of what else the outcome counts."""
    return percent(value) if outcome == "purchase_amount" else f"{money(value)} per {one_of(outcome)}"
