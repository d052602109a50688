"""What policies earn: five households by hand, and an overfitted policy on pure noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from targeting.nuisance.scores import dr_scores
from targeting.policy.contact_price import PUBLISHED_COST, TILLS_COST
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData, assign
from targeting.policy.value import (
    Evidence,
    best_candidate,
    earned,
    evidence_of,
    extrapolated,
    observed_profits,
    profits,
    recommend,
    recommendable,
    support,
    value_table,
    with_absent,
)
from targeting.policy.value_checks import bounds, check_table, direct_method, weighted
from targeting.sentences.policy import decisions_by_cost_words, recommendation_words
from targeting.sentences.policy_names import POLICY_WORDS

ECONOMICS = Economics(cost=2.0, margin=0.5)
CATE = np.array([10.0, -1.0, 6.0, 3.0, 4.5])
TREATED = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
EVERYBODY = np.ones(5, dtype=bool)
# Chosen so that the doubly robust scores are whole: the effect scores (treated less control) are 8, 2, -2, 6, 10.
FIVE = Evidence(
    score0=np.array([10.0, 20.0, 30.0, 40.0, 50.0]),
    score1=np.array([18.0, 22.0, 28.0, 46.0, 60.0]),
    outcome=np.array([14.0, 20.0, 30.0, 46.0, 50.0]),
    treated=TREATED,
    household_id=np.arange(5),
    overlap=EVERYBODY,
    propensity=np.array([0.5, 0.25, 0.2, 0.8, 0.5]),
    mu0=np.array([10.0, 20.0, 30.0, 40.0, 50.0]),
    mu1=np.array([10.0, 22.0, 28.0, 46.0, 60.0]),
)
Z = 1.959964


def evidence(score: np.ndarray, household_id: np.ndarray | None = None) -> Evidence:
    """Evidence of given effect scores from arms drawn by lot, all inside the overlap."""
    n = len(score)
    households = np.arange(n) if household_id is None else household_id
    nothing, half, treated = np.zeros(n), np.full(n, 0.5), (np.arange(n) % 2).astype(float)
    return Evidence(nothing, score, nothing, treated, households, np.ones(n, dtype=bool), half, nothing, score)


def decisions(cate: np.ndarray, overlap: np.ndarray | None = None, treated: np.ndarray | None = None) -> pd.DataFrame:
    """All policies that need only effects, at a breakeven of 4."""
    everybody, nobody = np.ones(len(cate), dtype=bool), np.zeros(len(cate))
    inside, mailed = everybody if overlap is None else overlap, nobody if treated is None else treated
    return assign(PolicyData(cate, inside, mailed, 4.0, np.arange(len(cate))))


def five() -> pd.DataFrame:
    return value_table(decisions(CATE, treated=TREATED), CATE, FIVE, ECONOMICS).set_index("policy")


def test_the_five_households_scores_follow_from_their_nuisances():
    scores = dr_scores(FIVE.outcome, FIVE.treated, FIVE.propensity, FIVE.mu0, FIVE.mu1)
    assert scores[:, 0] == pytest.approx(FIVE.score0)
    assert scores[:, 1] == pytest.approx(FIVE.score1)


def test_breakeven_is_the_effect_that_pays_for_a_contact():
    assert ECONOMICS.breakeven == 4.0
    assert profits([1.0], [4.0], ECONOMICS).tolist() == [0.0]


def test_values_by_hand():
    # Breakeven contacts rows 0, 2, 4: off-policy 0.5 * 8 - 2 = 2, 0.5 * -2 - 2 = -3, 0.5 * 10 - 2 = 3, others 0: mean 0.4.
    # Deviations 1.6, -0.4, -3.4, -0.4, 2.6: squares sum to 21.2; se = sqrt(5/4 * 21.2) / 5.
    # Plug-in: 0.5 * (10 + 6 + 4.5) - 6 = 4.25, a row 0.85. ROI: 2 earned on 6 spent.
    row = five().loc["breakeven"]
    se = np.sqrt(1.25 * 21.2) / 5
    assert (row["share"], row["n"], row["share_outside"]) == (0.6, 3, 0)
    assert row["profit"] == pytest.approx(0.4)
    assert row["profit_se"] == pytest.approx(se)
    assert row["profit_ci_lower"] == pytest.approx(0.4 - Z * se)
    assert row["profit_ci_upper"] == pytest.approx(0.4 + Z * se)
    assert row["profit_plugin"] == pytest.approx(0.85)
    assert row["optimism"] == pytest.approx(0.45)
    assert row["total_profit"] == pytest.approx(2.0)
    assert row["total_profit_ci_lower"] == pytest.approx(5 * (0.4 - Z * se))
    assert row["total_profit_ci_upper"] == pytest.approx(5 * (0.4 + Z * se))
    assert row["roi"] == pytest.approx(1 / 3)
    # ROI's influence: profits 2, 0, -3, 0, 3 less a third of 2, 0, 2, 0, 2 spent, over 1.2 spent a row.
    influence = (np.array([2, 0, -3, 0, 3]) - np.array([2, 0, 2, 0, 2]) / 3) / 1.2
    assert row["roi_ci_upper"] - row["roi"] == pytest.approx(Z * np.sqrt(1.25 * np.square(influence).sum()) / 5)


def test_paired_differences_by_hand():
    # Contacting all earns 2, -1, -3, 1, 3, current practice 0.5 * 4 - 2 = 0, 0, 0, 0.5 * 6 - 2 = 1, 0.
    table = five()
    row = table.loc["breakeven"]
    assert table.loc["current", "total_profit"] == pytest.approx(1.0)
    # Breakeven less all: 0, 1, 0, -1, 0, mean 0, squares 2. Less current: 2, 0, -3, -1, 3, mean 0.2, squares about it 22.8.
    assert row["over_all"] == pytest.approx(0.0)
    assert row["over_all_ci_upper"] == pytest.approx(Z * np.sqrt(1.25 * 2) / 5)
    assert row["over_current"] == pytest.approx(0.2)
    assert row["over_current_ci_lower"] == pytest.approx(0.2 - Z * np.sqrt(1.25 * 22.8) / 5)


def test_other_readings_by_hand():
    # Direct: 0.5 * (0, -2, 10) - 2 for rows 0, 2, 4: -2, -3, 3. Current practice: 0.5 * 4 - 2, 0.5 * 6 - 2.
    chosen = np.array([1.0, 0, 1, 0, 1])
    assert direct_method("breakeven", chosen, FIVE, ECONOMICS) == pytest.approx(-2 / 5)
    assert direct_method("current", TREATED, FIVE, ECONOMICS) == pytest.approx(1 / 5)
    # Weighted: of the contacts row 0 is treated (14 USD), rows 2 and 4 are controls with weights 1/0.8 and 1/0.5.
    controls = (30 * 1.25 + 50 * 2) / 3.25
    assert weighted("breakeven", chosen, FIVE, ECONOMICS) == pytest.approx(0.6 * 0.5 * (14 - controls) - 0.6 * 2)
    # Current: treated rows 0 and 3 spent 30 on average; controls 1, 2, 4 weigh e / (1 - e) = 1/3, 1/4, 1.
    controls = (20 / 3 + 30 / 4 + 50) / (1 / 3 + 1 / 4 + 1)
    assert weighted("current", TREATED, FIVE, ECONOMICS) == pytest.approx(0.4 * 0.5 * (30 - controls) - 0.4 * 2)
    assert np.isnan(weighted("row 0", np.array([1.0, 0, 0, 0, 0]), FIVE, ECONOMICS))
    assert weighted("none", np.zeros(5), FIVE, ECONOMICS) == 0
    # How much data: one treated, and 3.25^2 / (1.25^2 + 2^2) controls in effect.
    assert support("breakeven", chosen, FIVE) == {"ess": 1.0, "largest_weight": 1.0}
    two = support("three", np.array([1.0, 0, 1, 1, 1]), FIVE)  # treated weigh 2 and 1.25
    assert two["ess"] == pytest.approx(min(3.25**2 / (2**2 + 1.25**2), 3.25**2 / (1.25**2 + 2**2)))
    assert two["largest_weight"] == pytest.approx(2 / 3.25)
    assert support("current", TREATED, FIVE)["ess"] == pytest.approx(min(2, (19 / 12) ** 2 / (1 / 9 + 1 / 16 + 1)))
    assert support("none", np.zeros(5), FIVE)["ess"] == 0


def test_the_overlap_population_and_bounds_by_hand():
    partly = Evidence(**{**vars(FIVE), "overlap": np.array([True, True, True, True, False])})
    table = check_table(decisions(CATE, treated=TREATED), partly, ECONOMICS).set_index("policy")
    # All, on the four inside: 2, -1, -3, 1. Row 4 is a control who spent 50, the most seen: it gained between -50 and 0.
    se = np.sqrt(4 / 3 * 14.75) / 4
    assert table.loc["all", "profit_overlap"] == pytest.approx(-0.25)
    assert table.loc["all", "profit_overlap_ci_upper"] == pytest.approx(-0.25 + Z * se)
    # What learning from a sample leaves uncertain: 3 more for all by one split, 1 less by the other, half of it earned.
    moved = {"shift0": np.zeros((5, 2)), "shift1": np.tile([3.0, -1.0], (5, 1))}
    wider = check_table(decisions(CATE, treated=TREATED), Evidence(**{**vars(partly), **moved}), ECONOMICS).set_index("policy")
    learned = np.hypot(se, np.sqrt((1.5**2 + 0.5**2) / 2))
    assert wider.loc["all", "profit_overlap_ci_upper"] == pytest.approx(-0.25 + Z * learned)
    assert table.loc["all", "profit_bound_lower"] == pytest.approx((-1 + 0.5 * -50 - 2) / 5)
    assert table.loc["all", "profit_bound_upper"] == pytest.approx((-1 + 0.5 * 0 - 2) / 5)
    # Current practice, row 3 outside: treated, spent 46, so it gained between 46 - 50 and 46. The others earned 0.
    row3 = Evidence(**{**vars(FIVE), "overlap": np.array([True, True, True, False, True])})
    assert bounds("current", TREATED, row3, ECONOMICS) == pytest.approx(((0.5 * -4 - 2) / 5, (0.5 * 46 - 2) / 5))
    # Where less than nothing can be earned, a treated one gained up to 46 less the least seen, -4.
    lower = Evidence(**{**vars(row3), "outcome": np.array([-4.0, *FIVE.outcome[1:]])})
    assert bounds("current", TREATED, lower, ECONOMICS)[1] == pytest.approx(
        bounds("current", TREATED, row3, ECONOMICS)[1] + (0.5 * 4 + 0.5 * TREATED[0] * (-4 - FIVE.outcome[0])) / 5
    )
    # A policy that stays inside has nothing to bound.
    assert bounds("top_20", np.array([1.0, 0, 0, 0, 0]), partly, ECONOMICS) == pytest.approx((0.4, 0.4))


def test_costs_that_differ_by_household_by_hand():
    # Costs 1 to 5, margins 0.5 and 1: contacting all earns 8 * 0.5 - 1, 2 * 1 - 2, -2 * 0.5 - 3, 6 * 1 - 4, 10 * 0.5 - 5.
    varied = Economics(np.arange(1.0, 6.0), np.array([0.5, 1.0, 0.5, 1.0, 0.5]))
    table = value_table(decisions(CATE, treated=TREATED), CATE, FIVE, varied).set_index("policy")
    assert table.loc["all", "total_profit"] == pytest.approx(3 + 0 - 4 + 2 + 0)
    assert table.loc["all", "roi"] == pytest.approx(1 / 15)
    # Current practice: 0.5 * (14 - 10) - 1 and 1 * (46 - 40) - 4.
    assert table.loc["current", "total_profit"] == pytest.approx(1 + 2)


def test_nobody_earns_nothing_and_has_no_roi():
    row = five().loc["none"]
    assert row[["profit", "profit_se", "profit_plugin", "n", "ess"]].tolist() == [0, 0, 0, 0, 0]
    assert row[["roi", "simultaneous_lower"]].isna().all()


def test_current_practice_is_valued_rightly_with_wrong_outcome_models():
    """Treatment follows x and the effect is 6: practice earns margin * 6 - cost per treated, whatever mu says."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200_000)
    propensity = 1 / (1 + np.exp(-x))
    treated = (rng.random(len(x)) < propensity).astype(float)
    outcome = 20 + 5 * x + 6 * treated + rng.normal(size=len(x))
    scores = dr_scores(outcome, treated, propensity, 0 * x, 0 * x)
    inside = np.ones(len(x), dtype=bool)
    known = Evidence(*scores.T, outcome, treated, np.arange(len(x)), inside, propensity, 0 * x, 0 * x)
    earnings = observed_profits(known, ECONOMICS)
    truth = treated.mean() * (0.5 * 6 - 2)
    assert abs(earnings.mean() - truth) < 3 * earnings.std() / np.sqrt(len(x))
    naive = profits(treated, known.score, ECONOMICS)
    assert abs(naive.mean() - truth) > 20 * naive.std() / np.sqrt(len(x))  # what must not be done
    # The weights alone find it too, the wrong outcome model alone does not.
    assert abs(weighted("current", treated, known, ECONOMICS) - truth) < 0.05
    assert abs(direct_method("current", treated, known, ECONOMICS) - truth) > 3


