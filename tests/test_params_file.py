"""params.yaml as people leave it: what is wrong is named in a sentence, and what is right is read as it stands."""

import copy
import itertools
import json
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.hydra import get_hydra_sweeps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scripts.compose_params import compose
from targeting.base import params as params_module
from targeting.base import sections
from targeting.base.errors import DataError
from targeting.base.params import load_params
from targeting.learners.base_models import MODELS
from targeting.learners.registry import NAMES
from targeting.nuisance.models import outcome_model, propensity_model
from targeting.tables.features import FEATURES
from tests.project import call

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
PARAMS = yaml.safe_load(TEXT)
HOSTILE_NAMES = ["dr; touch pwned", "d'r", 'd"r', "$(touch pwned)", "`touch pwned`", "a b", "--help", "dr\ntouch pwned"]


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "params.yaml"
    monkeypatch.setattr(params_module, "PARAMS", path)
    return path


def test_names_are_those_of_the_registries():
    assert set(get_args(sections.LearnerName)) == set(NAMES)
    assert set(get_args(sections.BaseModelName)) == set(MODELS)
    assert set(get_args(sections.FeatureName)) == set(FEATURES)
    for name in get_args(sections.NuisanceModelName):
        outcome_model(name, 0)
        propensity_model(name, 0)


