"""Show experiments in a table that fits a screen: changed parameters and the headline numbers of metrics/summary.json.

`python -m scripts.show_experiments [OPTION] ...`, options as of `dvc exp show`.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Columns of no use to a reader. What has a slash in its name is a file: a checksum.
LEFT_OUT = r"^(.*/.*|requirements\.lock|Created|Executor|households|segments_.*|cost|effect_se)$"


if __name__ == "__main__":
    command = ["dvc", "exp", "show", "--only-changed", "--drop", LEFT_OUT, *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)  # noqa: S603 - the user's own options