def test_readings_agree_where_both_nuisances_are_right_and_else_follow_their_own():
    """Effect x on outcomes, contacts x > 0; the direct method trusts mu, weighting the propensity, the score either."""
    rng = np.random.default_rng(3)
    n = 300_000
    x = rng.normal(size=n)
    propensity = 1 / (1 + np.exp(-x))
    treated = (rng.random(n) < propensity).astype(float)
    outcome = 50 + 5 * x + 4 * x * treated + rng.normal(size=n)
    policy = (x > 0).astype(float)
    truth = float(np.mean(policy * (0.5 * 4 * x - 2)))

    def readings(e: np.ndarray, mu0: np.ndarray, mu1: np.ndarray) -> list[float]:
        scores = dr_scores(outcome, treated, e, mu0, mu1)
        known = Evidence(*scores.T, outcome, treated, np.arange(n), np.ones(n, dtype=bool), e, mu0, mu1)
        ours = earned(pd.DataFrame({"x": policy}), known, ECONOMICS)["x"].mean()
        return [ours, direct_method("x", policy, known, ECONOMICS), weighted("x", policy, known, ECONOMICS)]

    right, half = (50 + 5 * x, 50 + 9 * x), np.full(n, 0.5)
    assert readings(propensity, *right) == pytest.approx([truth] * 3, abs=0.03)
    ours, direct, weights = readings(propensity, 55 + 0 * x, 55 + 0 * x)
    assert (abs(ours - truth) < 0.1, abs(direct - truth) > 0.5, abs(weights - truth) < 0.1) == (True, True, True)
    ours, direct, weights = readings(half, *right)
    assert (abs(ours - truth) < 0.03, abs(direct - truth) < 0.03, abs(weights - truth) > 0.2) == (True, True, True)


