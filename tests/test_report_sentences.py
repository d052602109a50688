"""What the report says in words: each sentence follows from the run's numbers by a written rule."""

import re

import pandas as pd
import pytest

from targeting.sentences import decision
from targeting.sentences import report as sentences
from targeting.sentences.halves import people_move
from tests.reports import REAL, results


def test_sentences_follow_the_numbers():
    metrics, tables = results()
    effects, refutation, policies = tables["ate"], tables["refutation"], tables["policies"]
    own = (effects["outcome"] == "purchase_amount") & (effects["trial"] == "all") & (effects["method"] == "ato")
    clear = effects.copy()
    clear.loc[own, ["estimate", "ci_lower", "ci_upper"]] = [30.0, 10.0, 50.0]
    passing = refutation.assign(passed=True)
    good = metrics | {
        "nuisance": metrics["nuisance"] | {"answers": "everybody"},
        "validate": metrics["validate"] | {"heterogeneity": True},
        "policy": metrics["policy"] | {"recommended": "prudent", "shown": True},
    }

    quiet = tables["concurrent_effects"].head(0)

    def sure(metrics: dict, effects: pd.DataFrame, refutation: pd.DataFrame) -> str:
        return sentences.confidence(metrics, sentences.doubts(metrics, effects, refutation, quiet, "purchase_amount"), policies)

    assert sentences.doubts(good, clear, passing, quiet, "purchase_amount") == []
    assert sure(good, clear, passing) == "The profit is above zero beyond chance, and no check stands against it."
    assert "All 40 attempts" in sentences.refutation_sentence(passing)
    assert "more than chance would give" in sentences.effect_sentence(clear, "purchase_amount")
    failing = passing.assign(passed=passing["check"] != "negative_control")
    assert sentences.doubts(good, clear, failing, quiet, "purchase_amount")[0].startswith("Purchases before the campaign.")
    assert "one doubt stands" in sure(good, clear, failing)
    unsure = good | {"policy": good["policy"] | {"shown": False}}
    assert "that it pays is not shown" in sure(unsure, clear, passing)
    assert "One doubt stands" in sure(unsure, clear, failing)
    unclear = effects.copy()
    unclear.loc[own, ["estimate", "ci_lower", "ci_upper"]] = [3.0, -10.0, 16.0]
    assert "which may well be nothing" in sentences.effect_sentence(unclear, "purchase_amount")
    assert sentences.two_errors(effects, "purchase_amount") == ""
    wide = effects.assign(se=5.0, se_sampling=3.0, se_learning=4.0)
    said = sentences.two_errors(wide, "purchase_amount")
    assert re.search(r"from a sample.* \$3\.00 by which households .* \$4\.00 by which of them .* \$5\.00 in all", said)
    nothing = good | {"nuisance": metrics["nuisance"] | {"answers": "nothing"}}
    assert sure(nothing, clear, passing).startswith("These data cannot say whom to mail")


def test_mailings_inside_the_window_are_a_doubt_where_the_effect_turns_without_them():
    rows = pd.DataFrame({"outcome": "purchase_amount", "method": "ato", "effect": ["as_mailed", "censored"]})
    turned = rows.assign(estimate=[13.5, -8.9], ci_lower=[-1.4, -30.4], ci_upper=[28.5, 12.6])
    (said,) = sentences.mailed_again(turned, "purchase_amount")
    assert "an estimated -$8.90 (95% interval -$30.40 to $12.60) in place of $13.50" in said
    assert sentences.mailed_again(turned.assign(estimate=[13.5, 8.9]), "purchase_amount") == []
    assert sentences.mailed_again(turned.assign(estimate=[13.5, float("nan")]), "purchase_amount") == []
    assert sentences.mailed_again(turned, "purchase_count") == sentences.mailed_again(turned.head(0), "purchase_amount") == []


