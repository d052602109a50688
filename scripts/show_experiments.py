"""Show experiments in a table that fits a screen: changed parameters and the headline numbers of metrics/summary.json.

`python -m scripts.show_experiments [OPTION] ...`, options as of `dvc exp show`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def other_columns() -> str:
    """A pattern for all columns but parameters and the summary: checksums of files, and the other stages' metrics."""
    stages = [path for path in sorted((ROOT / "metrics").glob("*.json")) if path.name != "summary.json"]
    names = {name for path in stages for name in _names(json.loads(path.read_text(encoding="utf-8")))}
    # What has a slash in its name is a file: of no use to a reader as a checksum.
    return rf"^(.*/.*|requirements\.lock|Created|Executor|{'|'.join(re.escape(name) for name in sorted(names))})$"


def _names(metrics: dict[str, Any], prefix: str = "") -> list[str]:
    """The metrics' names as DVC writes them, those of nested ones joined by dots."""
    deep = {key: value for key, value in metrics.items() if isinstance(value, dict)}
    nested = [name for key, value in deep.items() for name in _names(value, f"{prefix}{key}.")]
    return nested + [f"{prefix}{key}" for key in metrics if key not in deep]


if __name__ == "__main__":
    command = ["dvc", "exp", "show", "--only-changed", "--drop", other_columns(), *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)  # noqa: S603 - the user's own options