def changed(*replacements: tuple[str, str]) -> bytes:
    text = TEXT
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(("engine:\n", "engine:\n  'open: [\n")), r"line \d+: .*make params"),
        (changed(("engine:\n", "engine:\n\tname: x\n")), r"line 9: .*'\\t'"),
        (changed(("seed: 20170101", "<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> other")), r"line 1: marks of a merge con"),
        (changed(("seed: 20170101", "seed: 20170101\nseed: 2")), r"line 2: seed is there more than once: keep one"),
        (changed(("  threads: 2", "  threads: 2\n  threads: 3")), r"threads is there more than once"),
        (TEXT.encode() + b"---\n" + TEXT.encode(), r"line \d+: .*document"),
        (TEXT.replace("seed: 2", "# f\u00fcr\nseed: 2").encode("latin-1"), r"line 1: not UTF-8, but ISO-8859-1"),
        (TEXT.encode("utf-16"), r"not UTF-8"),
        (b"", r"has no sections"),
        (b"- 1\n- 2\n", r"has no sections"),
        (b"seed: 1\n\x00\n", r"is no YAML"),
        (b"a: " + b"[" * 5000, r"is no YAML|line 1"),
        (b"seed: !!python/object/apply:os.getcwd []\n", r"could not determine a constructor"),
        (b"seed: &a [*a]\n", r"seed is "),
        (changed(("seed: 20170101", f"seed: {'9' * 5000}")), r"is no YAML: .*digits|seed: "),
        (changed(("seed: 20170101", "seed: true")), r"seed is .*; it should be a valid integer"),
        (changed(("cost: 12.73", "cost: yes")), r"policy.cost"),
        (changed(("cost: 12.73", "cost: 0x1F")), r"policy.cost"),
        (changed(("cost: 12.73", "cost: 1:30")), r"policy.cost"),
        (changed(("cost: 12.73", "cost: 1_000")), r"policy.cost"),
        (changed(("post_days: 28", "post_days: 2_8")), r"design.post_days"),
        (changed(("cost: 12.73", "cost: {8: 10, spring: 12}")), r"'spring' is neither the number of a campaign nor one of the"),
        (changed(("cost: 12.73", "cost: {8: 10, D: 12}")), r"'D' is neither"),
        (changed(("memory_limit: 2GB", "memory_limit: abc")), r"engine.memory_limit: it is 'abc'; write a size of 64MB or more"),
        (changed(("memory_limit: 2GB", "memory_limit: '-1'")), r"engine.memory_limit: it is '-1'"),
        (changed(("memory_limit: 2GB", "memory_limit: 1KB")), r"engine.memory_limit: it is '1KB'"),
        (changed(("memory_limit: 2GB", "memory_limit: -1")), r"engine.memory_limit is .*; it should be a valid string"),
        (changed(("  threads: 2", "  threads: 2000000000")), r"engine.threads is .*; it should be less than or equal to 256"),
        (changed(("post_days: 28", "post_days: 1000000000")), r"design.post_days is .*; it should be less than or equal to 3650"),
        (changed(("control_days: 28", "control_days: 1000000000")), r"refute.control_days"),
        (changed(("first_day: null", "first_day: 0016-01-04")), r"data.first_day: .* between 1990 and 2100"),
        (changed(("first_day: null", "first_day: 12017-01-04")), r"data.first_day: it is '12017-01-04'; write a date"),
        (changed(("first_day: null", "first_day: 2017-01-04 (BC)")), r"data.first_day: it is '2017-01-04 \(BC\)'; write a date"),
        (changed(("first_day: null", "first_day: 9999-12-31")), r"data.first_day: .* between 1990 and 2100"),
        (changed(("path: requirements.lock", 'path: "a\\0b"')), r"data.path: it is 'a\\x00b', and '\\x00' is read as a pattern"),
        (
            changed(("path: requirements.lock", "path: /tills/*/x")),
            r"data.path: it is '/tills/\*/x', and '\*' is read as a pattern",
        ),
        (changed(("path: requirements.lock", "path: '/tills/[x]'")), r"data.path: it is '/tills/\[x\]'"),
        (changed(("path: requirements.lock", "path: ''")), r"data.path"),
        (changed(("  - recency\n", "  - recency\n  - shoe_size\n")), r"segmentation.features, entry 2"),
        (changed(("  - boosting\n", "  - tarot\n")), r"nuisance.models, entry 2"),
        (b"{}", r"; and \d+ more"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(file, content, message):
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as stopped:
        load_params("seed")
    assert "\n" not in str(stopped.value)
    assert len(str(stopped.value)) < 1500


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cost: 12.73", "cost: 12.73\n  costt: 5", "policy.costt is no parameter (did you mean cost?)"),
        ("seed: 20170101", "seed: 20170101\npolcy: {}", "params.yaml: polcy is no parameter (did you mean policy?)"),
        ("seed: 20170101", "seed: 20170101\nzzz: {}", "params.yaml: zzz is no parameter."),
        ("  - causal_forest\n", "  - causal_forrest\n", "'causal_forrest' is unknown (did you mean causal_forest?)"),
        ("outcome: purchase_amount", "outcome: purchase_amnt", "params.yaml: policy.outcome is 'purchase_amnt' (did you mean"),
        ("learner: selected", "learner: selekted", "params.yaml: policy.learner is 'selekted' (did you mean selected?)"),
        ("method: epsilon_greedy", "method: thomson", "experiment.method: 'thomson' is unknown (did you mean thompson?)"),
        # The form of an amount, which pydantic names, is no key of the file.
        ("cost: 12.73", "cost: abc", "params.yaml: policy.cost is 'abc'; it should be a valid number"),
        ("cost: 12.73", "cost: {8: abc}", "params.yaml: policy.cost.8 is 'abc'; it should be"),
    ],
)
def test_a_slip_is_told_with_what_may_have_been_meant(file, old, new, said):
    file.write_bytes(changed((old, new)))
    with pytest.raises(DataError) as stopped:
        load_params("seed")
    assert said in str(stopped.value)
    assert ": :" not in str(stopped.value)


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(DataError, match=r"params.yaml cannot be read: No such file or directory. Write it anew by `make params`"):
        load_params("seed")
    file.symlink_to(file.with_name("nowhere"))
    with pytest.raises(DataError, match=r"params.yaml cannot be read: No such file"):
        load_params("seed")


def test_a_simulated_retailer_ends_before_the_last_year(file):
    made_up = {"households": 500, "weeks": 60, "overlap": "good", "effect": "none", "seed": 1}
    file.write_text(yaml.safe_dump(PARAMS | {"data": {"source": "simulated", "path": "x", "first_day": "2100-06-01", **made_up}}))
    with pytest.raises(DataError, match=r"data: 60 weeks from 2100-06-01 on end after 2100"):
        load_params("data")


@pytest.mark.parametrize(
    ("written", "cost"), [("1e1", 10.0), ("010", 10), ("+10", 10), ("10.", 10.0), (".5", 0.5), ("1E-1", 0.1), ("12_000", None)]
)
def test_numbers_are_read_as_dvc_reads_them(file, written, cost):
    """DVC interpolates and compares by YAML 1.2; stages must not see another number."""
    file.write_bytes(changed(("cost: 12.73", f"cost: {written}")))
    if cost is None:
        with pytest.raises(DataError, match=r"policy.cost"):
            load_params("policy")
    else:
        assert load_params("policy")["policy"]["cost"] == cost