def test_evidence_is_brought_together_by_outcome():
    panel = pd.DataFrame({"household_id": [5, 6], "treated": [0, 1], "purchase_count": [2, 3]})
    names = ("mu0", "mu1", "score0", "score1")
    nuisance = pd.DataFrame({f"{name}_purchase_count": [number, number + 0.5] for number, name in enumerate(names)})
    found = evidence_of(panel, nuisance.assign(propensity=[0.3, 0.4]), "purchase_count", np.array([True, False]))
    assert found.mu1.tolist() == [1.0, 1.5]
    assert found.score.tolist() == [1.0, 1.0]
    assert found.rows(np.array([False, True])).outcome.tolist() == [3.0]


def test_weeks_after_a_campaign_are_evidence_of_spend_alone():
    panel = pd.DataFrame({"household_id": [5, 6], "treated": [0, 1], "purchase_amount": [2.0, 3.0], "purchase_count": [2, 3]})
    names = [
        f"{name}_{outcome}" for name in ("mu0", "mu1", "score0", "score1") for outcome in ("purchase_amount", "purchase_count")
    ]
    nuisance = pd.DataFrame({name: [0.0, 1.0] for name in names}).assign(propensity=[0.3, 0.4])
    after = pd.DataFrame({"bias": [2.0, np.nan], "weeks": [3, 0]})
    spend, count = (
        evidence_of(panel, nuisance, name, np.ones(2, dtype=bool), after=after) for name in ("purchase_amount", "purchase_count")
    )
    np.testing.assert_array_equal(spend.after, [[2.0, 3.0], [np.nan, 0.0]])
    assert count.after is None


