"""`dvc repro` with all stages in one process: `python -m scripts.one_process`, in a project's folder.

DVC starts a process per stage, which imports the same packages again, and rewrites dvc.lock after each: some five seconds per
stage. Here DVC decides as ever what changed, what an earlier run left in its cache and what to keep; only the command runs here,
and dvc.lock is written once. The results are the same bytes, and `dvc repro` finds them.
"""

import runpy
import shlex
import sys
from pathlib import Path

import stages  # noqa: F401  # before numpy: it fixes the number of threads  # isort: skip

import dvc.stage.run
from dvc.repo import Repo
from dvc.repo.reproduce import plan_repro
from dvc.stage import PipelineStage, Stage
from dvc.stage.exceptions import StageCmdFailedError


def run_here(stage: PipelineStage, dry: bool = False, run_env: dict[str, str] | None = None) -> None:
    """Run a stage's `python -m MODULE ARGUMENTS` in this process, with DVC's own arguments and errors (dvc.stage.run.cmd_run)."""
    del dry, run_env  # DVC's dry runs do not come here, and our stages read no variables of DVC's
    print(f"Running stage '{stage.addressing}':", flush=True)
    _, _, module, *arguments = shlex.split(stage.cmd)
    before, sys.argv = sys.argv, [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise StageCmdFailedError(stage.cmd, ended.code) from None
    finally:
        sys.argv = before


def reproduce(project: Path) -> int:
    """Bring a project's stages up to date, in DVC's order; 1 if a stage failed, else 0. What was finished is kept."""
    dvc.stage.run.cmd_run = run_here
    finished: list[Stage] = []
    with Repo(str(project)) as repo, repo.lock:
        try:
            for stage in plan_repro(repo.index.graph):
                if stage.reproduce():
                    finished.append(stage)
        except StageCmdFailedError as error:
            print(f"ERROR: failed to reproduce '{stage.addressing}': {error}", file=sys.stderr)
            return 1
        finally:
            if finished:
                finished[0].dvcfile.dump_stages(finished, update_pipeline=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(reproduce(Path.cwd()))
