"""A repository with this project's files and a retailer of a few households, for tests that run DVC as its users do."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1200  # seconds that a command may take: a pipeline takes a few minutes on a busy machine
SMALL = {
    "nuisance/default": {"folds": 3, "repeats": 1, "refits": 3, "models": ["linear"]},
    "refute/default": {"placebo_repeats": 4, "cause_repeats": 2, "subset_repeats": 3, "control_splits": 2, "control_redraws": 2},
    "segmentation/default": {"k": 4, "selection": [3, 4], "restarts": 3, "bootstraps": 4, "factor_resamples": 2},
    "learners/default": {"names": ["x", "dr"], "trials": 1, "forward": ["x"]},
}
CHECK = "settings"  # takes a moment, and writes the same after any change but of the data's name
TIME = "2026-01-01T00:00:00Z"


def call(project: Path, *command: str, fails: bool = False) -> str:
    """Run a command in the project with this Python first on the path; stdout and stderr together."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    # Into a file: a pipe would stay open as long as any process that the command leaves behind, such as a worker of DVC's queue.
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            code = None
        output.seek(0)
        said = output.read()
    assert code is not None, f"{' '.join(command)} did not end within {LONGEST} s:\n{said[-4000:]}"
    assert (code != 0) == fails, said[-4000:]
    return said


def make_project(project: Path, folder: Path) -> Path:
    """A repository with this project's files, whose defaults are the retailer in `folder` and settings that take seconds."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("metrics/", "plots/", "dvc.lock")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project / name)
    for group, settings in {**SMALL, "data/dunnhumby": {"path": str(folder)}}.items():
        path = project / "conf" / f"{group}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings))
    config = project / "conf" / "config.yaml"
    config.write_text(config.read_text().replace("data: completejourney", "data: dunnhumby"))
    call(project, sys.executable, "-m", "scripts.compose_params")
    call(project, "git", "init", "--quiet", "--initial-branch", "main")
    for key, value in (("user.name", "Test"), ("user.email", "test@example.org")):
        call(project, "git", "config", key, value)
    commit(project)
    return project


def commit(project: Path) -> None:
    """Commit everything at a fixed time: the report names its commit, which is then the same in clones of the same files."""
    call(project, "git", "add", "--all")
    dated = ("env", f"GIT_AUTHOR_DATE={TIME}", f"GIT_COMMITTER_DATE={TIME}")
    call(project, *dated, "git", "commit", "--quiet", "--message", "A run")


def restore(project: Path) -> None:
    call(project, "git", "checkout", "--quiet", ".")
    call(project, "dvc", "checkout", "--quiet", "--force")  # also over what a test changed


def would_run(project: Path, **changes: dict) -> set[str]:
    """What `dvc status` names after these sections of params.yaml are changed, and all that follows from it; nothing is run.

    At most this is run: what follows is skipped where the files that it reads come out the same.
    """
    path = project / "params.yaml"
    before = path.read_text()
    params = yaml.safe_load(before)
    path.write_text(yaml.safe_dump(params | {name: params[name] | own for name, own in changes.items()}))
    try:
        changed = set(json.loads(call(project, "dvc", "status", "--json"))) - {CHECK}
    finally:
        path.write_text(before)
    return followers(changed, yaml.safe_load((project / "dvc.lock").read_text())["stages"])


def followers(changed: set[str], stages: dict[str, dict]) -> set[str]:
    """These stages, and those that read what they write, and so on."""
    reach = set(changed)
    while True:
        written = [out["path"] for name in reach for out in stages[name].get("outs", [])]
        more = {name for name, stage in stages.items() if any(reads(dep["path"], written) for dep in stage.get("deps", []))}
        if more <= reach:
            return reach
        reach |= more


def reads(dep: str, written: list[str]) -> bool:
    """Whether a dependency is one of the files, lies in one of them, which is then a folder, or is a folder that holds one."""
    return any(dep == out or dep.startswith(f"{out}/") or out.startswith(f"{dep}/") for out in written)


def ran(output: str) -> set[str]:
    """The stages that DVC says it ran, but for the check of all parameters, which runs after any change."""
    return set(re.findall(r"Running stage '([\w@]+)'", output)) - {CHECK}