def test_the_refutations_say_which_effect_they_compare_with():
    _, tables = results()
    effects, refutation = tables["ate"], tables["refutation"]
    own = (effects["outcome"] == "purchase_amount") & (effects["trial"] == "all") & (effects["method"] == "ato")
    effects = effects.assign(estimate=effects["estimate"].mask(own, 13.55))
    theirs = (refutation["outcome"] == "purchase_amount") & (refutation["estimator"] == "ato")
    refutation = refutation.assign(original=refutation["original"].mask(theirs, 13.93))
    said = sentences.refutation_original(refutation, effects, "purchase_amount")
    assert re.search(r"they compare with is \$13\.93 .* above is \$13\.55\.", said)
    assert sentences.refutation_original(refutation[~theirs], effects, "purchase_amount") == ""


def test_the_headline_and_its_three_numbers():
    metrics, _ = results()
    own = {"recommended": "none", "cost": 12.73, "breakeven": 42.43, "margin": 0.5, "expected_profit": 0.0, "share_outside": 0.0}
    metrics["policy"] = metrics["policy"] | own | {"belief": {"level": 20.0}}
    metrics["policy"] |= {"expected_effect": 20.0, "expected_effect_lower": 10.2, "expected_effect_upper": 29.8}
    metrics["nuisance"] = metrics["nuisance"] | {"answers": "overlap"}
    beliefs = {"share": 0.25, "expected_profit": -2.5, "chance_of_loss": 0.9}
    policies = pd.DataFrame([{"policy": name, "profit_overlap_ci_upper": -0.1, **beliefs} for name in ("inside", "all")])
    assert decision.decision_headline(metrics, policies) == "Mail nobody: mailing everybody in the overlap is shown to lose."
    open_question = policies.assign(profit_overlap_ci_upper=0.1)
    assert decision.decision_headline(metrics, open_question).endswith("is not known, test it.")
    measured = {
        "outcome": "purchase_amount",
        "trial": "all",
        "method": "ato",
        "estimate": 18.0,
        "ci_lower": -4.0,
        "ci_upper": 40.0,
    }
    effects = pd.DataFrame([measured])
    brings, costs, earns = decision.key_numbers(metrics, policies, effects, "purchase_amount")
    # Half of 20 USD of sales, and of the interval's ends; measured 18.
    assert brings["value"] == "$10.00"
    assert "$5.10 to $14.90" in brings["caption"]
    assert "measured: $9.00 (95% interval -$2.00 to $20.00)" in brings["caption"]
    assert (costs["value"], earns["value"]) == ("$12.73", "$0.00")
    assert "-$2.50" in earns["caption"]
    assert "25% of households" in earns["caption"]
    assert earns["caption"].endswith("pays: 10%")
    bet = {"expected_profit": 3.0, "expected_profit_lower": -1.0, "expected_profit_upper": 7.0, "chance_of_loss": 0.07}
    metrics["policy"] |= {"recommended": "prudent", "shown": False, "share": 0.4} | bet
    headline = decision.decision_headline(metrics, policies)
    assert headline == "Mail 40% of households: the best bet, not shown to pay."
    assert len(headline.split()) <= 12
    said = decision.key_numbers(metrics, policies, effects, "purchase_amount")[2]["caption"]
    assert said.endswith("(-$1.00 to $7.00, with a probability of 95%); chance that it loses: 7%")
    assert "belief alone" not in said
    metrics["policy"] |= {"share_outside": 0.25, "expected_measured": 2.25}
    said = decision.key_numbers(metrics, policies, effects, "purchase_amount")[2]["caption"]
    assert "$2.25 is earned in the overlap, the rest on belief alone" in said
    metrics["policy"] |= {"shown": True, "belief": {}}
    assert "shown to pay" in decision.decision_headline(metrics, policies)
    assert decision.key_numbers(metrics, policies, effects, "purchase_amount")[0]["value"] == "not known"
    metrics["nuisance"] = metrics["nuisance"] | {"answers": "nothing"}
    assert "do not compare" in decision.decision_headline(metrics, policies)
    metrics["nuisance"] = metrics["nuisance"] | {"answers_by_lot": "everybody"}
    assert "by lot" in decision.decision_headline(metrics, policies)


