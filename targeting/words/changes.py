"""What an outcome changed by, where the sentence has just named it: no unit is said twice."""

from targeting.words.money import amount, unit


def change(value: float, outcome: str) -> str:
    """`amount` without the outcome's name: $12.30 of purchase_amount, 0.25 of visits."""
    return amount(value, outcome).removesuffix(f" {unit(outcome)}")