@pytest.mark.slow
def test_an_overfitted_policy_on_noise_earns_minus_its_cost_and_not_its_promise():
    """Randomised arms, no effect at all: a forest that follows noise promises a profit to households it never saw."""
    rng = np.random.default_rng(1)
    n = 3000
    covariates, treated = rng.normal(size=(n, 8)), rng.integers(0, 2, n)
    score = (2 * treated - 1) * 2 * rng.normal(0, 20, n)  # the doubly robust score of outcomes that are pure noise
    forest = RandomForestRegressor(60, min_samples_leaf=2, random_state=0, n_jobs=1)
    half = np.arange(n) % 2 == 0
    cate = np.empty(n)
    for learn in (half, ~half):
        cate[~learn] = forest.fit(covariates[learn], score[learn]).predict(covariates[~learn])
    row = value_table(decisions(cate), cate, evidence(score), ECONOMICS).set_index("policy").loc["breakeven"]
    cost = row["share"] * ECONOMICS.cost
    assert row["profit_plugin"] > cost
    assert row["profit_ci_lower"] < -cost < row["profit_ci_upper"] < row["profit_plugin"]


def judged(**columns: list[float]) -> pd.DataFrame:
    """A value table of none, all and prudent as the recommendation reads it."""
    table = pd.DataFrame({"policy": ["none", "all", "prudent"], "n": [0, 100, 20], "share_outside": 0.0, "ess": [0, 90, 40]})
    table = table.assign(share=[0.0, 1.0, 0.2], profit=[0.0, 5.0, 3.0], simultaneous_lower=[np.nan, -3.0, 1.0], lottery=False)
    table = table.assign(profit_ci_lower=[0.0, -2.8, 1.04], profit_ci_upper=[0.0, 12.8, 4.96], total_profit=[0.0, 500.0, 300.0])
    table = table.assign(over_current=[1.0, 6.0, 4.0], over_current_ci_lower=0.5, over_current_ci_upper=9.0)
    table = table.assign(expected_profit=[0.0, 1.0, 2.0], expected_profit_lower=[0, -4, -0.5], expected_profit_upper=[0, 6, 4.5])
    table = table.assign(chance_of_loss=[0.0, 0.4, 0.06], expected_loss=[0.0, 0.7, 0.04], **columns)
    return table.assign(shown=table["simultaneous_lower"] > 0)


