"""Run the pipeline and say how far it is: `python -m scripts.run_pipeline`, which `make repro` calls.

DVC does the work, with all stages in one process. This names each stage, counts it, times it, and ends with the decision and the
pages to open.
"""

import ast
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import yaml

from targeting.base.errors import DataError
from targeting.base.params import load_params

ROOT = Path(__file__).resolve().parent.parent
STILL_SECONDS = 60  # after which a log is told that a stage still runs
RUNS, SKIPPED = "Running stage '", "Stage '"


def purpose(project: Path, stage: str) -> str:
    """What a stage does: the first line of its script."""
    script = project / "stages" / f"{stage.split('@')[0]}.py"
    return (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").split("\n")[0].rstrip(".")


def count_stages(project: Path) -> int:
    """How many stages a run has: those of dvc.yaml, and those of a matrix once per learner."""
    stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    learners = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))["learners"]["names"]
    return sum(len(learners) if "matrix" in stage else 1 for stage in stages.values())


def duration(seconds: float) -> str:
    """Seconds in words: 8 s, 2 min 5 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Teller:
    """Says which stage runs, of how many, and how long it took; at most once for a line of DVC's."""

    def __init__(self, project: Path) -> None:
        """For the stages of the project's dvc.yaml."""
        self.project, self.total, self.seen = project, count_stages(project), 0
        self.stage, self.since = "", time.monotonic()

    def read(self, line: str) -> str:
        """What to print in place of a line of DVC's, which may be nothing."""
        name = line.split("'")[1] if line.startswith((RUNS, SKIPPED)) and line.count("'") >= 2 else ""
        if not name:
            return "" if line.startswith("> ") or not line.strip() else line
        told = [self.finished()] if self.finished() else []
        self.seen += 1
        self.stage, self.since = "", time.monotonic()
        if line.startswith(RUNS):
            self.stage = name
            told.append(f"stage {self.seen} of {self.total}: {name}. {purpose(self.project, name)}")
        else:
            told.append(f"stage {self.seen} of {self.total}: {name}, as before")
        return "\n".join(told)

    def finished(self) -> str:
        """How long the stage took that ran until now; nothing where none did."""
        return f"    {duration(time.monotonic() - self.since)}" if self.stage else ""

    def still(self) -> str:
        """That a stage still runs."""
        return f"    {self.stage}: {duration(time.monotonic() - self.since)} so far" if self.stage else ""


def closing(project: Path) -> Iterator[str]:
    """The last lines of a run: the decision, and the pages to open."""
    policy = json.loads((project / "metrics" / "policy.json").read_text(encoding="utf-8"))
    yield ""
    yield from (policy[name] for name in ("recommendation", "at_set_cost", "at_tills_cost") if name in policy)
    for what, page in (("The report", "index.html"), ("The game", "game.html")):
        yield f"{what}: {(project / 'plots' / 'report' / page).resolve().as_uri()}"


def slip(project: Path) -> str:
    """What keeps a run from beginning, in a sentence; else nothing.

    Parameters that cannot be: DVC reads the file too, and says less of what is wrong with it.
    """
    with chdir(project):
        try:
            load_params()
        except DataError as error:
            return str(error)
    return ""


def run(project: Path = ROOT) -> int:
    """Bring the pipeline in a project's folder up to date; the exit code."""
    if wrong := slip(project):
        print(wrong, file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "scripts.one_process"]
    teller, ended = Teller(project), threading.Event()

    def remind() -> None:
        while not ended.wait(STILL_SECONDS):
            if told := teller.still():
                print(told, flush=True)

    if not sys.stdout.isatty():  # a person sees the stages' own bars
        threading.Thread(target=remind, daemon=True).start()
    began = time.monotonic()
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True, bufsize=1) as process:  # noqa: S603 - fixed words
        try:
            for line in process.stdout or ():
                if told := teller.read(line.rstrip("\n")):
                    print(told, flush=True)
        except KeyboardInterrupt:  # the stages have it too, and write down what was finished
            process.wait()
    ended.set()
    if process.returncode < 0:
        ended_by = f"{teller.stage or 'The run'} was ended by signal {-process.returncode}"
        print(f"{ended_by}. Start again: stages that were finished come from the cache.", file=sys.stderr)
    if process.returncode == 0:
        print("\n".join([f"All stages: {duration(time.monotonic() - began)}", *closing(project)]), flush=True)
    return process.returncode


if __name__ == "__main__":
    raise SystemExit(run())