@pytest.mark.parametrize(("mailed", "answers"), [(5, "overlap"), (0, "everybody")])
def test_the_reach_of_the_next_campaign_is_told_where_its_list_does_not(mailed, answers):
    score = {"n_eligible": 2400, "n_in_overlap": 1200, "n_within_reach": 2390, "n_mailed": mailed}
    assert decision.next_reach({"score": score, "nuisance": {"answers": answers}}) == ""
    said = decision.next_reach({"score": score | {"n_mailed": 0}, "nuisance": {"answers": "overlap"}})
    for words in ("past campaigns", "2,400", "1,200 (50%)"):
        assert words in said
    assert "no others" not in said
    kept_inside = {"score": score | {"n_mailed": 0, "n_within_reach": 1200}, "nuisance": {"answers": "overlap"}}
    assert "no others would be mailed" in decision.next_reach(kept_inside)


LOSES = {"profit_ci_upper": -1.0, "profit_overlap_ci_upper": -0.5}


@pytest.mark.parametrize(
    ("answers", "row", "begin"),
    [
        ("everybody", LOSES, "Mailing everybody loses money beyond chance."),
        ("everybody", LOSES | {"profit_ci_upper": 1.0}, "That mailing is not expected to pay"),
        # Only the overlap speaks, whatever the interval over everybody says.
        (
            "overlap",
            LOSES,
            "Mailing everybody in the overlap, where alike households were both mailed and not, loses money beyond chance;",
        ),
        ("overlap", LOSES | {"profit_overlap_ci_upper": 0.5}, "That mailing is not expected to pay"),
        ("nothing", LOSES, "These data cannot say whom to mail"),
    ],
)
def test_a_loss_is_said_of_those_of_whom_the_data_speak(answers, row, begin):
    metrics, _ = results()
    metrics["nuisance"] = metrics["nuisance"] | {"answers": answers}
    metrics["policy"] = metrics["policy"] | {"recommended": "none"}
    policies = pd.DataFrame([{"policy": "all"} | row])
    said = sentences.confidence(metrics, [], policies)
    assert said.startswith(begin)


def test_the_experiment_says_what_it_must_find():
    metrics = {"policy": {"breakeven": 40.0}, "experiment": {"half_width_adjusted": 25.5}}
    said = sentences.experiment_settles(metrics, "purchase_amount")
    assert "as large as breakeven ($40.00)" in said
    assert "if it finds more than $65.50. It tests no choice" in said
    assert "more than 65.50 baskets." in sentences.experiment_settles(metrics, "purchase_count")


def test_the_average_of_learners_is_not_taken_for_the_average_effect():
    peak = {"profit_peak_share": 0.1, "profit_peak_share_lower": 0.0, "profit_peak_share_upper": 0.2}
    assert sentences.best_share_sentence("average", peak, "overlap").startswith(
        "At the run's own cost and margin, in the order of the average of learners, profit"
    )
    assert "no profit here is evidence" in sentences.best_share_sentence("dr", peak, "nothing")
    assert sentences.best_share_sentence("dr", peak, "overlap").startswith(
        "At the run's own cost and margin, in the order of the DR-learner, profit"
    )


