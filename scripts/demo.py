"""A made-up retailer from tills to report and game in a few minutes: `python -m scripts.demo`, which `make demo` calls.

It runs in the folder demo/, on a copy of the code, so that parameters and results of your own stay as they are.
"""

import shutil
from pathlib import Path

from scripts.compose_params import compose
from scripts.run_pipeline import run

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
CODE = ("stages", "targeting", "scripts", "dvc.yaml", "requirements.lock")
# A small shop, fewer repeats than a decision needs, and two learners: what they find is read as an example.
REDUCED = [
    "data=simulated",
    "data.households=1200",
    "policy.cost=6",  # some pay for a coupon and most do not, so that the game has something to find
    "nuisance.folds=3",
    "nuisance.repeats=1",
    "nuisance.refits=5",
    "nuisance.models=[linear]",
    "refute.placebo_repeats=10",
    "refute.cause_repeats=2",
    "refute.subset_repeats=5",
    "refute.control_splits=2",
    "refute.control_redraws=5",
    "segmentation.selection=[6,8]",
    "segmentation.restarts=3",
    "segmentation.bootstraps=10",
    "segmentation.factor_resamples=3",
    "learners.names=[x,dr_smooth]",
    "learners.trials=0",
    "learners.forward=[x]",
]


def prepare(root: Path, folder: Path) -> None:
    """Copy the code into `folder`, with reduced parameters; what DVC keeps there from an earlier demo stays."""
    for name in CODE:
        source, target = root / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (folder / ".dvc").mkdir(exist_ok=True)
    shutil.copytree(root / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    # A repository of DVC's alone: git has nothing to keep here.
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n")
    compose(folder / "params.yaml", REDUCED)


if __name__ == "__main__":
    prepare(ROOT, DEMO)
    raise SystemExit(run(DEMO))
