"""`dvc repro` with all stages in one process: `python -m scripts.one_process`, in a project's folder.

DVC starts a process per stage, which imports the same packages again, and rewrites dvc.lock after each: some five seconds per
stage. Here DVC decides as ever what changed, what an earlier run left in its cache and what to keep; only the command runs here,
and dvc.lock is written once. The results are the same bytes, and `dvc repro` finds them.
"""

import logging
import runpy
import shlex
import sys
import time
import traceback
from pathlib import Path

import stages  # noqa: F401  # before numpy: it fixes the number of threads  # isort: skip

import dvc.stage.run
import yaml
from dvc.exceptions import DvcException
from dvc.logger import set_loggers_level
from dvc.repo import Repo
from dvc.repo.reproduce import plan_repro
from dvc.stage import PipelineStage
from dvc.stage.exceptions import StageCmdFailedError

CODE = ("stages", "targeting")
STARTED = time.time_ns()


def run_here(stage: PipelineStage, dry: bool = False, run_env: dict[str, str] | None = None) -> None:
    """Run a stage's `python -m MODULE ARGUMENTS` in this process, with DVC's own arguments and errors (dvc.stage.run.cmd_run)."""
    del dry, run_env  # DVC's dry runs do not come here, and our stages read no variables of DVC's
    if edited := edited_since(STARTED):
        print(
            f"{edited} changed while stages ran, which read it before. Start again: what was finished is kept.", file=sys.stderr
        )
        raise StageCmdFailedError(stage.cmd, 1)
    print(f"Running stage '{stage.addressing}':", flush=True)
    _, _, module, *arguments = shlex.split(stage.cmd)
    before, sys.argv = sys.argv, [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise StageCmdFailedError(stage.cmd, ended.code) from None
    except Exception:
        traceback.print_exc()
        raise StageCmdFailedError(stage.cmd, 1) from None
    finally:
        sys.argv = before


def edited_since(time_ns: int) -> str:
    """A loaded module of this project whose file is newer than that, if any: DVC would take its old results for its new ones."""
    files = (getattr(module, "__file__", None) for name, module in sys.modules.items() if name.split(".")[0] in CODE)
    newer = [file for file in files if file and Path(file).exists() and Path(file).stat().st_mtime_ns > time_ns]
    return Path(newer[0]).name if newer else ""


def reproduce(project: Path) -> int:
    """Bring a project's stages up to date, in DVC's order; 1 if one failed or DVC could not run it, else 0.

    What was finished is kept.
    """
    params = project / "params.yaml"
    # Spark's Java lives as long as the process that started it, beside all later fits: there each stage keeps one of its own.
    if not (params.exists() and yaml.safe_load(params.read_text(encoding="utf-8"))["engine"]["name"] == "spark"):
        dvc.stage.run.cmd_run = run_here
    finished: list[PipelineStage] = []
    name = ""
    try:
        with Repo(str(project)) as repo, repo.lock:
            try:
                for stage in plan_repro(repo.index.graph):
                    name = stage.addressing
                    if isinstance(stage, PipelineStage) and stage.reproduce():
                        finished.append(stage)
            finally:
                if finished:
                    set_loggers_level(logging.WARNING)  # nobody may be left to read what DVC says of it
                    finished[0].dvcfile.dump_stages(finished, update_pipeline=False)
    except (DvcException, OSError) as error:
        print(f"ERROR: {f'failed to reproduce {name!r}: ' if name else ''}{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ERROR: interrupted by the user", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(reproduce(Path.cwd()))
