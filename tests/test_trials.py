"""Target trials: eligibility, treatment and baseline look only backwards; outcomes look forwards."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.tables.covariates import at, baseline_covariates, keep_covariates
from targeting.tables.history import with_history
from targeting.trials.panel import FIRST as FIRST_MAILING
from targeting.trials.panel import RESTED
from targeting.trials.trials import Trial, earlier_mailings, ever_targeted, plan_trials, trial_flow, trial_rows
from tests.frames import in_pandas

CAMPAIGNS = pd.DataFrame(
    {
        "campaign_id": [1, 2, 3, 4, 5],
        "campaign_type": ["A", "A", "B", "A", "A"],
        "start_day": pd.to_datetime(["2019-12-20", "2020-01-10", "2020-01-05", "2020-03-01", "2020-04-20"]),
        "end_day": pd.to_datetime(["2020-01-15", "2020-01-20", "2020-01-15", "2020-03-10", "2020-05-01"]),
    }
)
FIRST, LAST = date(2020, 1, 1), date(2020, 3, 31)


def lines(rows: list[tuple[int, int, str, float]]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["household_id", "basket_id", "day", "sales"])
    frame["day"] = pd.to_datetime(frame["day"])
    table = ibis.memtable(frame.assign(quantity=np.where(frame["sales"] > 0, 1, -1)))
    table = table.mutate(day=table.day.cast("date"), sales=table.sales.cast("decimal(18, 4)"))
    # A maker's coupon takes a tenth of what is sold, and the retailer matches half of that.
    return table.mutate(coupon_discount=table.sales * 0.1, coupon_match_discount=table.sales * 0.05)


def campaigns_table(frame: pd.DataFrame = CAMPAIGNS) -> ibis.Table:
    table = ibis.memtable(frame)
    return table.mutate(start_day=table.start_day.cast("date"), end_day=table.end_day.cast("date"))


def test_trials_are_the_campaigns_that_start_inside_the_data():
    assert plan_trials(CAMPAIGNS, "A", 28, 20, FIRST, LAST) == [
        Trial(1, 2, date(2020, 1, 10), date(2020, 1, 20), date(2020, 2, 17), False, date(2020, 1, 1)),
        Trial(2, 4, date(2020, 3, 1), date(2020, 3, 10), date(2020, 3, 31), True, date(2020, 1, 30)),
    ]


def test_without_campaigns_the_first_stages_are_named():
    with pytest.raises(DataError, match=r"^These data have no campaigns, .* `make segments` says who the customers are"):
        plan_trials(CAMPAIGNS.head(0), "A", 28, 20, FIRST, LAST)


def test_a_campaign_needs_days_to_follow():
    # From 1 to 31 March are 31 days.
    assert [trial.campaign_id for trial in plan_trials(CAMPAIGNS, "A", 28, 31, FIRST, LAST)] == [2, 4]
    assert [trial.campaign_id for trial in plan_trials(CAMPAIGNS, "A", 28, 32, FIRST, LAST)] == [2]


def test_no_trial_is_an_error():
    with pytest.raises(DataError, match=r"Of 0 campaigns of type C none starts inside the data .*design.campaign_type"):
        plan_trials(CAMPAIGNS, "C", 28, 20, FIRST, LAST)


TARGETS = pd.DataFrame(
    [(1, 11), (2, 12), (2, 13), (3, 14), (4, 12), (4, 15), (4, 16)],
    columns=["campaign_id", "household_id"],
)
LINES = [
    (11, 100, "2020-01-02", 5.0),
    (12, 101, "2020-01-03", 7.0),
    (12, 102, "2020-01-10", 1.0),  # on time zero of the first trial: already outcome
    (12, 102, "2020-01-10", 2.0),
    (12, 103, "2020-02-17", 4.0),  # the window's last day
    (12, 104, "2020-02-18", 8.0),  # the day after it
    (13, 105, "2020-01-10", 9.0),  # targeted, but no purchase before time zero
    (14, 106, "2020-01-09", 3.0),
    (15, 107, "2020-02-01", 3.0),
    (15, 108, "2020-03-31", 6.0),
]


@pytest.mark.slow
def test_rows_worked_by_hand(backend):
    first, second = plan_trials(CAMPAIGNS, "A", 28, 20, FIRST, LAST)
    arguments = lines(LINES), campaigns_table(), ibis.memtable(TARGETS)

    def rows(trial: Trial, eligible: str) -> list[list[float]]:
        found = backend.execute(trial_rows(trial, *arguments, eligible).order_by("household_id"))
        return found.to_numpy(dtype=float).round(12).tolist()

    # 11 was targeted by campaign 1, before the data; 13 did not shop before; 14 has only a Type B campaign.
    # 9 days before time zero stand for the 39 of the window.
    longer = 39 / 9
    expected = [[12, 1, 7, 2, 7 * longer, longer, 0.7, 0.35, 0, 0], [14, 0, 0, 0, 3 * longer, longer, 0, 0, 0, 0]]
    # Campaign 1 still runs for 11 when campaign 2 begins, so that either rule sets it aside.
    assert rows(first, FIRST_MAILING) == rows(first, RESTED)
    np.testing.assert_allclose(rows(first, RESTED), expected)
    # 12 and 13 have had their Type A campaign; 16 never shopped. As many days before as after: 31.
    assert rows(second, FIRST_MAILING) == [[14, 0, 0, 0, 0, 0, 0, 0, 0, 0], [15, 1, 6, 1, 3, 1, 0.6, 0.3, 0, 0]]
    # 11, 12 and 13 were mailed once, and nothing runs for them any more. 12 bought 4 and 8 in the 31 days before, 11 nothing.
    assert rows(second, RESTED) == [
        [11, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        [12, 1, 0, 0, 12, 2, 0, 0, 1, 0],
        [13, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        *rows(second, FIRST_MAILING),
    ]


def test_what_comes_back_lowers_the_amount_and_is_no_purchase(backend):
    first = plan_trials(CAMPAIGNS, "A", 28, 20, FIRST, LAST)[0]
    back = [(12, 109, "2020-02-01", -10.0), (14, 110, "2020-01-09", -1.0), (17, 111, "2020-01-02", -2.0)]
    table = trial_rows(first, lines([*LINES, *back]), campaigns_table(), ibis.memtable(TARGETS)).order_by("household_id")
    longer = 39 / 9
    # 12 brings back more than it bought after time zero; 17 only ever brought something back, and is nobody's trial.
    expected = [
        [12, 1, 7 - 10, 2, 7 * longer, longer, -0.3, -0.15, 0, 0],
        [14, 0, 0, 0, (3 - 1) * longer, longer, 0, 0, 0, 0],
    ]
    np.testing.assert_allclose(backend.execute(table).to_numpy(dtype=float), expected)


def test_other_campaigns_inside_the_window_are_counted(backend):
    # Campaign 3 (type B) starts five days after this trial's time zero, on the window's last day: 14 is mailed again.
    trial = Trial(1, 2, date(2020, 1, 5), date(2020, 1, 20), date(2020, 1, 10), False, date(2020, 1, 2))
    later = CAMPAIGNS.assign(start_day=pd.to_datetime(["2019-12-20", "2020-01-05", "2020-01-10", "2020-01-11", "2020-04-20"]))
    shoppers = lines([(household, household, "2020-01-03", 1.0) for household in (12, 13, 14, 15)])
    rows = backend.execute(trial_rows(trial, shoppers, campaigns_table(later), ibis.memtable(TARGETS)).order_by("household_id"))
    assert rows["household_id"].tolist() == [12, 13, 14, 15]
    assert rows["mailed_after"].tolist() == [0, 0, 1, 0]  # 12 and 15 are mailed the day after the window


def test_ever_targeted_knows_the_whole_calendar(backend):
    households = ever_targeted("A", campaigns_table(), ibis.memtable(TARGETS))
    assert backend.execute(households)["household_id"].tolist() == [11, 12, 13, 15, 16]


def test_flow_worked_by_hand(backend):
    second = plan_trials(CAMPAIGNS, "A", 28, 20, FIRST, LAST)[1]
    tables = [
        backend.create_table(name, table)
        for name, table in (("l", lines(LINES)), ("c", campaigns_table()), ("t", ibis.memtable(TARGETS)))
    ]
    counts = {
        "n_households": 5,
        "n_no_earlier_purchase": 0,
        "n_targeted_before": 3,  # households 11, 12 and 13
        "n_targeted": 3,
        "n_targeted_no_earlier_purchase": 1,  # household 16
        "n_targeted_again": 1,  # household 12
    }
    assert trial_flow(second, *tables, RESTED) == counts | {"n_set_aside": 0, "n_targeted_set_aside": 0}
    assert trial_flow(second, *tables, FIRST_MAILING) == counts | {"n_set_aside": 3, "n_targeted_set_aside": 1}


def test_of_two_campaigns_on_one_day_the_lower_number_is_earlier(backend):
    same_day = CAMPAIGNS.assign(start_day=pd.Timestamp("2020-02-01"), campaign_type="A")
    trial = Trial(2, 2, date(2020, 2, 1), date(2020, 2, 10), date(2020, 3, 9), False, date(2020, 1, 1))
    before = earlier_mailings(trial, campaigns_table(same_day), ibis.memtable(TARGETS)).order_by("household_id")
    assert backend.execute(before).to_numpy().tolist() == [[11, 1, False]]  # it ended in January


def test_earlier_mailings_are_counted_by_campaign(backend):
    third = Trial(3, 5, date(2020, 3, 5), date(2020, 5, 1), date(2020, 5, 29), False, date(2020, 1, 1))
    before = earlier_mailings(third, campaigns_table(), ibis.memtable(TARGETS)).order_by("household_id")
    # 12 was mailed by 2 and 4, of which 4 still runs; campaign 3, which mailed 14, is of another type.
    assert backend.execute(before).to_numpy().tolist() == [
        [11, 1, False],
        [12, 2, True],
        [13, 1, False],
        [15, 1, True],
        [16, 1, True],
    ]


@pytest.mark.slow
def test_nothing_from_time_zero_on_reaches_covariates_or_eligibility(tables, backend):
    time_zero = date(2016, 8, 20)
    trial = Trial(1, 4, time_zero, date(2016, 9, 20), date(2016, 10, 20), False, date(2016, 7, 1))

    def later(table: ibis.Table, column: str) -> ibis.Value:
        return table[column] >= time_zero

    transactions, redemptions, campaigns = tables["transactions"], tables["redemptions"], tables["campaigns"]
    following = campaigns.filter(later(campaigns, "start_day"))
    targets = tables["campaign_targets"]
    perturbed = dict(tables)
    perturbed["transactions"] = transactions.mutate(
        sales=ibis.ifelse(later(transactions, "day"), transactions.sales * 3, transactions.sales).cast(transactions.sales.type()),
        product_id=ibis.ifelse(later(transactions, "day"), 101, transactions.product_id),
        store_id=ibis.ifelse(later(transactions, "day"), 301, transactions.store_id),
    )
    perturbed["redemptions"] = redemptions.filter(~later(redemptions, "day"))
    perturbed["campaign_targets"] = targets.anti_join(following, "campaign_id")

    def baseline(source: dict[str, ibis.Table]) -> pd.DataFrame:
        return baseline_covariates(with_history(backend, source), [time_zero], [28, 56]).order_by("household_id").execute()

    def eligible(source: dict[str, ibis.Table]) -> list[int]:
        rows = trial_rows(trial, source["transactions"], source["campaigns"], source["campaign_targets"])
        return rows.order_by("household_id").execute()["household_id"].tolist()

    before = baseline(tables)
    assert len(before) > 100
    pd.testing.assert_frame_equal(before, baseline(perturbed))
    assert eligible(tables) == eligible(perturbed)
    # The perturbation is one that outcomes do see.
    outcome = trial_rows(trial, transactions, campaigns, targets).purchase_amount.sum().execute()
    assert trial_rows(trial, perturbed["transactions"], campaigns, targets).purchase_amount.sum().execute() == pytest.approx(
        3 * outcome
    )


@pytest.mark.parametrize("time_zero", [pd.Timestamp("2016-05-01"), pd.Timestamp("2016-08-20")], ids=str)
def test_covariates_equal_a_slow_computation(backend, tables, time_zero):
    # Another time zero, computed in the same pass, plays no part.
    times = [date(2016, 8, 20), date(2016, 5, 1), date(2016, 12, 28)]
    covariates = keep_covariates(backend, with_history(backend, tables), times, [28, 56])
    actual = at(covariates, time_zero.date()).order_by("household_id").execute().set_index("household_id")
    frames = {name: in_pandas(table) for name, table in tables.items()}
    own = frames["transactions"]
    own = own[own["day"] < time_zero].merge(frames["promotions"], on=["product_id", "store_id", "week"], how="left")
    campaigns = frames["campaign_targets"].merge(frames["campaigns"], on="campaign_id")
    campaigns = campaigns[campaigns["start_day"] < time_zero]
    homes = frames["households"].set_index("household_id")
    lowest = {"Under 15K": 7.5, "35-49K": 35, "250K+": 250}
    for household in actual.index[::7]:
        mine = own[own["household_id"] == household]
        recent = mine[mine["day"] >= time_zero - pd.Timedelta(days=28)]
        mailed = campaigns[campaigns["household_id"] == household]
        redeemed = frames["redemptions"][
            (frames["redemptions"]["household_id"] == household) & (frames["redemptions"]["day"] < time_zero)
        ]
        expected = {
            "x_spend_28d": recent["sales"].sum(),
            "x_visits_28d": recent["basket_id"].nunique(),
            "x_campaigns_a": (mailed["campaign_type"] == "A").sum(),
            "x_campaigns_b": (mailed["campaign_type"] == "B").sum(),
            "x_campaigns_running": (mailed["end_day"] >= time_zero).sum(),
            "x_redemptions": len(redeemed),
            "x_display_share": mine["display"].eq(True).mean(),  # missing counts as not displayed
            "x_mailer_share": mine["mailer"].eq(True).mean(),
            "x_demographics_known": float(household in homes.index),
            "x_income_from": lowest[homes.loc[household, "income"]] if household in homes.index else 0.0,
        }
        np.testing.assert_allclose(
            actual.loc[household, list(expected)].to_numpy(dtype=float), list(expected.values()), err_msg=str(household)
        )
