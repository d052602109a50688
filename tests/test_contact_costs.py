"""The cost of a contact by the tills: three households by hand."""

from datetime import date

import ibis
import pandas as pd
import pytest

from targeting.trials.contact_costs import cost_table, discounts
from targeting.trials.trials import Trial

TRIAL = Trial(1, 8, date(2017, 5, 8), date(2017, 6, 4), date(2017, 7, 2), False, date(2017, 3, 13))
LINES = pd.DataFrame(
    [
        (1, date(2017, 5, 8), 2.0),  # the first day counts
        (1, date(2017, 7, 2), 1.0),  # and the last
        (1, date(2017, 7, 3), 64.0),
        (2, date(2017, 5, 7), 32.0),
        (2, date(2017, 6, 1), 0.0),
        (3, date(2017, 6, 1), 6.0),
        (9, date(2017, 6, 1), 16.0),  # not targeted
    ],
    columns=["household_id", "day", "coupon_discount"],
)
TARGETS = pd.DataFrame({"campaign_id": [8, 8, 8, 8, 13], "household_id": [4, 3, 2, 1, 9]})
REDEMPTIONS = pd.DataFrame(
    {
        "household_id": [1, 1, 3, 2, 2],
        "campaign_id": [8, 8, 8, 13, 8],
        "day": [date(2017, 5, 9), date(2017, 5, 10), date(2017, 6, 1), date(2017, 6, 1), date(2017, 7, 3)],
    }
)


def test_discounts_of_the_targeted_in_the_window():
    tables = (ibis.memtable(table) for table in (LINES, TARGETS, REDEMPTIONS))
    found = discounts(TRIAL, *tables).execute()
    # Household 2 redeemed another campaign's coupon, and this one's after the window; 4 never came.
    assert found.to_dict("list") == {"household_id": [1, 2, 3, 4], "discount": [3.0, 0.0, 6.0, 0.0], "redeemed": [1, 0, 1, 0]}


def test_costs_per_targeted_and_per_redeemer_by_hand():
    first = pd.DataFrame({"household_id": [1, 2, 3, 4], "discount": [3.0, 0.0, 6.0, 0.0], "redeemed": [1, 0, 1, 0]})
    second = pd.DataFrame({"household_id": [1, 5], "discount": [1.0, 2.0], "redeemed": [0, 0]})
    table = cost_table([8, 13], [first, second]).set_index(["campaign_id", "basis"])
    assert table["cost"].to_dict() == {
        ("all", "per_targeted"): 12 / 6,
        ("all", "per_redeemer"): 4.5,
        ("8", "per_targeted"): 9 / 4,
        ("8", "per_redeemer"): 4.5,
        ("13", "per_targeted"): 1.5,  # and nobody redeemed
    }
    assert table.loc[("all", "per_targeted"), "n"] == 6
    # Household 1 is one cluster: deviations 1 - 1 = 0 together, then -2, 4, -2, 0.
    assert table.loc[("all", "per_targeted"), "se"] == pytest.approx((5 / 4 * 24) ** 0.5 / 6)