def test_a_day_may_stand_without_quotes_and_the_default_is_read_as_pyyaml_reads_it(file):
    file.write_bytes(changed(("first_day: null", "first_day: 2016-01-04")))
    assert load_params("data")["data"]["first_day"] == "2016-01-04"
    file.write_text(TEXT)
    loaded = load_params(*PARAMS)
    # What the file leaves open is settled by the kind of the data.
    assert json.loads(json.dumps(loaded["policy"])) == PARAMS["policy"] | {"effect_spread": 0.1}
    assert json.loads(json.dumps(loaded["nuisance"])) == PARAMS["nuisance"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_only_names_of_the_registry_pass(file, name):
    for section, key, value in (
        ("learners", "names", [name]),
        ("learners", "forward", [name]),
        ("policy", "learner", name),
        ("policy", "outcome", name),
        ("nuisance", "models", [name]),
        ("segmentation", "features", ["recency", name]),
    ):
        file.write_text(yaml.safe_dump(PARAMS | {section: PARAMS[section] | {key: value}}))
        with pytest.raises(DataError, match=rf"{section}.*{key}|{section}\.{key}"):
            load_params("seed")


def test_dvc_gives_a_name_to_the_shell_as_one_word(tmp_path):
    """The stages refuse such names; here they come to DVC all the same, and it runs nothing but the stage."""
    call(tmp_path, "dvc", "init", "--quiet", "--no-scm")
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "params.yaml").write_text(
        json.dumps(PARAMS | {"learners": PARAMS["learners"] | {"names": HOSTILE_NAMES}}), encoding="utf-8"
    )
    commands = [stage.cmd for stage in Repo(str(tmp_path)).index.stages if stage.cmd.startswith("python -m stages.")]
    for script in ("tune", "cate"):
        words = [shlex.split(command) for command in commands if f" stages.{script} " in f"{command} "]
        assert sorted(words) == sorted(["python", "-m", f"stages.{script}", "--learner", name] for name in HOSTILE_NAMES)


@pytest.mark.slow
def test_a_stage_refuses_an_unknown_name_with_exit_code_1(tmp_path):
    (tmp_path / "params.yaml").write_text(
        json.dumps(PARAMS | {"learners": PARAMS["learners"] | {"names": ["dr; touch pwned"]}}), encoding="utf-8"
    )
    for stage in (["ingest"], ["tune", "--learner", "dr; touch pwned"]):
        script = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = {stage!r}; "
        script += f"runpy.run_module('stages.{stage[0]}', run_name='__main__')"
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith(f"{stage[0]}: params.yaml: learners.names, entry 1: ")
        assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


FOLDERS = ["M\u00e4rz (2017)", "a&b=c", "it's", "a, b;c", "{x} #1", "100%+@!", "a:b"]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_documented_quotes_bring_any_path_through(file, name):
    """As the page says to type it: through the shell, Hydra and params.yaml to the stages."""
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("dvc exp run") and '\\"' in line]
    shown = line.split('\\"')[1]
    words = shlex.split(line.replace(shown, f"/tills/{name}"))
    overrides = [value for option, value in itertools.pairwise(words) if option == "-S"]
    (run,) = get_hydra_sweeps({"params.yaml": overrides})
    compose(file, run["params.yaml"])
    assert load_params("data")["data"]["path"] == f"/tills/{name}"


@pytest.mark.slow
def test_dvc_depends_on_a_folder_of_any_name(tmp_path):
    call(tmp_path, "dvc", "init", "--quiet", "--no-scm")
    (tmp_path / "dvc.yaml").write_text("stages: {ingest: {cmd: 'true', deps: ['${data.path}'], params: [data]}}\n")
    for name in FOLDERS:
        (tmp_path / "tills" / name).mkdir(parents=True)
        (tmp_path / "tills" / name / "products.csv").write_text("a\n1\n")
        (tmp_path / "params.yaml").write_text(json.dumps({"data": {"path": str(tmp_path / "tills" / name)}}), encoding="utf-8")
        call(tmp_path, "dvc", "repro", "--quiet")


