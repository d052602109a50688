"""How numbers are written in sentences: percentages and counts."""

LEAST_CHANCE = 0.01  # below which a chance is not told more exactly


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 54%."""
    return f"{value:.{digits}%}"


def chance(value: float) -> str:
    """A chance as a percentage that never claims certainty: 54%, less than 1%, more than 99%; exactly 0 and 1 stay so."""
    if 0 < value < LEAST_CHANCE:
        return f"less than {percent(LEAST_CHANCE)}"
    return f"more than {percent(1 - LEAST_CHANCE)}" if 1 - LEAST_CHANCE < value < 1 else percent(value)


def number(value: float, digits: int = 2) -> str:
    """A number with thousands separated and a fixed number of decimals; what rounds to nothing has no minus."""
    return f"{value:z,.{digits}f}"


def p_value(value: float) -> str:
    """A p-value with three decimals, never as zero: p = 0.123, p < 0.001."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3)}"
