"""All stages in one process: what DVC is left with, when they succeed and when one fails."""

import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import call, ran

pytestmark = pytest.mark.slow
PIPELINE = """
stages:
  first:
    cmd: python -m stages.copy source.txt first.txt
    deps: [source.txt]
    outs: [first.txt]
  second:
    cmd: python -m stages.copy first.txt second.txt
    deps: [first.txt]
    outs: [second.txt]
"""
COPY = """import sys
from pathlib import Path

if __name__ == "__main__":
    assert not Path(sys.argv[2]).exists(), "DVC removes what a stage wrote before"
    text = Path(sys.argv[1]).read_text()
    if text == sys.argv[2]:
        print("copy: this text has no copy", file=sys.stderr)
        raise SystemExit(1)
    Path(sys.argv[2]).write_text(text)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two stages, the second of which reads what the first one writes, and fails where that is `second.txt`."""
    for name in ("stages/__init__.py", "scripts/__init__.py", "scripts/one_process.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "stages" / "copy.py").write_text(COPY)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "source.txt").write_text("one")
    call(tmp_path, "dvc", "init", "--no-scm", "--quiet")
    return tmp_path


def run(project: Path, *, fails: bool = False) -> str:
    return call(project, sys.executable, "-m", "scripts.one_process", fails=fails)


def test_what_changed_runs_and_dvc_knows_of_it(project):
    assert ran(run(project)) == {"first", "second"}
    assert "up to date" in call(project, "dvc", "repro")
    (project / "source.txt").write_text("two")
    assert ran(run(project)) == {"first", "second"}
    assert (project / "second.txt").read_text() == "two"
    # What ran before is found again, also by DVC itself.
    (project / "source.txt").write_text("one")
    assert ran(run(project)) == set()
    assert (project / "second.txt").read_text() == "one"
    (project / "source.txt").write_text("two")
    assert ran(call(project, "dvc", "repro")) == set()


def test_a_stage_that_fails_says_so_and_what_was_finished_is_kept(project):
    (project / "source.txt").write_text("second.txt")
    said = run(project, fails=True)
    assert "copy: this text has no copy" in said
    assert "failed to reproduce 'second'" in said
    assert "Traceback" not in said
    (project / "stages" / "copy.py").write_text(COPY.replace("if text == sys.argv[2]", "if False"))
    assert ran(run(project)) == {"second"}


def test_code_that_changes_meanwhile_is_not_taken_for_what_ran(project):
    (project / "targeting").mkdir()
    (project / "targeting" / "__init__.py").write_text("")
    # The first stage edits the code that it has loaded, as somebody at work beside the run would.
    edit = "    import targeting\n    Path(targeting.__file__).write_text('changed = True')\n"
    (project / "stages" / "copy.py").write_text(COPY + edit)
    said = run(project, fails=True)
    assert "__init__.py changed while stages ran" in said
    assert "failed to reproduce 'second'" in said
    (project / "stages" / "copy.py").write_text(COPY)
    assert "second" in ran(run(project))


def test_what_dvc_cannot_do_is_one_line(project):
    (project / "source.txt").unlink()
    said = run(project, fails=True)
    assert "ERROR: failed to reproduce 'first'" in said
    assert "source.txt" in said
    assert "Traceback" not in said
    (project / "dvc.yaml").write_text("stages: 3")
    assert "Traceback" not in run(project, fails=True)
