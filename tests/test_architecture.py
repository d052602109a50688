"""The shape of the project: what dvc.yaml, the scripts, conf/, the README and the code say of each other is the same."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.compose_params import compose
from targeting.pages.run import PLOTTED, SOURCES
from targeting.tables.schemas import SCHEMAS
from tests.imports import imported_modules, project_modules

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
# Bottom up: a room imports from itself and from those before it.
ROOMS = [
    "base",
    "stats",
    "words",
    "tables",
    "sources",
    "segments",
    "trials",
    "nuisance",
    "effects",
    "learners",
    "policy",
    "robustness",
    "validation",
    "campaign",
    "figures",
    "sentences",
    "pages",
]
REGISTRIES = {"sources"}  # lists what it holds
# Packages that take a tenth of a second to over a second to load; the pipeline starts some fifty processes.
HEAVY = {
    *("duckdb", "econml", "ibis", "matplotlib", "optuna", "pandera", "pyspark"),
    *("scipy.stats", "seaborn", "shap", "sklearn", "statsmodels", "statsmodels.api"),
}
TABLES = {"ibis"}
MODELS = {"sklearn", "scipy.stats"}  # sklearn loads scipy.stats
REGRESSION = MODELS | {"statsmodels"}
PICTURES = {"seaborn", "matplotlib", "scipy.stats", "statsmodels"}  # seaborn loads the others
# What the import of each stage may load. Learners by econml load it when they are fitted.
MAY_LOAD: dict[str, set[str]] = {
    "ate": PICTURES | MODELS,
    "cate": MODELS,
    "ensemble": PICTURES | MODELS,
    "experiment": PICTURES | MODELS,
    "explain": PICTURES | MODELS | {"shap"},
    "factors": PICTURES | MODELS,
    "forward": REGRESSION,
    "game": set(),
    "ingest": TABLES | {"pandera"},
    "inner_nuisance": MODELS,
    "monitor": REGRESSION,
    "nuisance": PICTURES | MODELS,
    "perturb": REGRESSION | TABLES | {"pandera"},
    "policy": set(),
    "policy_tree": MODELS | {"econml", "matplotlib"},
    "fit": REGRESSION,
    "predict": REGRESSION,
    "profile": TABLES | {"pandera"},
    "readout": REGRESSION,
    "refute": PICTURES | MODELS,
    "report": PICTURES,
    "robustness": REGRESSION,
    "score": MODELS,
    "segment": PICTURES | MODELS,
    "segment_effects": PICTURES | MODELS,
    "segments_report": set(),
    "sensitivity": PICTURES | MODELS | {"econml"},
    "settings": set(),
    "stability": TABLES | PICTURES | MODELS,
    "trials": TABLES | PICTURES | {"pandera"},
    "truth": set(),
    "tune": PICTURES | MODELS | {"optuna"},
    "validate": PICTURES | MODELS,
}
WHOLE_FILE = [{"params.yaml": None}]  # how DVC is told to watch all parameters
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
    return {name for kind in ("outs", "plots", "metrics") for name in names(STAGES[stage].get(kind, []))}


def read(stage: str) -> set[str]:
    return {dep for dep in STAGES[stage]["deps"] if not dep.startswith(("stages/", "targeting/"))}


def test_every_script_is_a_stage_and_every_stage_a_script():
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert scripts == set(STAGES)
    for name, stage in STAGES.items():
        assert stage["cmd"].split(" ${")[0] == f"python -m stages.{name}"


def code(stage: str) -> set[str]:
    """The modules and rooms that the stage depends on."""
    return {dep for dep in STAGES[stage]["deps"] if dep.startswith(("stages/", "targeting/"))}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_the_modules_that_the_script_reaches_and_nothing_else(stage):
    script = f"stages/{stage}.py"
    reached = project_modules(ROOT / script, ROOT) | {script, "stages/__init__.py"}
    # targeting/__init__.py holds a docstring and no code, which a test below says: a dep would add a line and no safety.
    assert reached - {"targeting/__init__.py"} == {
        module for module in reached for dep in code(stage) if module == dep or module.startswith(f"{dep}/")
    }
    assert [
        dep for dep in sorted(code(stage)) if not any(module == dep or module.startswith(f"{dep}/") for module in reached)
    ] == []


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_rooms_but_for_pictures_and_sentences(stage):
    for dep in code(stage):
        assert (ROOT / dep).is_dir() != dep.startswith(("stages/", "targeting/figures", "targeting/sentences")), dep


def test_a_room_says_what_belongs_there_and_does_nothing():
    for path in sorted((ROOT / "targeting").rglob("__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        assert path.parent.name in REGISTRIES or len(tree.body) == 1, path


def test_imports_point_down_from_room_to_room():
    for path in (ROOT / "targeting").rglob("*.py"):
        room, *_ = path.relative_to(ROOT / "targeting").parts
        for module in imported_modules(path):
            _, *inner = module.split(".")
            if module.startswith("targeting.") and path.parent.name != "targeting":
                assert ROOMS.index(inner[0]) <= ROOMS.index(room), f"{path} imports {module}, from a room above its own"


@pytest.mark.parametrize("stage", STAGES)
def test_files_in_the_script_are_those_in_dvc_yaml(stage):
    declared = written(stage) | read(stage) - {"${data.path}", "${policy.table}"}
    if stage == "ingest":  # it waits for the check of the settings, and reads params.yaml itself
        declared -= {"metrics/settings.json"}
    in_script = constants(stage)
    if stage == "report":  # it reads several stages' metrics and tables by name
        in_script |= {f"metrics/{name}.json" for name in SOURCES} | {f"plots/{name}.csv" for name in PLOTTED}
    assert in_script == declared


@pytest.mark.parametrize("stage", STAGES)
def test_sections_that_the_script_loads_are_those_in_dvc_yaml(stage):
    source = (ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8")
    loaded = re.findall(r"load_params\((.*?)\)", source, re.DOTALL)
    sections = {name for call in loaded for name in re.findall(r'"(\w+)"', call)}
    if stage == "settings":  # it checks the whole file, whatever it asks for
        assert STAGES[stage]["params"] == WHOLE_FILE
    else:
        assert sections == {key.split(".")[0] for key in STAGES[stage].get("params", [])}


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "settings"])
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
    cached = names(STAGES[stage].get("outs", []))
    assert not [item for item in STAGES[stage].get("outs", []) if not isinstance(item, str)], (
        "an uncached output ends the run cache"
    )
    assert not [name for name in cached if name.endswith((".json", ".csv")) and not name.startswith("data/")], "belongs in git"
    for item in [*STAGES[stage].get("plots", []), *STAGES[stage].get("metrics", [])]:
        assert list(item.values()) == [{"cache": False}], item
    own = f"metrics/{stage}_${{item.learner}}.json" if "matrix" in STAGES[stage] else f"metrics/{stage}.json"
    assert stage == "report" or own in written(stage)


def test_dvc_compares_the_summary_alone():
    assert [name for stage in STAGES for name in names(STAGES[stage].get("metrics", []))] == ["metrics/summary.json"]


def test_every_output_belongs_to_one_stage():
    outputs = [name for stage in STAGES for name in written(stage)]
    assert len(outputs) == len(set(outputs))


def test_only_stages_that_present_read_tables_that_present():
    assert {stage for stage in STAGES if any(dep.startswith("plots/") for dep in STAGES[stage]["deps"])} <= {
        "report",
        "game",
        "segments_report",
    }


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


def loaded_on_start(module: Path) -> set[str]:
    """Names that importing the module imports: not what its functions import when called, nor what is for type checking alone."""
    names: set[str] = set()
    pending: list[ast.AST] = [ast.parse(module.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        called_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if not called_later and not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            pending.extend(ast.iter_child_nodes(node))
    return names


def heavy(names: set[str]) -> set[str]:
    return {package for package in HEAVY if any(name == package or name.startswith(f"{package}.") for name in names)}


def test_the_table_of_heavy_packages_lists_the_stages():
    assert set(MAY_LOAD) == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_the_heavy_packages_that_it_uses(stage):
    modules = project_modules(ROOT / "stages" / f"{stage}.py", ROOT, loaded_on_start) | {f"stages/{stage}.py"}
    assert heavy({name for module in modules for name in loaded_on_start(ROOT / module)}) <= MAY_LOAD[stage]


def chains() -> list[list[str]]:
    """Stages that one process may import in turn: each may load whatever those before it may."""
    found: list[list[str]] = []
    for stage in sorted(STAGES, key=lambda name: len(MAY_LOAD[name])):
        fitting = [chain for chain in found if MAY_LOAD[chain[-1]] <= MAY_LOAD[stage]]
        if fitting:
            max(fitting, key=lambda chain: len(MAY_LOAD[chain[-1]])).append(stage)
        else:
            found.append([stage])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("chain", chains(), ids=" ".join)
def test_a_stage_starts_without_the_other_heavy_packages(chain):
    # As where Spark is not installed: other packages import it wherever they find it.
    script = (
        "import sys, importlib\nsys.modules['pyspark'] = None\n"
        f"for name in {chain}:\n    importlib.import_module(f'stages.{{name}}')\n"
        "    print(*(name for name, module in sys.modules.items() if module))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for stage, modules in zip(chain, loaded.splitlines(), strict=True):
        assert heavy(set(modules.split())) <= MAY_LOAD[stage], stage


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


@pytest.mark.parametrize(
    ("name", "fewest"), [("requirements.lock", 100), ("requirements-spark.lock", 1), ("benchmarks/outside/requirements.txt", 5)]
)
def test_lock_files_name_no_host_and_every_hash(name, fewest):
    lock = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)
    pins = re.findall(r"^[\w.\-]+==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[\w.\-]+==", lock, re.MULTILINE)) > fewest
