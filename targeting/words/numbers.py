"""How numbers are written in sentences: dollars, percentages, counts, outcomes in their unit; and what learners are called."""

UNITS = {"purchase_amount": "USD", "purchase_count": "baskets"}

# What sentences call a learner whose name alone could be taken for something else: `average` for the average effect.
LEARNER_WORDS = {"average": "the average of learners"}


def usd(value: float, digits: int = 2) -> str:
    """Dollars with a sign in front: $1,234.50, -$3.20."""
    return f"{'-' if round(value, digits) < 0 else ''}${abs(value):,.{digits}f}"


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 54%."""
    return f"{value:.{digits}%}"


def number(value: float, digits: int = 2) -> str:
    """A number with thousands separated and a fixed number of decimals."""
    return f"{value:,.{digits}f}"


def p_value(value: float) -> str:
    """A p-value with three decimals, never as zero: p = 0.123, p < 0.001."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3)}"


def amount(value: float, outcome: str) -> str:
    """A value of an outcome in its unit: $12.30 of purchase_amount, 0.25 baskets of purchase_count."""
    return usd(value) if outcome == "purchase_amount" else f"{number(value)} baskets"


def margin_words(value: float, outcome: str) -> str:
    """A margin: 30% of sales, or dollars per basket where the outcome counts these."""
    return percent(value) if outcome == "purchase_amount" else f"{usd(value)} per basket"
