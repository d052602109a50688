"""The ROI curve in closed form: by hand, against means one by one, against the published definitions, and its bands' coverage."""

import numpy as np
import pytest

from targeting.policy.curve import (
    SHARES,
    area_under_cost_curve,
    cumulative,
    curve_difference,
    peak,
    peaks,
    profit_and_spend,
    roi_curve,
    roi_of,
    trapezoid_weights,
)
from targeting.policy.economics import Economics
from targeting.policy.learner_curves import learner_curves
from targeting.policy.policies import PolicyData, assign
from targeting.policy.value import Evidence, profits, value_table
from targeting.stats.estimates import mean_estimate, ratio_estimate
from targeting.stats.joint import joint_covariance
from tests.test_policy_value import CATE, ECONOMICS, FIVE, Z, evidence

FIFTHS = np.linspace(0, 1, 6)
ORDER = np.array([0, 2, 4, 3, 1])  # of the five households by CATE


def drawn(seed: int, n: int = 500) -> tuple[np.ndarray, np.ndarray, Evidence]:
    """Effects that know something, in order and by row, with evidence in which a household has two rows."""
    rng = np.random.default_rng(seed)
    cate = rng.normal(4, 3, n)
    score = cate + rng.normal(0, 9, n)
    known = evidence(score, np.repeat(np.arange(n // 2), 2))
    return np.argsort(-cate), cate, known


def test_the_curve_by_hand():
    # In the order of effects the five earn 2, -3, 3, 1, -1, and cost 2 each.
    curve = roi_curve(ORDER, CATE, FIVE, ECONOMICS, shares=FIFTHS)
    assert curve["profit"].to_numpy() == pytest.approx(np.array([0, 2, -1, 2, 3, 2]) / 5)
    assert curve["roi"].to_numpy()[1:] == pytest.approx([2 / 2, -1 / 4, 2 / 6, 3 / 8, 2 / 10])
    assert np.isnan(curve["roi"][0])
    # The model promises 10 / 2 - 2, 6 / 2 - 2, 4.5 / 2 - 2, 3 / 2 - 2, -1 / 2 - 2.
    assert curve["profit_plugin"].to_numpy() == pytest.approx(np.array([0, 3, 4, 4.25, 3.75, 1.25]) / 5)
    # At three of five: 2, 0, -3, 0, 3, whose squares about 0.4 sum to 21.2.
    assert curve["profit_ci_upper"][3] - curve["profit"][3] == pytest.approx(Z * np.sqrt(1.25 * 21.2) / 5)


def test_the_curve_is_what_means_one_by_one_give():
    order, cate, known = drawn(0)
    varied = Economics(np.random.default_rng(1).uniform(1, 4, 500), 0.5)
    curve = roi_curve(order, cate, known, varied)
    assert curve["share"].tolist() == SHARES.tolist()
    for number in (0, 1, 7, 50, 99, 100):
        policy = np.zeros(500)
        policy[order[: round(SHARES[number] * 500)]] = 1
        earnings, spent = profits(policy, known.score, varied), policy * varied.cost
        profit, row = mean_estimate(earnings, known.household_id), curve.iloc[number]
        expected = [profit.value, profit.lower, profit.upper, float(profits(policy, cate, varied).mean())]
        assert row[["profit", "profit_ci_lower", "profit_ci_upper", "profit_plugin"]].tolist() == pytest.approx(expected)
        if number:
            roi = ratio_estimate(earnings, spent, known.household_id)
            assert row[["roi", "roi_ci_lower", "roi_ci_upper"]].tolist() == pytest.approx([roi.value, roi.lower, roi.upper])


def test_the_covariance_is_that_of_the_columns_one_by_one():
    order, _, known = drawn(2)
    other = np.random.default_rng(3).permutation(500)
    shares, values = np.array([0.0, 0.2, 0.7]), (known.score, known.score**2)
    found = cumulative(values, [order, other], known.household_id, shares)  # the last share leaves rows out
    columns = []
    for value, ranked in zip(values, (order, other), strict=True):
        for share in shares:
            chosen = np.zeros(500)
            chosen[ranked[: round(share * 500)]] = 1
            columns.append(value * chosen)
    slow = np.column_stack(columns)
    assert found.means.ravel() == pytest.approx(slow.mean(axis=0))
    assert found.covariance.reshape(6, 6) == pytest.approx(joint_covariance(slow - slow.mean(axis=0), known.household_id))


def test_the_curve_meets_the_policies():
    _, cate, known = drawn(4)
    households = np.arange(500)
    known = Evidence(**{**vars(known), "household_id": households, "overlap": np.arange(500) % 4 > 0})
    data = PolicyData(cate, known.overlap, np.zeros(500), 4.0, households)
    table = value_table(assign(data), cate, known, ECONOMICS).set_index("policy")
    curve = roi_curve(data.order, cate, known, ECONOMICS).set_index("share")
    for policy, share in (("none", 0.0), ("top_20", 0.2), ("top_30", 0.3), ("all", 1.0)):
        for column in ("profit", "profit_ci_lower", "profit_ci_upper", "profit_plugin", "roi", "share_outside"):
            assert curve.loc[share, column] == pytest.approx(table.loc[policy, column], nan_ok=True)


def test_a_curve_without_costs_has_no_roi():
    order, cate, known = drawn(5)
    curve = roi_curve(order, cate, known, Economics(0.0, 0.5))
    assert curve[["roi", "roi_ci_lower"]].isna().all(axis=None)
    found = peaks(profit_and_spend(order, known, Economics(0.0, 0.5)), seed=1)
    assert np.isnan(found["roi_peak_share"])
    assert found["profit_peak_share"] > 0


def test_the_gain_by_spend_is_the_published_qini_curve():
    """Sverdrup et al.: with a budget of B a row, take the largest gain per USD first, the last unit by a fraction if need be."""
    rng = np.random.default_rng(6)
    n = 200
    cost, tau, score = rng.uniform(1, 3, n), rng.normal(2, 2, n), rng.normal(2, 5, n)

    def published(budget: float) -> float:
        left, gain = budget * n, 0.0
        for unit in sorted(range(n), key=lambda unit: -tau[unit] / cost[unit]):
            taken = min(1.0, left / cost[unit])
            gain, left = gain + taken * score[unit], left - taken * cost[unit]
            if left <= 0:
                break
        return gain / n

    data = PolicyData(tau, np.ones(n, dtype=bool), np.zeros(n), cost, np.arange(n))  # a margin of 1: breakeven is the cost
    curves = profit_and_spend(data.order, evidence(score), Economics(cost, 1.0))
    gain, spend = curves.means[0] + curves.means[1], curves.means[1]
    assert gain == pytest.approx([published(budget) for budget in spend])


def test_the_area_under_the_cost_curve_by_hand():
    # Gains of 4, -1, 5, 3, 1 add up to 0, 4, 3, 8, 11, 12 over five rows; areas between fifths by the trapezoid rule.
    areas = area_under_cost_curve(ORDER, FIVE, ECONOMICS, shares=FIFTHS)
    assert areas["aucc"].value == pytest.approx((4 + 3 + 8 + 11 + 12 / 2) / 25)
    assert areas["over_random"].value == pytest.approx(32 / 25 - 12 / 10)
    # A row's weight in the area over random is what is left of the money when it is reached, mid-step, less a half.
    weights = np.empty(5)
    weights[ORDER] = np.array([0.9, 0.7, 0.5, 0.3, 0.1]) - 0.5
    expected = mean_estimate(weights * 0.5 * FIVE.score, FIVE.household_id)
    assert areas["over_random"].value == pytest.approx(expected.value)
    assert areas["over_random"].se == pytest.approx(expected.se)


def test_the_area_tells_a_good_order_from_its_reverse_and_money_from_heads():
    order, _, known = drawn(7, 4000)
    good, bad = (area_under_cost_curve(each, known, ECONOMICS)["over_random"] for each in (order, order[::-1]))
    assert good.lower > 0 > bad.upper
    # Where the first are dear, their gain comes late by money spent.
    cost = np.ones(4000)
    cost[order[:2000]] = 10.0
    dear = area_under_cost_curve(order, known, Economics(cost, 0.5))["over_random"]
    assert dear.value < good.value
    assert trapezoid_weights(np.array([0.0, 1.0, 3.0])).tolist() == [0.5, 1.5, 1.0]


def test_the_difference_of_two_curves_is_paired():
    order, _, known = drawn(8)
    other = np.random.default_rng(1).permutation(500)
    table, mean = curve_difference(order, other, known, ECONOMICS)
    chosen = {}
    for name, ranked in (("first", order), ("second", other)):
        chosen[name] = np.zeros(500)
        chosen[name][ranked[:150]] = 1
    slow = mean_estimate(
        profits(chosen["first"] - chosen["second"], known.score, Economics(0.0, 0.5))
        - 2.0 * (chosen["first"] - chosen["second"]),
        known.household_id,
    )
    row = table.set_index("share").loc[0.3]
    assert row[["difference", "se"]].tolist() == pytest.approx([slow.value, slow.se])
    assert row["ci_lower"] == pytest.approx(slow.lower)
    assert row["band_lower"] < row["ci_lower"]
    # The ends are the same households: no difference, without any error.
    assert table.loc[[0, 100], ["difference", "se"]].to_numpy() == pytest.approx(0, abs=1e-12)
    assert mean.value == pytest.approx(np.trapezoid(table["difference"], table["share"]))
    assert mean.lower > 0  # knowing something beats knowing nothing
    itself, nothing = curve_difference(order, order, known, ECONOMICS)
    assert not itself[["difference", "se", "band_upper"]].to_numpy().any()
    assert (nothing.value, nothing.se) == (0, 0)


def test_the_peak_by_hand_and_with_its_interval():
    shares, values = np.array([0.0, 0.5, 1.0]), np.array([0.0, 2.0, 1.0])
    still = peak(shares, values, np.zeros((3, 3)), seed=1)
    assert still == {"share": 0.5, "share_lower": 0.5, "share_upper": 0.5, "value": 2.0, "value_lower": 2.0, "value_upper": 2.0}
    # Noise that dwarfs the differences: the peak may be anywhere but where the curve is fixed at 0.
    noisy = peak(shares, values, np.diag([0.0, 400.0, 400.0]), seed=1)
    assert (noisy["share_lower"], noisy["share_upper"]) == (0.0, 1.0)
    assert peak(shares, np.zeros(3), np.zeros((3, 3)), seed=1)["share"] == 0  # of equals the smallest


def test_learners_side_by_side():
    order, cate, known = drawn(9)
    random = np.random.default_rng(2).normal(size=500)
    inside = np.arange(500) % 5 > 0
    known = Evidence(**{**vars(known), "overlap": inside})
    data = PolicyData(cate, inside, np.zeros(500), 4.0, np.arange(500))
    effects = {"good": cate, "random": random, "constant": np.full(500, 3.0)}
    curves, table = learner_curves(effects, "good", data, known, ECONOMICS)
    assert len(curves) == 303
    table = table.set_index("learner")
    assert table.loc["good", ["mean_over_chosen", "mean_over_chosen_ci_upper"]].tolist() == [0, 0]
    assert table.loc["random", "mean_over_chosen_ci_upper"] < 0 < table.loc["good", "aucc_over_random_ci_lower"]
    # The area is that of the rows inside alone.
    local = known.rows(inside)
    slow = area_under_cost_curve(np.argsort(-cate[inside]), local, ECONOMICS)["aucc"]
    assert table.loc["good", ["aucc", "aucc_ci_lower"]].tolist() == pytest.approx([slow.value, slow.lower])
    share = curves[curves["share"] == 0.5].set_index("learner")
    assert share.loc["random", "over_chosen"] == pytest.approx(share.loc["random", "profit"] - share.loc["good", "profit"])
    assert list(roi_curve(order, cate, known, ECONOMICS).columns) == [
        name for name in curves if name in set(roi_curve(order, cate, known, ECONOMICS))
    ]


@pytest.mark.slow
def test_bands_hold_for_the_whole_curve_and_intervals_for_a_point():
    """300 worlds with a fixed order whose true curve is known; 95% each."""
    rng = np.random.default_rng(10)
    n, worlds = 600, 300
    truth = np.linspace(12, -4, n)  # the effect of the row at each rank
    households = np.repeat(np.arange(n // 2), 2)
    true_curve = np.concatenate([[0], np.cumsum(0.5 * truth - 2)])[np.rint(SHARES * n).astype(int)] / n
    point, band, roi_band = 0, 0, 0
    for number in range(worlds):
        shared = np.repeat(rng.normal(0, 15, n // 2), 2)
        curve = roi_curve(
            np.arange(n), truth, evidence(truth + shared + rng.normal(0, 15, n), households), ECONOMICS, seed=number
        )
        point += curve["profit_ci_lower"][40] <= true_curve[40] <= curve["profit_ci_upper"][40]
        band += ((curve["profit_band_lower"] <= true_curve + 1e-9) & (true_curve <= curve["profit_band_upper"] + 1e-9)).all()
        roi_band += curve["roi_ci_lower"][40] <= true_curve[40] / 0.8 <= curve["roi_ci_upper"][40]
    # Standard error 1.3 percentage points.
    for covered in (point, band, roi_band):
        assert 0.92 <= covered / worlds <= 0.98


def test_the_roi_covariance_is_the_delta_methods():
    order, _, known = drawn(11)
    varied = Economics(np.random.default_rng(1).uniform(1, 4, 500), 0.5)
    curves = profit_and_spend(order, known, varied)
    roi, covariance = roi_of(curves)
    influences = []
    for number in (20, 60):
        policy = np.zeros(500)
        policy[order[: 5 * number]] = 1
        spent = policy * varied.cost
        influences.append((profits(policy, known.score, varied) - roi[number] * spent) / spent.mean())
    slow = joint_covariance(np.column_stack(influences), known.household_id)
    assert covariance[np.ix_([20, 60], [20, 60])] == pytest.approx(slow)
