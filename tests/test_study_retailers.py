"""Whole made-up retailers, from their tills to the average effect and to what is recommended, and what is summed up of them."""

import numpy as np
import pandas as pd
import pytest

from study import retailers
from study.estimate import world_seed
from study.findings import findings
from study.retailer import CHOSEN, OUTCOME, SOURCE, judge_retailer, panel_and_truth, retailer_nuisances
from study.retailer_summary import ALL, HINDSIGHT, choice_summary, learner_summary
from study.summary import estimator_summary, with_truth
from study.worlds import OVERLAPS
from targeting.base.columns import OUTCOMES
from targeting.effects.estimators import effect_data, effect_table
from targeting.validation.selection import NESTED, USED
from targeting.validation.truth import estimand_weights, judge_effects, judge_propensities
from tests.conftest import ENGINE
from tests.stored import require_stored

PARAMS = {
    "engine": ENGINE,
    "design": {
        "name": "sequential_trials",
        "campaign_type": "A",
        "eligible": "rested",
        "post_days": 28,
        "min_follow_up_days": 28,
        "recent_days": [28, 56],
    },
    "nuisance": {"folds": 3, "clip": 0.01, "overlap": [0.1, 0.9]},
    "learners": {"names": ["t", "linear_dml"], "models": {"t": "linear"}},
    "policy": {
        "cost": 2.0,
        "margin": 0.3,
        "prudence": 0.5,
        "effect_spread": 0.1,
        "extrapolation": 0.5,
        "caution": 0.3,
        "budget_usd": 500,
        "budget_contacts": None,
    },
    "seed": 1,
}
WORLDS = 3


@pytest.fixture(scope="module")
def judged():
    """One small retailer with heterogeneous effects, mailed by lot."""
    return judge_retailer("randomised", "heterogeneous", 0, 300, 24, PARAMS)


@pytest.mark.slow
def test_a_retailers_rows_are_what_its_truth_says(judged):
    size = {"households": 300, "weeks": 24, "overlap": "randomised", "effect": "heterogeneous"}
    _, _, truth = panel_and_truth(SOURCE | size | {"seed": world_seed("randomised", "heterogeneous", 0)}, PARAMS)
    effect, e = truth["effect_purchase_amount"], truth["propensity"]
    stated = {row["estimand"]: row["truth"] for row in judged.truth if row["outcome"] == OUTCOME}
    assert stated["ate"] == pytest.approx(effect.mean())
    assert stated["att"] == pytest.approx(effect[truth["treated"] == 1].mean())
    assert stated["ato"] == pytest.approx((effect * e * (1 - e)).sum() / (e * (1 - e)).sum())
    assert judged.facts["oracle_profit"] == pytest.approx(np.maximum(0.3 * effect - 2, 0).mean())
    assert judged.facts["all_profit"] == pytest.approx((0.3 * effect - 2).mean())
    assert judged.facts["current_profit"] == pytest.approx(((0.3 * effect - 2) * truth["treated"]).mean())
    assert judged.facts["true_profit"] <= judged.facts["oracle_profit"]
    names = [row["learner"] for row in judged.learners]
    assert names == ["t", "linear_dml", "average", "stack", CHOSEN, NESTED, USED]
    rows = {row["learner"]: row for row in judged.learners}
    assert all(row["plugin_profit"] <= judged.facts["oracle_profit"] for row in judged.learners)
    measures = ("rank_correlation", "pehe", "plugin_profit")
    if judged.facts["best"] in rows:
        assert [rows[CHOSEN][name] for name in measures] == [rows[judged.facts["best"]][name] for name in measures]


@pytest.mark.slow
def test_a_retailer_is_judged_as_it_was_when_the_claims_were(judged):
    rows = {(row["outcome"], row["method"]): row for row in judged.estimates}
    figures = {f"{' '.join(key)} {name}": float(row[name]) for key, row in rows.items() for name in ("estimate", "se")}
    profits = {name: float(judged.facts[name]) for name in ("true_profit", "oracle_profit", "all_profit", "current_profit")}
    require_stored("a retailer, randomised heterogeneous", figures | profits)


