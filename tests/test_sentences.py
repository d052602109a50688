"""Facts in words: the numbers and the decisive word are there, whatever the wording."""

import numpy as np
import pandas as pd

from targeting.campaign.experiment import Comparison, experiment_metrics
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import DECISION, Ground, NextCampaign, mailing_list
from targeting.campaign.monitoring import REALISED, Advice, Verdict
from targeting.nuisance.overlap import Answers
from targeting.policy.economics import Economics
from targeting.robustness.refutation_verdicts import refutation_table
from targeting.segments.factor_selection import FactorChoice, FactorRule
from targeting.segments.grouping import ClusterChoice
from targeting.sentences.experiment import experiment_words
from targeting.sentences.heterogeneity import heterogeneity_words
from targeting.sentences.mailing import list_with_reasons
from targeting.sentences.monitoring import monitoring_words
from targeting.sentences.overlap import overlap_words
from targeting.sentences.refutation import verdict_words
from targeting.sentences.segments import cluster_words, factor_words
from targeting.sentences.selection import choice_reasons
from targeting.sentences.selection import learners_with_reasons as with_learner_reasons
from targeting.stats.estimates import Estimate
from targeting.validation.selection import NESTED, Choice, Decision, Implausible, Judgement, OffInSize
from tests.refutation_settings import SETTINGS


def has_all(sentence: str, *parts: str) -> bool:
    return all(part in sentence for part in parts)


OVERLAP = {"overlap_share_wide": 0.68, "ess_treated_overlap": 412.3, "ess_control_overlap": 900.0, "max_smd_overlap": 0.123}


def test_overlap():
    assert has_all(overlap_words(OVERLAP | {"answers": Answers.NOTHING}), "do not compare", "412", "0.12")
    # As read from a file the answer is plain text.
    partly = overlap_words(OVERLAP | {"answers": "overlap"})
    assert has_all(partly, "68% of rows had a chance of being mailed between 0.05 and 0.95", "95%", "only")
    everybody = overlap_words(OVERLAP | {"answers": Answers.EVERYBODY, "overlap_share_wide": 0.98})
    assert "98%" in everybody
    assert "only" not in everybody


def test_heterogeneity():
    found = {"best": "average", "best_autoc": 22.034, "heterogeneity_p": 0.0004, "n_learners": 11, "heterogeneity": True}
    found |= {"surest": "t", "surest_p": 0.11}
    shown = heterogeneity_words(found)
    assert has_all(shown, "beyond noise", "the average of learners", "22.03", "p < 0.001", "11")  # and not p = 0.000
    none = heterogeneity_words(found | {"heterogeneity": False, "heterogeneity_p": 0.379})
    # Of all that fail to show it, the one that comes closest, and not the preferred one.
    assert has_all(none, "No learner", "smallest p is 0.11", "T-learner", "11 learners", "average effect")
    without = {"best": "ate", "heterogeneity": False, "heterogeneity_p": 1.0, "n_learners": 2}
    assert has_all(heterogeneity_words(without), "gates", "average effect")


def decision(learner: str, shown: bool) -> Decision:
    judgements = {
        "wild": Judgement(9.0, 0.5, Implausible(50.0, 7.5), np.nan, np.nan),
        "shy": Judgement(8.0, 0.5, OffInSize(Estimate(3.0, 0.25)), np.nan, np.nan),
        "good": Judgement(5.0, 0.03, None, -1.25, 2.5),
        "average": Judgement(3.75, 0.04, None, 0.0, 0.0),
        "poor": Judgement(1.0, 0.9, None, 2.75, 1.5),
    }
    return Decision(learner, shown, judgements)


