"""One made-up retailer down two roads, the study's and the stages', to the same numbers."""

import json
import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from study.estimate import StudySettings, choice_in_a_world
from study.retailer import OUTCOME, SOURCE, learned_effects, learning_data, panel_and_truth, retailer_nuisances, retailers_choice
from study.worlds import draw_world
from targeting.base.columns import KEYS, OUTCOMES, effect_columns
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.effects.after_campaign import after_campaign
from targeting.learners.registry import find_learner
from targeting.nuisance.overlap import overlap_verdict, positivity
from targeting.trials.panel import covariate_names
from targeting.trials.units import no_units
from targeting.validation.judge import choose_effects
from tests.conftest import ROOT
from tests.test_study_retailers import PARAMS

NAMES, SEED = PARAMS["learners"]["names"], PARAMS["seed"]
BOUNDS = PARAMS["nuisance"]["overlap"]
MINE = effect_columns(OUTCOME)
DATA = {"households": 300, "weeks": 24, "overlap": "good", "effect": "heterogeneous", "seed": 2}


def stage(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", [name, *arguments])
    import_module(f"stages.{name}").main()


def lay_out_project(folder: Path, panel: pd.DataFrame, after: pd.DataFrame) -> None:
    """The study's parameters, its panel and weeks after, and of what no stage under test makes the least that the stages ask for.

    Learners have their default settings, as in the study. Every household is a segment of its own: the policy by segments, which
    the study leaves out, finds nobody in other folds to learn from and contacts nobody.
    """
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section in ("nuisance", "policy"):
        params[section] |= PARAMS[section]
    params["learners"] |= {"names": NAMES, "models": params["learners"]["models"] | PARAMS["learners"]["models"], "forward": []}
    params["nuisance"] |= {"models": ["linear"], "repeats": 1}
    (folder / "params.yaml").write_text(yaml.safe_dump(params | {"seed": SEED}), encoding="utf-8")
    write_parquet(panel, folder / "data/trials/panel.parquet")
    write_parquet(no_units(), folder / "data/trials/units.parquet")
    for name in NAMES:
        own = dict.fromkeys(map(str, np.unique(panel["fold"])), find_learner(name, PARAMS["learners"]["models"]).settings)
        write_metrics({outcome: {"settings": own} for outcome in OUTCOMES}, folder / f"data/tuning/{name}.json")
    alone = panel[KEYS].assign(segment=panel["household_id"], name="x")
    write_parquet(alone, folder / "data/segments/time_zero.parquet")
    write_csv(pd.DataFrame(columns=["outcome", "setting", "lower", "upper"]), folder / "data/sensitivity/confounders.csv")
    write_metrics({"costs": {}}, folder / "metrics/trials.json")
    write_parquet(pd.DataFrame({"discount": [], "estimate": []}), folder / "data/effects/discounts.parquet")
    write_parquet(pd.DataFrame({"household_id": []}), folder / "data/effects/terms.parquet")
    write_parquet(after, folder / "data/effects/after.parquet")
    write_parquet(panel[KEYS].head(0), folder / "data/effects/shifts.parquet")  # everybody is learned from
    # The key where all identifiers are numbers.
    write_parquet(pd.DataFrame({"kind": [], "number": [], "text": []}), folder / "data/tables/identifiers.parquet")


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """What the study computes, and the folder in which the stages did."""
    folder = tmp_path_factory.mktemp("stages")
    panel, weekly, _ = panel_and_truth(SOURCE | DATA, PARAMS)
    nuisance = retailer_nuisances(panel, PARAMS)
    after = after_campaign(weekly, panel, nuisance)
    lay_out_project(folder, panel, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("nuisance", "inner_nuisance"):
            stage(name, patch)
        for learner in NAMES:
            stage("cate", patch, "--learner", learner)
        for name in ("ensemble", "validate", "policy_tree", "policy"):
            stage(name, patch)

    effects = learned_effects(panel, learning_data(panel, nuisance, PARAMS), PARAMS)
    chosen = choose_effects(panel, nuisance, effects, OUTCOME, BOUNDS, SEED)
    numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], BOUNDS, SEED)
    answers = overlap_verdict(numbers).value
    policy = retailers_choice(panel, nuisance, after, chosen, answers, PARAMS)
    return SimpleNamespace(folder=folder, nuisance=nuisance, effects=effects, chosen=chosen, answers=answers, policy=policy)


@pytest.mark.slow
def test_the_study_and_the_stages_agree(roads):
    def stored(name: str) -> pd.DataFrame:
        return pd.read_parquet(roads.folder / f"data/{name}.parquet")

    def metrics(name: str) -> dict:
        return json.loads((roads.folder / f"metrics/{name}.json").read_text(encoding="utf-8"))

    # The stage has nuisances of discounts too, which the study does not ask for.
    pd.testing.assert_frame_equal(stored("trials/nuisance")[roads.nuisance.columns], roads.nuisance)
    folders = dict.fromkeys(NAMES, "cate") | {"average": "ensemble", "stack": "ensemble"}
    assert list(roads.effects) == list(folders)
    for name, folder in folders.items():
        pd.testing.assert_frame_equal(stored(f"{folder}/{name}")[MINE], roads.effects[name][MINE])
    assert metrics("nuisance")["answers"] == roads.answers
    overall = roads.chosen.choice.overall
    assert [metrics("validate")[name] for name in ("best", "heterogeneity")] == [overall.learner, overall.shown]
    for name in ("selected", "nested"):
        columns = [*MINE, "learner"]
        pd.testing.assert_frame_equal(stored(f"validate/{name}")[columns], getattr(roads.chosen, name)[columns])

    names = list(roads.policy.decisions)
    assert "policy_tree" in names
    pd.testing.assert_frame_equal(stored("policy/assignments")[names].astype(float), roads.policy.decisions)
    values = stored("policy/values").set_index("policy")
    assert values.loc["segment", "n"] == 0
    expected = roads.policy.valued.set_index("policy")
    pd.testing.assert_frame_equal(values.loc[names, expected.columns], expected, check_dtype=False)
    assert metrics("policy")["recommended"] == roads.policy.recommended


@pytest.mark.slow
def test_arms_that_do_not_compare_have_the_study_and_the_stage_recommend_nobody(roads, tmp_path, monkeypatch):
    """A world where mailing pays beyond doubt, and a retailer whose verdict is turned into one that forbids any claim."""
    settings = StudySettings(n_households=700, folds=3, repeats=1, clip=0.01, overlap=(0.1, 0.9), cost=0.1, margin=0.3)
    world = draw_world("good", "constant", 700, 3, seed=1)
    nuisance = retailer_nuisances(world.panel, PARAMS)
    assert choice_in_a_world(world.panel, nuisance, "overlap", settings).recommended != "none"
    assert choice_in_a_world(world.panel, nuisance, "nothing", settings).recommended == "none"

    folder = shutil.copytree(roads.folder, tmp_path / "stages")
    monkeypatch.chdir(folder)
    path = folder / "metrics/nuisance.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"answers": "nothing"}), encoding="utf-8")
    stage("policy", monkeypatch)
    found = json.loads((folder / "metrics/policy.json").read_text(encoding="utf-8"))
    assert (found["recommended"], found["profit"], found["belief"]) == ("none", 0, {})  # so that no list goes by it either
    assert set(pd.read_csv(folder / "plots/cost_margin.csv")["recommended"]) == {"none"}
