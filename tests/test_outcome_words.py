"""What outcomes are called: one of them, and what they changed by."""

import pytest

from targeting.words.changes import change
from targeting.words.outcomes import one_of


@pytest.mark.parametrize(
    ("outcome", "one"),
    [
        ("purchase_count", "basket"),
        ("conversions", "conversion"),
        ("site_visits", "site visit"),
        ("replies", "reply"),
        ("success", "success"),
        ("bonus", "bonus"),
        ("churn", "churn"),
    ],
)
def test_one_of_what_an_outcome_counts(outcome, one):
    assert one_of(outcome) == one


def test_a_change_has_no_unit_but_money():
    assert change(0.25, "visits") == "0.25"
    assert change(-1.5, "purchase_count") == "-1.50"
    assert change(12.3, "purchase_amount") == "$12.30"