def test_the_best_bet_is_recommended_whether_or_not_it_is_shown_to_pay():
    assert recommend(judged()) == "prudent"  # all earns more off-policy, but the decision is by what is expected
    assert recommend(judged(simultaneous_lower=[np.nan, -1.0, -0.1])) == "prudent"
    assert recommend(judged(n=[0, 100, 0])) == "none"
    assert recommend(judged(expected_profit=[0.0, 1.0, -0.1])) == "none"
    assert recommend(judged(expected_profit=[0.0, 1.0, np.nan])) == "none"
    assert recommend(judged(), comparable=False) == "none"
    limited = judged().assign(policy=["none", "prudent", "budget"])
    assert recommend(limited) == "budget"  # where a budget is set
    assert recommend(judged().iloc[:2]) == "none"  # nothing is believed


def test_who_can_be_judged():
    assert recommendable(judged()).tolist() == [False, True, True]
    # What reaches outside the overlap is extrapolated, however good it looks; what hardly anybody backs is no evidence; a lottery
    # is no choice.
    assert recommendable(judged(share_outside=[0.0, 0.1, 0.0])).tolist() == [False, False, True]
    # Of a best bet the part inside is measured, and can be judged.
    assert recommendable(judged(share_outside=[0.0, 0.0, 0.1])).tolist() == [False, True, True]
    assert recommendable(judged(ess=[0.0, 90.0, 29.0])).tolist() == [False, True, False]
    assert recommendable(judged(lottery=[False, True, False])).tolist() == [False, False, True]


def test_what_reaches_beyond_the_overlap_is_extrapolated_unless_the_data_answer_for_everybody():
    reaching = judged(share_outside=[0.0, 0.1, 0.1])  # of prudent, a best bet, the part inside is measured
    assert extrapolated(reaching, "overlap").tolist() == [False, True, False]
    assert not extrapolated(reaching, "everybody").any()


def beside(table: pd.DataFrame, share_outside: float = 0.0) -> pd.DataFrame:
    """The table with a row of current practice, this share of its contacts outside the overlap, and one of all inside it."""
    others = pd.DataFrame({"policy": ["current", "inside"], "n": 10, "ess": 1.0, "share_outside": [share_outside, 0.0]})
    believed = {"expected_profit": -2.0, "expected_loss": 2.3, "chance_of_loss": 0.8, "lottery": False}
    return pd.concat([table, others.assign(**believed)], ignore_index=True)