def test_why_a_learner_is_chosen_or_not():
    words = choice_reasons(Choice(decision("average", True), {0: decision("average", True), 1: decision("good", True)}))
    assert words["average"].startswith("chosen")
    assert "1 of 2 folds" in words["average"]
    others = {name: said for name, said in words.items() if name != "average"}
    assert all(said.startswith("not chosen") for said in others.values())
    assert has_all(others["wild"], "50.00", "7.50")
    assert has_all(others["shy"], "factor of 2", "3.00", "2.51", "3.49")
    assert has_all(others["good"], "1.25 above average", "preferred", "2.50")
    assert has_all(others["poor"], "2.75 below average", "1.50", "0 of 2 folds")
    noise = choice_reasons(Choice(decision("average", False), {}))["average"]
    assert has_all(noise, "not chosen", "not beyond noise", "0.04", "average effect")
    beaten = choice_reasons(Choice(decision("good", True), {}))
    assert has_all(beaten["good"], "chosen", "largest AUTOC")
    assert has_all(beaten["average"], "not chosen", "3.75 beyond noise")


def test_reasons_stand_beside_the_outcome_that_was_decided_on():
    choice = Choice(decision("average", True), {})
    learners = pd.DataFrame(
        {
            "outcome": ["purchase_amount"] * 3 + ["purchase_count"] * 2,
            "learner": ["average", NESTED, "t", "average", "t"],
        }
    )
    reasons = with_learner_reasons(learners, choice, "purchase_amount", {"t": "it gave no effects"})["reason"].tolist()
    assert reasons[0].startswith("chosen")
    assert "each fold" in reasons[1]
    assert reasons[3] == ""
    assert all(has_all(reasons[row], "left out", "it gave no effects") for row in (2, 4))


def draws(estimates: list[float], se: float = 1.0, shift_se: float = np.nan) -> pd.DataFrame:
    return pd.DataFrame({"repeat": range(len(estimates)), "estimate": estimates, "se": se, "shift_se": shift_se})


def verdicts(original: float, outcome: str = "purchase_amount", **checks: pd.DataFrame) -> dict[str, str]:
    """The words on an effect with a standard error of 2, by check."""
    usual = {"placebo": draws([0.0, 2.0, 4.0]), "random_cause": draws([10.1, 9.8]), "subset": draws([8.0, 10.0, 12.0])}
    given = {"original": draws([original], 2.0)} | usual | checks
    frames = [frame.assign(check=check, outcome=outcome, estimator="ato") for check, frame in given.items()]
    table = refutation_table(
        pd.concat(frames, ignore_index=True), SETTINGS, pd.DataFrame({"outcome": [outcome], "difference": [50.0]})
    )
    return {row["check"]: verdict_words(row) for _, row in table.iterrows()}


def test_verdicts_say_what_was_found():
    left_out = draws([9.0, 13.0], shift_se=1.0).assign(repeat=[27, 8])
    found = verdicts(10.0, negative_control=draws([1.0, 2.0, 4.0]), trial_left_out=left_out)
    # Mean 2, sd 2, error 2 / sqrt(3).
    assert has_all(found["placebo_ratio"], "Passed", "3 placebo effects", "$2.00", "$1.15", "$10.00")
    assert "within noise" not in found["placebo_ratio"]
    # 2 and 4 lie beyond 1.96 standard errors of 1; sqrt(0.95 * 0.05 / 3) is 12.6%.
    assert has_all(found["placebo_false_alarms"], "Failed", "2 of 3", "5%", "12.6%", "too short")
    assert has_all(found["placebo_position"], "For information", "within", "p = 0.25")
    assert has_all(found["negative_control"], "Passed", "$2.00 more", "-$0.77 to $4.77", "unadjusted $50.00")
    # Shifts of 0.1 and 0.2: 0.15 on average, of a standard error of 2.
    assert has_all(found["random_cause_se"], "Passed", "0.075")
    assert has_all(found["random_cause_relative"], "Passed", "$0.15", "$10.00")
    assert has_all(found["subset_stability"], "3 subsets", "$10.00", "$2.00")
    # A share of 0.8 predicts half a standard error.
    assert has_all(found["subset_spread"], "Failed", "$2.00", "predicts $1.00", "refits move it")
    assert has_all(found["trial_left_out_shift"], "Failed", "campaign 8", "$13.00 in place of $10.00", "3.0 standard errors")
    assert has_all(found["trial_left_out_sign"], "Passed", "no trial")


