"""The one way in which stages read parameters."""

from pathlib import Path
from typing import Any

import yaml

from targeting.errors import DataError

PARAMS = Path("params.yaml")


def load_params(*sections: str) -> dict[str, Any]:
    """The named top-level sections of params.yaml, as dvc.yaml declares them for the stage that asks.

    Raises DataError when a section is missing.
    """
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    missing = [section for section in sections if section not in params]
    if missing:
        raise DataError(f"{PARAMS} has no section {', '.join(missing)}: run `make params` to compose it from conf/.")
    return {section: params[section] for section in sections}