def test_the_best_candidate_is_compared_whether_or_not_it_is_shown_to_pay():
    assert best_candidate(judged(simultaneous_lower=[np.nan, -3.0, -1.0])) == "all"
    assert best_candidate(judged(ess=[0, 1, 2])) == "none"


def test_the_recommendation_says_what_is_expected_how_likely_it_loses_and_what_is_shown():
    said = recommendation_words(beside(judged()), "prudent")
    assert said.startswith(f"Mail {POLICY_WORDS['prudent']}")
    for words in ("20 of 100", "20%", "expected to earn $2.00", "-$0.50 to $4.50", "$200.00 in all", "chance of 6%", "$0.04"):
        assert words in said
    for words in ("It is shown to pay", "$3.00", "$1.04 to $4.96", "as low as $1.00", "$4.00 per household ($0.50 to $9.00)"):
        assert words in said
    unsure = recommendation_words(beside(judged(simultaneous_lower=[np.nan, -3.0, -1.0])), "prudent")
    assert "That it pays is not shown" in unsure


def test_where_nobody_is_to_be_mailed_it_says_what_that_may_forgo():
    said = recommendation_words(beside(judged(simultaneous_lower=[np.nan, -3.0, -1.0])), "none")
    assert said.startswith("Mail nobody")
    # A profit of -2 that is 2.3 short on average when it loses is 0.3 above nothing on average when it does not.
    for words in ("-$2.00", "chance of 20%", "$0.30", "the best of 2, mailing everybody,", "$5.00", "-$2.80 to $12.80"):
        assert words in said
    assert "only policy that can be judged, mailing everybody," in recommendation_words(beside(judged(ess=[0, 90, 2])), "none")
    assert "No policy has enough contacts" in recommendation_words(beside(judged(ess=[0, 1, 2])), "none")


def test_the_decision_at_either_cost_is_told_under_its_own_name():
    bet = {"cost": 2.924, "recommended": "prudent", "recommended_share": 0.53, "expected_profit": 2.5, "chance_of_loss": 0.0027}
    bet |= {"measured": 1.25, "measured_ci_lower": 0.25, "measured_ci_upper": 2.25, "recommended_outside": 0.0}
    own = {"cost": 12.73, "recommended": "none"}
    scenarios = pd.DataFrame([own | {"scenario": "as set"}, bet | {"scenario": TILLS_COST}])
    said = decisions_by_cost_words(scenarios, "published")
    decided = ("$2.92 per contact", "mail 53%", "$2.50 per household", "a chance of less than 1%")
    for words in ("By these tills", *decided, "earned $1.25 (95% interval $0.25 to $2.25)."):
        assert words in said["at_tills_cost"]
    assert said["at_set_cost"].startswith("The published study")
    assert said["at_set_cost"].endswith("At $12.73 per contact: mail nobody.")
    # With policy.costs=tills the run's own is that of the tills, and the names say the same as before.
    turned = scenarios.assign(scenario=[PUBLISHED_COST, "as set"])
    assert decisions_by_cost_words(turned, "tills") == said
    assert list(decisions_by_cost_words(scenarios.head(1), "published")) == ["at_set_cost"]
    assert "study" not in decisions_by_cost_words(scenarios.assign(cost=5.0), "published")["at_set_cost"]
    # Without tills nobody knows another cost, nor a study's.
    assert decisions_by_cost_words(scenarios, "published", tills=False) == {
        "at_set_cost": "As set for this run. At $12.73 per contact: mail nobody."
    }


def test_an_interval_against_current_practice_says_what_it_leaves_out():
    said = recommendation_words(beside(judged(), 0.17), "prudent")
    assert "($0.50 to $9.00, which does not count what is unknown of its 17% of contacts outside the overlap)" in said


def test_absent_policies_keep_their_place_with_a_reason():
    table = with_absent(five().reset_index(), {"conservative": "no interval", "budget": "no budget is set"})
    assert table["policy"].tolist()[-2:] == ["conservative", "risk_adjusted"]
    assert table.set_index("policy")["note"].to_dict()["conservative"] == "no interval"
    assert table.set_index("policy").loc["budget", ["profit", "share"]].isna().all()
    assert (with_absent(five().reset_index(), {})["note"] == "").all()