@pytest.mark.long
def test_a_run_writes_the_same_tables_again_without_judging_again(tmp_path, monkeypatch):
    cells = {"none": retailers.Cell(1, 200)}
    retailers.run(tmp_path, cells, 24, PARAMS)
    written = {path.name: path.read_bytes() for path in tmp_path.glob("*.parquet")}
    assert set(written) == {"retailers.parquet", *(f"retailer_{name}.parquet" for name in ("learners", "estimates", "truth"))}
    table = pd.read_parquet(tmp_path / "retailers.parquet")
    assert table["overlap"].tolist() == list(OVERLAPS)
    assert (table["oracle_profit"] == 0).all()
    assert (pd.read_parquet(tmp_path / "retailer_truth.parquet")["truth"] == 0).all()
    assert pd.read_parquet(tmp_path / "retailer_learners.parquet")["rank_correlation"].isna().all()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("output.pkl")}
    retailers.run(tmp_path, cells, 24, PARAMS)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.parquet")} == written
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("output.pkl")} == kept


@pytest.mark.long
def test_intervals_hold_the_truth():
    """A few retailers; `make study` takes many more, and every overlap."""
    claims = []
    for seed in range(WORLDS):
        data = {"households": 400, "weeks": 36, "overlap": "good", "effect": "heterogeneous", "seed": seed}
        panel, _, truth = panel_and_truth(SOURCE | data, PARAMS)
        nuisance, campaigns = retailer_nuisances(panel, PARAMS), panel["campaign_id"].to_numpy()
        effects = pd.concat([effect_table(effect_data(panel, nuisance, name), campaigns, name) for name in OUTCOMES])
        claims += [
            judge_effects(effects, truth, estimand_weights(truth, by_design=True)),
            judge_propensities(nuisance["propensity"], truth),
        ]
    table = pd.concat(claims)
    table = table[table["trial"] == "all"]
    covered = table.groupby(["outcome", "name"])["covered"].sum()
    for outcome in OUTCOMES:
        for method in ("aipw", "ato"):
            # Of 3 at 95% fewer than 2 have a chance of 1 in 138.
            assert covered[outcome, method] >= WORLDS - 1, (outcome, method)
    assert covered["purchase_amount", "naive"] == 0
    assert table.loc[table["what"] == "propensity", "rank_correlation"].min() > 0.8


