"""Monitoring: drift found where it is and rarely where it is not, and a verdict by the written rule."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import ks_2samp
from statsmodels.stats.multitest import multipletests

import stages.monitor
from targeting.base.outputs import write_metrics, write_parquet
from targeting.campaign.monitoring import (
    DRIFT,
    REALISED,
    Advice,
    Realised,
    drift_table,
    realised_table,
    stability_index,
    verdict_of,
)
from targeting.policy.economics import Economics
from tests.stored import require_stored

ECONOMICS = Economics(cost=2.0, margin=0.5)


def test_stability_index_by_hand():
    # Cut at the median of 1, 2, 3, 4: two below or at 2, two above; of the new four one below. Half a value more in each bin:
    # p = (2.5, 2.5) / 5, q = (1.5, 3.5) / 5.
    by_hand = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)
    assert stability_index([1, 2, 3, 4], [2, 3, 4, 5], bins=2) == pytest.approx(by_hand)
    assert stability_index([1, 2, 3, 4], [4, 3, 2, 1]) == 0
    assert np.isfinite(stability_index(np.arange(100), np.full(50, 1e9)))
    assert stability_index([0, 0, 0, 0, 1], [0, 0, 0, 0, 1]) == pytest.approx(0)


def tables(rng: np.random.Generator, shift: float, n: int = 400, features: int = 12) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of which half move by `shift` standard deviations."""
    names = [f"f{number}" for number in range(features)]
    training, new = (pd.DataFrame(rng.normal(size=(n, features)), columns=names) for _ in range(2))
    return training, new + shift * (np.arange(features) < features // 2)


def test_tests_are_those_of_other_libraries():
    training, new = tables(np.random.default_rng(0), 0.3)
    table = drift_table(training, new)
    assert list(table) == DRIFT
    assert table["name"].tolist() == list(training)
    for row in table.itertuples():
        exact = ks_2samp(training[row.name], new[row.name], method="exact")
        assert row.ks == pytest.approx(exact.statistic)
        assert row.p == pytest.approx(exact.pvalue, abs=0.03)  # the asymptotic one is near it, and the same everywhere
        assert (row.training_mean, row.new_mean) == (training[row.name].mean(), new[row.name].mean())
    np.testing.assert_allclose(table["q"], multipletests(table["p"], method="fdr_bh")[1])


def test_drift_of_one_world_is_as_it_was_when_all_were_judged():
    rows = drift_table(*tables(np.random.default_rng(1), 0.3)).melt("name", ["psi", "ks", "p", "q"])
    require_stored("drift", {f"{row.variable} {row.name}": float(row.value) for row in rows.itertuples()})


@pytest.mark.long
def test_false_alarms_are_as_rare_as_promised_and_drift_is_found():
    rng = np.random.default_rng(1)
    calm = [drift_table(*tables(rng, 0.0)) for _ in range(300)]
    alarms = np.mean([(table["q"] < 0.05).any() for table in calm])
    assert alarms == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 300))
    assert not any(table["drifted"].any() for table in calm)
    for shift, least in ((0.3, 0.0), (0.8, 0.95)):  # small shifts are beyond chance, and not large
        moved = [drift_table(*tables(rng, shift)) for _ in range(50)]
        assert np.mean([(table["q"] < 0.05)[:6].mean() for table in moved]) > 0.8
        assert np.mean([table["drifted"][:6].mean() for table in moved]) >= least
        assert np.mean([table["drifted"][6:].mean() for table in moved]) == 0
    small = [drift_table(*tables(rng, 0.3)) for _ in range(50)]
    assert np.mean([table["drifted"].mean() for table in small]) < 0.05


def test_drift_ignores_the_order_of_rows():
    training, new = tables(np.random.default_rng(0), 0.3)
    pd.testing.assert_frame_equal(
        drift_table(training, new), drift_table(training.iloc[::-1], new.sample(frac=1, random_state=1))
    )


