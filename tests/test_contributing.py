"""CONTRIBUTING.md: what it says to write is put where it says, and works."""

import re
import shutil
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from itertools import starmap
from pathlib import Path
from types import ModuleType
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import yaml

import stages.ingest
import targeting.sources.ingest
from targeting.base.columns import OUTCOMES
from targeting.base.errors import DataError
from targeting.base.sections import Data
from targeting.learners import cross_fit as cate
from targeting.learners.cross_fit import cross_fit_effects
from targeting.policy import lookup
from targeting.policy.economics import Economics
from targeting.policy.value import Evidence, value_table
from tests import test_architecture as architecture
from tests.effect_worlds import world

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^( *)```(?:python|yaml)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
Load = Callable[[str], ModuleType]


def blocks(file: str) -> list[tuple[str, str]]:
    """Where in the file each of its blocks belongs ("" for the whole file), and the block's code."""
    found = []
    for indent, block in FENCE.findall(PAGE):
        first, code = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE).split("\n", 1)
        path, _, place = first.lstrip("# ").partition(": ")
        if path == file:
            found.append((place, code))
    assert found, file
    return found


def applied(file: str) -> str:
    """The file's text once the page's blocks are in their places."""
    text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
    for place, code in blocks(file):
        if not place:
            assert not text, f"{file} exists: choose another name for the example"
            text = code
            continue
        where, name = ("imports", "from") if place == "among the imports" else place.split(" ", 1)
        pattern = {
            "imports": r"^(?=from )",
            "above": rf"^(?={name}\b)",
            "in": rf"^{name}\b(?:[^\n{{]*= {{|[^\n]*= Literal\[\n|:\n)",
        }[where]
        found = re.search(pattern, text, re.MULTILINE)
        assert found, f"{file} has no place {place!r}"
        text = text[: found.end()] + code + text[found.end() :]
    return text


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a module as the page would have it; later imports of its name find it until the test ends."""

    def loaded(file: str) -> ModuleType:
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        path = tmp_path / f"{name}.py"
        path.write_text(applied(file), encoding="utf-8")
        spec = spec_from_file_location(name, path)
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.mark.slow
def test_the_learner_is_found_and_gives_effects_out_of_fold(load, monkeypatch):
    own = load("targeting/learners/arm_gap.py")
    registry = load("targeting/learners/registry.py")
    assert "arm_gap" in registry.NAMES
    assert "arm_gap" in get_args(load("targeting/base/sections.py").LearnerName)
    learner = registry.find_learner("arm_gap", {})
    assert learner.fit is own.arm_gap
    assert learner.ranges

    monkeypatch.setattr(cate, "in_processes", starmap)
    given = world(seed=0, n=300)
    data = given.data()
    settings = {outcome: dict.fromkeys(rows.numbers, learner.settings) for outcome, rows in data.items()}
    effects = cross_fit_effects(given.panel, data, learner, settings, seed=1)
    assert len(effects) == 300
    for outcome in OUTCOMES:
        assert np.isfinite(effects[f"cate_{outcome}"]).all()
        assert effects[f"lower_{outcome}"].isna().all()


def test_the_policy_is_assigned_and_valued(load):
    policies = load("targeting/policy/policies.py")
    n, cost, margin = 10, 2.0, 0.5  # breakeven 4
    effect = np.array([9.0, 8.0, 3.0, 2.0, 1.0, 7.0, 0.0, -1.0, -2.0, -3.0])
    overlap = np.arange(n) != 5
    treated = np.arange(n) % 2.0
    data = policies.PolicyData(effect, overlap, treated, cost / margin, np.arange(n))
    decisions = policies.assign(data)
    # The first three inside the overlap are rows 0 to 2; the third does not pay.
    assert decisions["top_paying_30"].tolist() == [1, 1, *[0] * 8]

    nothing = np.zeros(n)
    evidence = Evidence(nothing, effect, nothing, treated, np.arange(n), overlap, np.full(n, 0.5), nothing, effect)
    values = value_table(decisions, effect, evidence, Economics(cost, margin)).set_index("policy")
    assert values.loc["top_paying_30", "profit"] == pytest.approx((0.5 * 9 - 2 + 0.5 * 8 - 2) / n)


def test_the_reports_sliders_take_the_policy_along(load, monkeypatch):
    policies = load("targeting/policy/policies.py")
    monkeypatch.setattr(lookup, "available", policies.available)
    n, rng = 40, np.random.default_rng(0)
    effect, household = rng.normal(5, 5, n), np.arange(n)
    data = policies.PolicyData(effect, household >= 0, household % 2.0, 0.0, household)
    evidence = Evidence(np.zeros(n), effect, effect, data.treated, household, data.overlap, np.full(n, 0.5), effect, effect)
    stops = (np.array([0.0, 2.0]), np.array([0.5]))
    found = lookup.look_up(data, effect, evidence, Economics(2.0, 0.5), household % 3, stops, seed=0, beliefs=None)
    contacts = lookup.profits_at(found.positions, found.decisions, "top_paying_30")["contacts"].tolist()
    first = np.sort(effect)[::-1][:12]
    assert contacts == [(first > 0).sum(), (first > 4).sum()]


def ten_lines(folder: Path) -> None:
    """Ten lines of three cards, and the other tables that they need, as the page's source expects them."""
    day = pd.Timestamp("2020-01-06")
    numbers = np.arange(1, 11)
    cards = pd.DataFrame({"card": numbers % 3 + 1})
    lines = cards.assign(basket_id=numbers, product_id=7, store_id=1, day=day + pd.to_timedelta(numbers, "D"), week=1)
    lines = lines.assign(quantity=1, sales=2.5, loyalty_discount=-0.25, coupon_discount=0.0, coupon_match_discount=0.0)
    people = ("age", "income", "home_ownership", "marital_status", "household_size", "household_composition", "kids")
    frames = {
        "transactions": lines,
        "products": pd.DataFrame({"product_id": [7], **{k: ["x"] for k in ("department", "category", "subcategory", "brand")}}),
        "households": pd.DataFrame({"card": [1], **{name: ["x"] for name in people}}),
        "campaigns": pd.DataFrame({"campaign_id": [1], "campaign_type": ["A"], "start_day": [day], "end_day": [day]}),
        "campaign_targets": pd.DataFrame({"campaign_id": [1], "card": [2]}),
        "coupons": pd.DataFrame({"campaign_id": [1], "coupon_upc": [5], "product_id": [7]}),
        "redemptions": pd.DataFrame({"card": [2], "campaign_id": [1], "coupon_upc": [5], "day": [day]}),
    }
    folder.mkdir(parents=True)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)


@pytest.mark.slow
def test_the_source_gives_tables_that_ingest_validates(load, project_folder, monkeypatch):
    load("targeting/sources/cards.py")
    sources = load("targeting/sources/__init__.py")
    monkeypatch.setattr(targeting.sources.ingest, "canonical_tables", sources.canonical_tables)
    monkeypatch.setattr(targeting.sources.ingest, "origins", sources.origins)
    settings = yaml.safe_load(applied("conf/data/cards.yaml"))
    params = yaml.safe_load((project_folder / "params.yaml").read_text())
    (project_folder / "params.yaml").write_text(yaml.safe_dump(params | {"data": Data(**settings).model_dump()}))

    with pytest.raises(DataError, match=r"data.path is 'data/raw', which is no folder: .*the tables"):
        stages.ingest.main()
    ten_lines(project_folder / settings["path"])
    stages.ingest.main()
    lines = pd.read_parquet(project_folder / "data/tables/transactions.parquet")
    assert sorted(lines["household_id"]) == [1] * 3 + [2] * 4 + [3] * 3
    assert {float(value) for value in lines["loyalty_discount"]} == {0.25}
    assert len(pd.read_parquet(project_folder / "data/tables/promotions.parquet")) == 0


def test_the_stage_passes_what_every_stage_must(tmp_path, monkeypatch):
    declared = yaml.safe_load(applied("dvc.yaml"))["stages"]
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "stages" / "arms.py").write_text(applied("stages/arms.py"), encoding="utf-8")
    (tmp_path / "targeting").symlink_to(ROOT / "targeting")
    monkeypatch.setattr(architecture, "ROOT", tmp_path)
    monkeypatch.setattr(architecture, "STAGES", declared)

    architecture.test_every_script_is_a_stage_and_every_stage_a_script()
    architecture.test_every_output_belongs_to_one_stage()
    architecture.test_deps_cover_the_modules_that_the_script_reaches_and_nothing_else("arms")
    architecture.test_files_in_the_script_are_those_in_dvc_yaml("arms")
    architecture.test_sections_that_the_script_loads_are_those_in_dvc_yaml("arms")
    architecture.test_parameters_exist("arms")
    architecture.test_outputs_have_the_designed_form("arms")


def test_the_stage_writes_its_table(load, project_folder):
    panel = pd.DataFrame(
        {"campaign_id": [8, 8, 8, 9], "treated": [0, 1, 1, 0], **{name: [1.0, 2.0, 4.0, 8.0] for name in OUTCOMES}}
    )
    (project_folder / "data/trials").mkdir(parents=True)
    panel.to_parquet(project_folder / "data/trials/panel.parquet")
    load("stages/arms.py").main()
    assert (project_folder / "plots/arms.csv").read_text() == "campaign_id,treated,n,mean\n8,0,1,1\n8,1,2,3\n9,0,1,8\n"
    assert yaml.safe_load((project_folder / "metrics/arms.json").read_text()) == {"n_campaigns": 2, "smallest_arm": 1}


def test_every_file_and_command_that_the_page_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)`|^make (\w+)", PAGE, re.MULTILINE)):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target
    examples = {"targeting/sources/NAME.py", "stages/NAME.py"}
    for name in set(re.findall(r"`((?:targeting|stages|tests|conf|docs|benchmarks)/[\w/.]+)`", PAGE)) - examples:
        assert (ROOT / name).exists(), name
