"""How numbers are written in sentences: dollars, percentages, counts."""


def usd(value: float, digits: int = 2) -> str:
    """Dollars with a sign in front: $1,234.50, -$3.20."""
    return f"{'-' if round(value, digits) < 0 else ''}${abs(value):,.{digits}f}"


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 54%."""
    return f"{value:.{digits}%}"


def number(value: float, digits: int = 2) -> str:
    """A number with thousands separated and a fixed number of decimals."""
    return f"{value:,.{digits}f}"