def test_predicted_and_realised_by_hand():
    # Ten households whose effects are predicted as 0 to 9, realised two above it for the even and two below for the odd.
    predicted = np.arange(10.0)
    score = predicted + np.tile([2.0, -2.0], 5)
    mailed = (predicted > 4).astype(float)
    table = realised_table(Realised(predicted, score, mailed, np.arange(10)), ECONOMICS).set_index("group")
    assert [table.index.name, *table.columns] == REALISED
    assert table.index.tolist() == ["all", "1", "2", "3", "4", "5", "profit"]
    assert table.loc["all", ["n", "predicted", "realised", "surprise"]].tolist() == [10, 4.5, 4.5, 0]
    assert table.loc["all", "surprise_se"] == pytest.approx(np.sqrt(10 / 9 * 40) / 10)
    assert table.loc["1", ["n", "predicted", "realised"]].tolist() == [2, 0.5, 0.5]
    # Contacts 5 to 9 promise 0.5 * 35 - 10 and earn 0.5 * (3 + 8 + 5 + 10 + 7) - 10, a household of ten.
    assert table.loc["profit", ["predicted", "realised"]].tolist() == [pytest.approx(0.75), pytest.approx(0.65)]


def realised(rng: np.random.Generator, promise: float, truth: float, n: int = 400, mailed: float = 1.0) -> pd.DataFrame:
    predicted = promise + rng.normal(0, 3, n)
    score = truth + (predicted - promise) + rng.normal(0, 40, n)
    return realised_table(Realised(predicted, score, np.full(n, mailed), np.arange(n)), ECONOMICS)


def drift_of(drifted: list[str], n_features: int = 8) -> pd.DataFrame:
    names = [*(f"f{number}" for number in range(n_features)), "propensity", "effect"]
    return pd.DataFrame({"name": names, "drifted": [name in drifted for name in names]})


def test_the_rule():
    rng = np.random.default_rng(3)
    fine = realised(rng, 10, 10)
    assert verdict_of(drift_of([]), fine).advice == Advice.KEEP
    one = verdict_of(drift_of(["f0"]), fine)
    assert (one.advice, one.n_drifted, one.n_features) == (Advice.KEEP, 1, 8)
    many = verdict_of(drift_of(["f0", "f1"]), fine)
    assert (many.advice, many.many_drifted, len(many.wrong), many.lost) == (Advice.RETRAIN, True, 0, 0)
    models = verdict_of(drift_of(["effect"]), fine)
    assert (models.advice, models.drifted_models, models.many_drifted) == (Advice.RETRAIN, ["effect"], False)
    wrong = verdict_of(drift_of([]), realised(rng, 30, 10))
    assert wrong.advice == Advice.RETRAIN
    assert wrong.wrong["group"].iloc[0] == "all"
    losing = realised(rng, 10, -12)
    loss = verdict_of(drift_of(["f0", "f1"]), losing)
    assert (loss.advice, loss.many_drifted) == (Advice.STOP, True)
    assert loss.lost == -losing["realised"].iloc[-1] > 0
    # Who mails nobody has nothing to stop.
    assert verdict_of(drift_of([]), realised(rng, -12, -12, mailed=0.0)).advice == Advice.KEEP


def test_where_all_effects_are_alike_the_rule_does_without_their_drift():
    fine = realised(np.random.default_rng(3), 10, 10)
    alike = drift_of(["f0"]).query("name != 'effect'")
    assert verdict_of(alike, fine).advice == Advice.KEEP
    assert verdict_of(drift_of(["propensity"]).query("name != 'effect'"), fine).drifted_models == ["propensity"]


OUTCOME = "purchase_amount"