def results() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three retailers: two under good overlap with effects, one under poor overlap without any."""
    keys = pd.DataFrame(
        {"overlap": ["good", "good", "poor"], "effect": ["heterogeneous", "heterogeneous", "none"], "world": [0, 1, 0]}
    )
    worlds = keys.assign(
        n=[10, 20, 30],
        propensity_auc=0.7,
        overlap_share=0.8,
        answers=["everybody", "overlap", "nothing"],
        best=["t", "average", "t"],
        shown=[True, False, False],
        average_share=[0.0, 1.0, 1.0],
        recommended=["top_20", "none", "all"],
        profit=[2.0, 0.0, 1.0],
        expected_profit=[1.5, 0.0, 0.5],
        true_profit=[0.9, 0.0, -1.1],
        applied_profit=[1.0, 0.0, -1.0],
        inside_oracle_profit=[2.0, 1.0, 0.0],
        all_profit=-3.0,
        current_profit=-1.0,
        oracle_profit=[4.0, 2.0, 0.0],
    )
    rows = []
    for number, (order, sizes, plugin) in enumerate(
        [
            ({"s": 0.2, "t": 0.6, "average": 0.5, CHOSEN: 0.6}, {"s": 8, "t": 4, "average": 3, CHOSEN: 4}, 3.0),
            ({"s": 0.4, "t": 0.1, "average": 0.5, CHOSEN: 0.5}, {"s": 2, "t": 6, "average": 3, CHOSEN: 3}, -1.0),
            (dict.fromkeys(("s", "t", "average", CHOSEN), np.nan), {"s": 1, "t": 1, "average": 1, CHOSEN: 1}, -4.0),
        ]
    ):
        for name in order:
            measures = {"learner": name, "rank_correlation": order[name], "pehe": sizes[name], "plugin_profit": plugin}
            rows.append(keys.iloc[number].to_dict() | measures)
    return worlds, pd.DataFrame(rows)


def test_cells_by_hand():
    table = choice_summary(*results()).set_index(["overlap", "effect"])
    row = table.loc["good", "heterogeneous"]
    assert (row["n"], row["n_rows"], row["answers_overlap"], row["answers_nothing"]) == (2, 15, 0.5, 0)
    assert (row["shown"], row["recommends"], row["loses"]) == (0.5, 0.5, 0)
    assert row["shown_se"] == pytest.approx(np.sqrt(0.25 / 2))
    assert (row["regret"], row["plugin_regret"], row["saved"]) == (2.5, 2, -0.5)  # 4 - 1, 2 - 0; 4 - 3, 2 + 1
    assert row["saved_se"] == pytest.approx(1.5)  # of -2 and 1
    assert table.loc["poor", "none"][["loses", "loses_much", "regret", "plugin_regret"]].tolist() == [1, 1, 1, 4]
    assert (row["expected_profit"], row["applied_profit"], row["plugin_profit"]) == (0.75, 0.5, 1.0)
    pd.testing.assert_series_equal(table.loc[ALL, "heterogeneous"], row, check_names=False)


def test_learners_by_hand():
    table = learner_summary(*results())
    own = table[(table["overlap"] == "good")].set_index("learner")
    assert own["rank_correlation"].round(10).to_dict() == {"s": 0.3, "t": 0.35, "average": 0.5, CHOSEN: 0.55, HINDSIGHT: 0.5}
    assert own["pehe"].to_dict() == {"s": 5, "t": 5, "average": 3, CHOSEN: 3.5, HINDSIGHT: 3}
    assert own.loc["t", "rank_lead"] == pytest.approx(0.2)  # 0 and 0.4
    assert own.loc["t", "rank_lead_se"] == pytest.approx(0.2)
    assert own.loc[HINDSIGHT, "pehe_lead"] == pytest.approx(-0.5)  # 4 - 4 and 2 - 3
    assert own["first"].dropna().to_dict() == {"s": 0, "t": 0.5, "average": 0.5}


def test_every_retailer_is_judged_by_its_own_truth():
    key = {"overlap": "good", "effect": "heterogeneous", "outcome": OUTCOME}
    estimates = pd.DataFrame({"world": [0, 1], "method": "ato", "estimate": [11.0, 24.0], "se": 1.0}).assign(**key)
    estimates = estimates.assign(ci_lower=estimates["estimate"] - 2, ci_upper=estimates["estimate"] + 2)
    truth = pd.DataFrame({"world": [0, 1], "estimand": "ato", "truth": [10.0, 20.0]}).assign(**key)
    row = estimator_summary(with_truth(estimates, truth)).iloc[0]
    assert (row["truth"], row["bias"], row["coverage"]) == (15, 2.5, 0.5)
    assert row["sd"] == pytest.approx(np.sqrt(4.5))  # of the errors 1 and 4


def test_findings_say_what_is_met_and_how_sure_that_is():
    worlds, learners = results()
    sentences = findings(choice_summary(worlds, learners), learner_summary(worlds, learners))
    assert sentences[0].startswith("Heterogeneity is claimed where there is none at 0.0% of 1 retailers")
    assert "the aim, 7% at most, is met, though chance alone could turn that." in sentences[0]
    assert "more than $0.25 per row is lost at 100.0% of 1 retailers" in sentences[1]
    assert "the aim, 5% at most, is missed." in sentences[1]
    assert "loses $1.00 per row" in sentences[2]
    # 0.5 of 3 is earned, and an oracle inside the overlap would earn 1.5.
    assert (
        "earns 17% of the oracle's profit where effects differ (17% under good overlap, where 50% of the oracle's lies inside it)"
        in sentences[3]
    )
    assert "(t) one of 0.35: 0.200 higher (Monte Carlo error 0.2), the aim is met, though not beyond" in sentences[4]
    assert "-$1.00 per row where mailing changes nothing, the plug-in rule -$4.00: $3.00 more" in sentences[6]
    assert "$0.50 per row where effects differ, the plug-in rule $1.00: $0.50 less" in sentences[7]
    # Expected 1.5 and 0, true 0.9 and 0: 0.75 of 0.45.
    assert "expected to earn $0.75 per row where effects differ and truly earns $0.45: 1.67 of it, the aim," in sentences[8]
    assert sentences[8].endswith("is missed, though chance alone could turn that.")  # errors of 0.6 and 0, mean 0.3 (0.3)
