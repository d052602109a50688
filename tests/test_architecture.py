"""The shape of the project: what dvc.yaml, the scripts, conf/, the README and the code say of each other is the same."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from scripts.compose_params import compose
from targeting.tables.schemas import SCHEMAS
from tests.imports import project_modules

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
PAGE_PARTS = {"targeting/pages/assets", "targeting/pages/templates"}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def constants(stage: str) -> set[str]:
    """Paths in a stage script: constants of Path("...") or, with {learner}, text."""
    tree = ast.parse((ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    paths = {text for text in texts if re.fullmatch(r"(data|metrics|plots)/[\w./{}]+", text)}
    return {path.replace("{learner}", "${item.learner}") for path in paths}


def names(items: list[str | dict]) -> list[str]:
    return [item if isinstance(item, str) else next(iter(item)) for item in items]


def written(stage: str) -> set[str]:
    return {*names(STAGES[stage].get("outs", [])), *names(STAGES[stage]["metrics"])}


def read(stage: str) -> set[str]:
    return {dep for dep in STAGES[stage]["deps"] if not dep.endswith(".py")} - PAGE_PARTS


def test_every_script_is_a_stage_and_every_stage_a_script():
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert scripts == set(STAGES)
    for name, stage in STAGES.items():
        assert stage["cmd"].split(" ${")[0] == f"python -m stages.{name}"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_modules_that_the_script_reaches(stage):
    script = f"stages/{stage}.py"
    modules = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    assert modules == project_modules(ROOT / script, ROOT) | {script, "stages/__init__.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_pages_depend_on_their_templates_and_scripts(stage):
    deps = set(STAGES[stage]["deps"])
    assert (deps & PAGE_PARTS == PAGE_PARTS) == ("targeting/pages/rendering.py" in deps)


@pytest.mark.parametrize("stage", STAGES)
def test_files_in_the_script_are_those_in_dvc_yaml(stage):
    declared = written(stage) | read(stage) - {"${data.path}", "${policy.table}"}
    in_script = constants(stage)
    if stage == "report":  # it reads several stages' metrics and tables by name
        script = (ROOT / "stages/report.py").read_text(encoding="utf-8")
        for group, form in (("SOURCES", "metrics/{}.json"), ("PLOTTED", "plots/{}.csv")):
            names_in = re.search(rf"^{group} = \((.*?)\)", script, re.DOTALL | re.MULTILINE)
            in_script |= {form.format(name) for name in re.findall(r'"(\w+)"', names_in[1])}
    assert in_script == declared


@pytest.mark.parametrize("stage", STAGES)
def test_sections_that_the_script_loads_are_those_in_dvc_yaml(stage):
    source = (ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8")
    loaded = re.findall(r"load_params\((.*?)\)", source, re.DOTALL)
    sections = {name for call in loaded for name in re.findall(r'"(\w+)"', call)}
    assert sections == {key.split(".")[0] for key in STAGES[stage].get("params", [])}


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_exist(stage):
    for key in STAGES[stage].get("params", []):
        value = PARAMS
        for part in key.split("."):
            assert part in value, key
            value = value[part]


@pytest.mark.parametrize("stage", STAGES)
def test_outputs_have_the_designed_form(stage):
    for name in written(stage):
        assert re.fullmatch(r"data/[\w/${}.]+|metrics/[\w${}.]+\.json|plots/[\w${}.]+\.(csv|png)|plots/report/\w+\.html", name), (
            name
        )
    for item in [*STAGES[stage].get("outs", []), *STAGES[stage]["metrics"]]:
        name = names([item])[0]
        if name.endswith((".json", ".csv")) and not name.startswith("data/"):
            assert item[name] == {"cache": False}, f"{name} belongs in git"
    by_learner = {name: f"metrics/{name}_${{item.learner}}.json" for name in STAGES if "matrix" in STAGES[name]}
    expected = {**by_learner, "report": "metrics/summary.json"}.get(stage, f"metrics/{stage}.json")
    assert names(STAGES[stage]["metrics"]) == [expected]


def test_every_output_belongs_to_one_stage():
    outputs = [name for stage in STAGES for name in written(stage)]
    assert len(outputs) == len(set(outputs))


def test_only_stages_that_compare_read_the_truth():
    assert [stage for stage in STAGES if any(dep.startswith("data/truth") for dep in STAGES[stage]["deps"])] == ["truth", "game"]
    assert not [stage for stage in STAGES if written("game") & read(stage)]  # nothing is estimated or decided after the game
    assert not [stage for stage in STAGES if {"plots/truth.csv", "metrics/truth.json"} & read(stage) and stage != "report"]


def test_params_are_what_conf_composes(tmp_path):
    compose(tmp_path / "params.yaml", [])
    assert (tmp_path / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()


def test_hydra_composes_experiments_and_dvc_calls_nobody():
    config = (ROOT / ".dvc" / "config").read_text()
    for line in ("analytics = false", "check_update = false", "enabled = true"):
        assert line in config


@pytest.mark.parametrize(
    "stage", ["policy", "game", "report", "segment_effects", "score", "experiment", "exploration", "monitor"]
)
def test_late_stages_start_without_heavy_packages(stage):
    heavy = {"econml", "pyspark", "ibis", "duckdb", "lightgbm"}
    modules = project_modules(ROOT / "stages" / f"{stage}.py", ROOT) | {f"stages/{stage}.py"}
    imported = {
        name.split(".")[0]
        for module in modules
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & heavy


def test_the_library_knows_no_paths_of_the_pipeline():
    for path in (ROOT / "targeting").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r'"(data|metrics|plots)/', source), path
        if path.name != "params.py":
            assert "params.yaml" not in re.sub(r'""".*?"""', "", source, flags=re.DOTALL), path


def test_the_pipeline_page_lists_the_stages():
    page = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")
    section = page.split("## Stages")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(STAGES)


def test_the_readme_lists_the_canonical_tables():
    readme = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for name, schema in SCHEMAS.items():
        assert f"{name}({', '.join(schema.columns)})" in readme.replace("`", "").replace("\n", " ")


@pytest.mark.parametrize(("name", "fewest"), [("requirements.lock", 100), ("benchmarks/outside/requirements.txt", 5)])
def test_lock_files_name_no_host_and_every_hash(name, fewest):
    lock = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)
    pins = re.findall(r"^[\w.\-]+==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[\w.\-]+==", lock, re.MULTILINE)) > fewest