def two_campaigns(n: int = 60) -> dict[str, pd.DataFrame]:
    """What the stage reads, of 2n households, the second half in the last campaign, at scores of effect of 10 and 30.

    All have a propensity of one half; 10 is expected of the last campaign, whose rows cost 4 and sell at a margin of 0.5.
    """
    last = np.arange(2 * n) >= n
    keys = pd.DataFrame({"household_id": np.arange(2 * n), "campaign_id": np.where(last, 27, 8)})
    panel = keys.assign(trial=1 + last, treated=np.arange(2 * n) % 2, fold=np.arange(2 * n) % 3, x_spend=np.arange(2 * n) % n)
    panel = panel.assign(x_trial_2=last.astype(float), cost_usd=np.where(last, 4.0, 40.0), **{OUTCOME: 50.0})
    scores = {f"score0_{OUTCOME}": 0.0, f"score1_{OUTCOME}": np.where(last, 30.0, 10.0)}
    nuisance = keys.assign(propensity=0.5, **scores, **{f"{name}_{OUTCOME}": 1.0 for name in ("mu0", "mu1", "precision")})
    effects = keys.assign(propensity=0.5, **{f"cate_{OUTCOME}": 6.0, f"lower_{OUTCOME}": np.nan, f"upper_{OUTCOME}": np.nan})
    return {
        "tables/identifiers": pd.DataFrame({"kind": [], "number": [], "text": []}),
        "effects/discounts": pd.DataFrame({"discount": [], "estimate": []}),
        "effects/after": keys.assign(bias=np.nan, weeks=0),  # no week after a campaign is known
        "trials/panel": panel,
        "trials/units": pd.DataFrame({"covariate": ["x_spend"], "origin": [100.0], "unit": [2.0]}),
        "trials/nuisance": nuisance,
        "score/backtest": effects[last].assign(ranking=5.0).reset_index(drop=True),
        # Each fold's own average effect, the same for all of its rows.
        "score/comparable": effects.assign(**{f"cate_{OUTCOME}": 5.0 + panel["fold"]}),
        "policy/evidence": keys.assign(ranking=5.0),
    }


def monitored(project: Path, tables: dict[str, pd.DataFrame], recommended: str = "all") -> dict[str, float]:
    """The stage's metrics on these tables, at a cost by campaign."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["policy"] |= {"cost": {8: 40.0, 27: 4.0}, "margin": 0.5}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for name, table in tables.items():
        write_parquet(table, project / "data" / f"{name}.parquet")
    # The means over both campaigns, at which a contact of the last one would cost 22.
    write_metrics({"cost": 22.0, "margin": 0.5, "recommended": recommended}, project / "metrics" / "policy.json")
    stages.monitor.main()
    return json.loads((project / "metrics" / "monitor.json").read_text())


def test_the_last_campaign_is_counted_at_its_own_cost(project_folder):
    found = monitored(project_folder, two_campaigns())
    # 0.5 * 10 - 4 expected, 0.5 * 30 - 4 earned; at the mean cost of 22 the contacts would have lost 7.
    assert (found["profit_predicted"], found["profit_realised"]) == (1.0, 11.0)
    assert found["verdict"] != "stop"
    assert not any(monitored(project_folder, two_campaigns(), "none")[f"profit_{end}"] for end in ("predicted", "realised"))
    drift = pd.read_csv(project_folder / "plots" / "monitoring.csv")
    assert drift["name"].tolist() == ["spend", "propensity"]  # of effects that are alike there is no drift
    assert drift.loc[0, ["training_mean", "new_mean"]].tolist() == [100 + 2 * 29.5] * 2  # in the table's own units


def test_effects_that_differ_between_households_can_drift(project_folder):
    tables = two_campaigns()
    last = tables["trials/panel"]["trial"] == 2
    cate = np.arange(120) % 60 + 100.0 * last
    monitored(project_folder, tables | {"score/comparable": tables["score/comparable"].assign(**{f"cate_{OUTCOME}": cate})})
    drift = pd.read_csv(project_folder / "plots" / "monitoring.csv").set_index("name")["drifted"]
    assert drift.to_dict() == {"spend": False, "propensity": False, "effect": True}


def test_no_second_campaign_no_verdict():
    assert verdict_of(pd.DataFrame(columns=DRIFT), pd.DataFrame(columns=REALISED)).advice == Advice.UNKNOWN


@pytest.mark.slow
def test_a_model_that_is_right_is_rarely_doubted():
    rng = np.random.default_rng(5)
    verdicts = [verdict_of(drift_of([]), realised(rng, 10, 10)).advice for _ in range(400)]
    assert verdicts.count("keep") / 400 == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 400))