@pytest.mark.parametrize(
    ("n_differing", "p", "words"),
    [
        (2, 0.001, "Segments differ in the effect (p = 0.001 for all at once); 2 differ from"),
        (1, 0.00001, "Segments differ in the effect (p < 0.001 for all at once); 1 differs from"),
        (0, 0.02, "Segments differ in the effect (p = 0.020 for all at once); none differs from"),
        (0, 0.4, "is not shown (p = 0.400"),
        # All at once is the test; one that differs alone does not overrule it.
        (
            1,
            0.29,
            "That segments differ in the effect is not shown for all at once (p = 0.290), though one by one 1 differs from",
        ),
    ],
)
def test_segments_differ_only_where_the_test_says_so(n_differing, p, words):
    found = {"purchase_amount": {"n_differing": n_differing, "differ_p": p}}
    assert words in sentences.segments_sentence(found, "purchase_amount")


def test_segments_that_cannot_be_compared_are_no_error():
    # What metrics/segment_effects.json holds where fewer than two segments have households enough in both arms.
    assert "cannot be said" in sentences.segments_sentence({"purchase_amount": {}}, "purchase_amount")


@pytest.mark.parametrize(
    ("silhouette", "davies_bouldin", "further"),
    [(0.3841, 0.9, "no further apart"), (0.44, 0.9, "further apart"), (0.44, 1.0, "no further apart")],
)
def test_a_hair_above_households_without_groups_is_no_separation(silhouette, davies_bouldin, further):
    metrics, tables = results()
    metrics["segment"] = metrics["segment"] | {"silhouette": silhouette, "davies_bouldin": davies_bouldin}
    metrics["stability"] = metrics["stability"] | {"silhouette_ungrouped": 0.384, "davies_bouldin_ungrouped": 0.95}
    said = sentences.segments_note(metrics, tables["segment_transitions"])
    assert f"they lie {further} than" in said


def test_the_indices_of_segments_are_told_by_themselves():
    segment = {"k": 3, "ari_mean": 0.9412, "silhouette": 0.37}
    said = sentences.segments_indices({"segment": segment, "stability": {"ari_all_mean": 0.871, "silhouette_ungrouped": 0.38}})
    for words in ("adjusted Rand index of 0.94 ", "every step refitted of 0.87.", "silhouette is 0.37;", "no groups is 0.38."):
        assert words in said


def test_who_moves_is_told_with_the_segments_that_keep_most_and_fewest():
    # 10 of A, 8 of whom stay and one of whom buys no more; 5 of B, one of whom stays; nobody of C.
    pairs = {("A", "A"): 8, ("A", "B"): 1, ("A", "no purchase"): 1, ("B", "A"): 4, ("B", "B"): 1, ("C", "C"): 0}
    moves = pd.DataFrame([(*pair, n) for pair, n in pairs.items()], columns=["earlier", "later", "n"])
    moves["share"] = moves["n"] / moves["earlier"].map({"A": 10, "B": 5, "C": 1})
    said = people_move(moves, 9 / 14)
    assert said.startswith("64% of households that bought in both halves")
    assert said.endswith(": of A 80% stay, of B 20%")
    assert people_move(moves[moves["earlier"] == "A"], 8 / 9).endswith("in the same segment in both")
    assert people_move(moves, float("nan")).startswith("No household bought in both")


def test_limits_are_this_runs_own():
    metrics, _ = results()
    short = metrics | {"experiment": {"n_total_adjusted": 500, "n_eligible": 100}}
    assert any("100 eligible households are fewer than the 500" in limit for limit in sentences.limits(short, REAL))
    enough = metrics | {"experiment": {"n_total_adjusted": 100, "n_eligible": 500}}
    assert not any("eligible households are fewer" in limit for limit in sentences.limits(enough, REAL))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (REAL, "Nobody was mailed by lot"),
        ({"source": "simulated", "overlap": "randomised"}, "This made-up retailer mailed by lot"),
        ({"source": "simulated", "overlap": "poor"}, "of a real one nobody knows"),
    ],
)
def test_what_effects_rest_on_is_the_datas_own(data, words):
    metrics, _ = results()
    said = sentences.limits(metrics, data)
    assert sum(words in limit for limit in said) == 1
    assert sum("mailed by lot" in limit for limit in said) <= 1