def places(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = [place for key, value in tree.items() for place in places(value, (*path, key))] if isinstance(tree, dict) else []
    return [path, *inner] if path else inner


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 2, -1, 2**31, 2**63, 10**9, 10**18, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.5, 1e-300, 1e300, -0.0, 28.0]),
    st.text(max_size=8),
    st.sampled_from(
        ["A", "selected", "duckdb", "2GB", "true", "2016-01-04", "9999-12-31", "s", "linear", "purchase_count", "nan"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=4
)
FEW = settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MANY = settings(FEW, max_examples=4000)


def loaded() -> dict[str, Any] | DataError:
    """All parameters, or the error that refuses them; any other ends the test."""
    try:
        return load_params(*PARAMS)
    except DataError as error:
        return error


def loads_as_given_or_names_the_key(file: Path, place: tuple[str, ...], value: Any) -> None:
    params = copy.deepcopy(PARAMS)
    *outer, key = place
    inner = params
    for name in outer:
        inner = inner[name]
    inner[key] = value
    file.write_text(json.dumps(params, ensure_ascii=True), encoding="utf-8")
    found = loaded()
    if isinstance(found, DataError):
        assert place[0] in str(found) or "is no YAML" in str(found)
        assert "\n" not in str(found)
        return
    for name in place:
        found = found[name]
    if isinstance(value, dict):
        found = {str(key): own for key, own in found.items()}
    if place == ("policy", "effect_spread") and value is None:
        value = 0.1  # what null is for tills
    if place[-1] == "first_day" and value is not None:
        assert date.fromisoformat(found) == date.fromisoformat(value)
    else:
        assert json.loads(json.dumps(found)) == json.loads(json.dumps(value))
        assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.slow
@FEW
@given(place=st.sampled_from(places(PARAMS)), value=VALUES)
@example(place=("policy", "cost"), value={"": []})
@example(place=("policy", "effect_spread"), value=None)
def test_any_value_is_taken_as_it_is_or_refused_by_its_key(file, place, value):
    loads_as_given_or_names_the_key(file, place, value)


@pytest.mark.long
@MANY
@given(place=st.sampled_from(places(PARAMS)), value=VALUES)
def test_any_of_thousands_of_values_is_taken_as_it_is_or_refused_by_its_key(file, place, value):
    loads_as_given_or_names_the_key(file, place, value)


DAMAGE = st.tuples(
    st.integers(0, len(TEXT)),
    st.integers(0, 60),
    st.binary(max_size=6) | st.sampled_from([b"\n", b": ", b"- ", b"*a", b"&a ", b"!"]),
)


def damaged_file_loads_or_is_refused(file: Path, damages: list[tuple[int, int, bytes]]) -> None:
    content = TEXT.encode()
    for start, length, instead in damages:
        content = content[:start] + instead + content[start + length :]
    file.write_bytes(content)
    found = loaded()
    assert isinstance(found, dict) or str(found).startswith(str(file))


@FEW
@given(damages=st.lists(DAMAGE, min_size=1, max_size=3))
def test_a_damaged_file_never_ends_in_a_traceback(file, damages):
    damaged_file_loads_or_is_refused(file, damages)


@pytest.mark.long
@MANY
@given(damages=st.lists(DAMAGE, min_size=1, max_size=3))
def test_thousands_of_damaged_files_never_end_in_a_traceback(file, damages):
    damaged_file_loads_or_is_refused(file, damages)


def test_a_limit_and_a_lot_that_goes_beyond_it_are_refused(file):
    file.write_bytes(changed(("budget_contacts: null", "budget_contacts: 300"), ("epsilon: 0.0", "epsilon: 0.1")))
    with pytest.raises(DataError, match=r"policy\.budget_contacts is a limit, .* set one of them back"):
        load_params("seed")
    file.write_bytes(changed(("budget_usd: null", "budget_usd: 300"), ("method: epsilon_greedy", "method: thompson")))
    with pytest.raises(DataError, match=r"policy\.budget_usd is a limit"):
        load_params("seed")


def test_a_table_has_its_lots_in_its_own_columns(file):
    compose(file, ["data=panel"])
    params = yaml.safe_load(file.read_text())
    params["data"]["assignments"] = ["/lists/mailing_list.csv"]
    file.write_text(yaml.safe_dump(params))
    with pytest.raises(DataError, match=r"assignments is for tills; .* name them in data\.table\.propensity"):
        load_params("seed")


@pytest.mark.parametrize(("source", "given", "spread"), [("tills", None, 0.1), ("table", None, 1.0), ("table", 0.3, 0.3)])
def test_the_priors_spread_is_settled_by_what_the_data_are(file, source, given, spread):
    compose(file, ["data=panel"] if source == "table" else [])
    params = yaml.safe_load(file.read_text())
    params["policy"]["effect_spread"] = given
    file.write_text(yaml.safe_dump(params))
    assert load_params("policy")["policy"]["effect_spread"] == spread
