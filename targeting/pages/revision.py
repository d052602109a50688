"""Which code made a run, and with which packages."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

CODE = ("stages", "targeting", "dvc.yaml", "requirements.lock")
PACKAGES = ("dvc", "duckdb", "econml", "ibis-framework", "numpy", "optuna", "pandas", "scikit-learn", "statsmodels")


def code_revision(root: Path) -> str:
    """The last git commit that changed the code, marked where files differ from it; parameters and results do not count.

    So the commit that stores a run's results leaves the run's revision as it was.
    """
    try:
        commit = _git(root, "log", "-1", "--format=%H", "--", *CODE)
        changed = _git(root, "status", "--porcelain", "--", *CODE)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown: not in a git repository"
    return f"{commit[:12] or 'none yet'}{', with changes that are not committed' if changed else ''}"


def versions() -> dict[str, str]:
    """Python's and the main packages' versions."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603, S607 - fixed words
    return done.stdout.strip()
