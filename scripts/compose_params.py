"""Compose params.yaml from conf/, as `dvc exp run` does: `python -m scripts.compose_params [GROUP=NAME] [KEY=VALUE] ...`."""

import sys
from pathlib import Path

from dvc.utils.hydra import compose_and_dump

ROOT = Path(__file__).resolve().parent.parent


def compose(output: Path, overrides: list[str]) -> None:
    """Write the composition of ROOT/conf with Hydra overrides to `output`."""
    compose_and_dump(output, str(ROOT / "conf"), None, "config", str(ROOT), overrides)


if __name__ == "__main__":
    compose(ROOT / "params.yaml", sys.argv[1:])