def test_verdicts_that_fail_say_why_it_matters():
    left_out = draws([9.0, -1.0], shift_se=1.0).assign(repeat=[27, 8])
    reasons = draws([-2.0, -4.0])
    found = verdicts(3.0, "purchase_count", negative_control=draws([-3.0] * 3), known_reasons=reasons, trial_left_out=left_out)
    assert has_all(found["negative_control"], "Failed", "3.00 baskets less", "cannot have caused", "need not be a sign")
    # 1.96 standard errors of 1 either way; the unit is said once.
    assert "(difference from -4.96 to -1.04 baskets with" in found["negative_control"]
    beyond = verdicts(3.0, "purchase_count", negative_control=draws([5.0] * 3), known_reasons=reasons)["negative_control"]
    assert has_all(beyond, "would leave 3.00 baskets less", "8.00 baskets more than that is a sign of something unseen")
    assert has_all(found["trial_left_out_sign"], "Failed", "campaign 8", "within noise of zero")
    assert "outside" in verdicts(10.0, placebo=draws([0.0] * 19))["placebo_position"]


def test_checks_that_could_not_be_run_say_so():
    found = verdicts(0.0)
    for check in ("negative_control", "trial_left_out_shift", "placebo_ratio", "random_cause_relative"):
        assert found[check].startswith("Not run")
    assert "one trial" in found["trial_left_out_sign"]
    assert "zero" in found["placebo_ratio"]


CANDIDATES = pd.DataFrame(
    {
        "household_id": [1, 2, 3, 4],
        "segment": "Light Grocery",
        "has_history": [True, False, True, True],
        "running": False,
        "eligible": [True, False, False, True],
    }
)
PREDICTIONS = pd.DataFrame(
    {
        "household_id": [1, 4],
        "expected": [10.126, 3.0],
        "uncertainty": [4.5, 2.0],
        "in_overlap": [True, False],
        "reach": [True, False],
        "propensity": [0.5, 0.02],
        "outside_range": ["frequency", "recency, spend_28d"],
        "unlike": ["", "recency, spend_28d"],
    }
)


def reasons(policy: str, epsilon: float = 0.0, seed: int = 1) -> pd.DataFrame:
    campaign = NextCampaign("A", policy, Economics(2.0, 0.5), "purchase_amount", (0.1, 0.9))
    table = mailing_list(CANDIDATES, PREDICTIONS, campaign, Exploration("epsilon_greedy", epsilon, 1.0), seed)
    said = list_with_reasons(table, campaign)
    assert list(said) == [*DECISION, "reason"]
    return said.assign(ground=table["ground"])


def test_why_a_household_is_mailed_or_not():
    said = reasons("prudent")["reason"]
    assert said[0].startswith("Mailed by policy prudent")
    assert has_all(said[0], "$10.13", "$4.50", "$4.00", "at its edge: visits")
    assert has_all(said[1], "Not eligible", "no purchase")
    assert has_all(said[2], "Not eligible", "type A")
    assert has_all(
        said[3],
        "Not mailed",
        "$3.00",
        "Outside the overlap",
        "hardly any",
        "0.02",
        "Unlike any household",
        "days since the last purchase, spend in the last 28 days",
    )


def test_where_nobody_is_to_be_mailed_the_reason_says_so():
    said = reasons("none")["reason"]
    assert said[0].startswith("Not mailed: no policy")
    assert "Rank 1 of 2 by expected effect ($10.13)" in said[0]
    assert said[3].startswith("Not mailed: no policy")
    assert "Rank 2 of 2, behind all in the overlap, by expected effect" in said[3]


