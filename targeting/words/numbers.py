"""How numbers are written in sentences: percentages and counts; and what learners are called."""

# What sentences call a learner whose name alone could be taken for something else: `average` for the average effect.
LEARNER_WORDS = {"average": "the average of learners"}


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 54%."""
    return f"{value:.{digits}%}"


def number(value: float, digits: int = 2) -> str:
    """A number with thousands separated and a fixed number of decimals."""
    return f"{value:,.{digits}f}"


def p_value(value: float) -> str:
    """A p-value with three decimals, never as zero: p = 0.123, p < 0.001."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3)}"
