"""Every `-S` that the pages show can be typed: its parameter exists, and each of its values is allowed."""

import itertools
import re
import shlex
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import get_hydra_sweeps

from scripts.compose_params import compose
from targeting.base.sections import Params

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/pipeline.md", "docs/experiments.md", "docs/data.md", "docs/loop.md")
SHAPE = "{column:"  # a placeholder for the reader's own column


def commands() -> list[str]:
    """Lines of code that run an experiment, comments cut off."""
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    lines = [line for text in texts for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return sorted({line.split(" #")[0].strip() for line in lines if "dvc exp run" in line})


def overrides(command: str) -> list[str]:
    words = shlex.split(command)
    return [value for option, value in itertools.pairwise(words) if option == "-S" and SHAPE not in value]


@pytest.mark.parametrize("command", commands())
def test_a_documented_experiment_composes(command, tmp_path):
    given = overrides(command)
    # A queue runs every combination of the values that it is given.
    runs = get_hydra_sweeps({"params.yaml": given}) if given else [{"params.yaml": []}]
    for number, run in enumerate(runs):
        output = tmp_path / f"{number}.yaml"
        compose(output, run["params.yaml"])
        Params.model_validate(yaml.safe_load(output.read_text(encoding="utf-8")))


def test_there_are_commands_to_check():
    assert len(commands()) > 5