def test_the_lot_is_told_with_its_chance():
    drawn = pd.concat([reasons("prudent", 0.8, seed) for seed in range(10)])
    drawn = drawn[drawn["ground"] == Ground.LOT]
    for mail, word, chance in ((1, "Mailed by lot", "0.400"), (0, "Left out by lot", "0.600")):
        own = drawn.loc[drawn["mail"] == mail, "reason"]
        assert len(own)
        assert own.str.startswith(word).all()
        assert own.str.contains(chance, regex=False).all()


def test_the_experiment_says_whether_one_campaign_is_enough():
    tests = Comparison(463.05, 0.05), Comparison(463.05, 0.05, 0.7)
    enough = experiment_metrics(tests, 34.22, 0.8, 2000, 2000, 6237.7)
    said = experiment_words(enough, 0.8, "purchase_amount")
    # 2,874 an arm by the published example, and 0.3 times as many with adjustment.
    assert has_all(said, "$34.22", "80%", "5,748", f"{enough['n_total_adjusted']:,}", "2,000", "$6,238", "is enough")
    few = experiment_words(experiment_metrics(tests, 34.22, 0.8, 2000, 700, 6237.7), 0.8, "purchase_amount")
    assert has_all(few, "not enough", "3 campaigns")
    assert "0.50 baskets" in experiment_words(enough | {"effect": 0.5}, 0.8, "purchase_count")


def test_monitoring_names_all_that_holds():
    wrong = pd.DataFrame([["all", 9, 30.0, 10.5], ["5", 9, 50.0, 2.0]], columns=["group", "n", "predicted", "realised"])
    none, mean = (
        pd.DataFrame(columns=REALISED),
        pd.Series({"predicted": 20.2, "realised": -6.4, "ci_lower": -34.5, "ci_upper": 21.8}),
    )
    stop = monitoring_words(Verdict(Advice.STOP, 2.5, wrong, mean, ["propensity"], 4, 8), "purchase_amount")
    assert has_all(stop, "lost $2.50", "mean", "$10.50 in place of $30.00", "fifth 5", "$2.00", "propensity drifted", "4 of 8")
    few = monitoring_words(Verdict(Advice.RETRAIN, 0.0, none, mean, ["effect"], 1, 8), "purchase_amount")
    assert "effect drifted" in few
    assert "1 of 8" not in few
    keep = monitoring_words(Verdict(Advice.KEEP, 0.0, none, mean, [], 1, 8), "purchase_amount")
    assert has_all(keep, "$20.20", "-$6.40 (-$34.50 to $21.80)", "chance", "1 of 8")
    counted = monitoring_words(Verdict(Advice.KEEP, 0.0, none, mean, [], 1, 8), "visits")
    assert has_all(counted, "20.20 visits", "realised -6.40 visits (-34.50 to 21.80)")
    assert "two or more campaigns" in monitoring_words(Verdict(Advice.UNKNOWN, 0.0, none, none, [], 0, 0), "purchase_amount")


def test_numbers_of_factors_and_segments():
    for rule, word in (("FEWEST", "fewest"), ("MOST_EXPLAINED", "none explains 92%"), ("MOST_STABLE", "most stable")):
        assert has_all(factor_words(FactorChoice(5, FactorRule[rule], 0.9238, 0.996), 0.92), word, "0.924", "1.00")
    best = pd.Series({"method": "mixture", "k": 6, "davies_bouldin": 0.889, "ari_mean": 0.941, "silhouette": 0.4})
    used = pd.Series({"method": "kmeans", "k": 7, "davies_bouldin": 0.973, "ari_mean": 0.935, "silhouette": 0.372})
    other = cluster_words(ClusterChoice(best, used, separated=True), 0.03, 0.85)
    assert has_all(other, "Gaussian mixture with 6", "0.89", "3%", "0.85", "0.94", "in use are 7 by K-Means", "0.97", "0.37")
    same = cluster_words(ClusterChoice(used, used, separated=False), 0.03, 0.85)
    assert has_all(same, "K-Means with 7", "most stable", "the one in use")
