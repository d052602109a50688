"""The learners' tables of effects, as the stages that judge and use them read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import COMBINED, outcomes_with_effects
from targeting.base.errors import DataError
from targeting.trials.panel import require_aligned


def unusable(table: pd.DataFrame) -> str:
    """Why a learner's effects cannot be judged at all, in words; empty if they can be."""
    if table.empty:
        return "it gave no effects"
    for outcome in outcomes_with_effects(table.columns):
        bad = int((~np.isfinite(table[f"cate_{outcome}"])).sum())
        if bad:
            return f"{bad} of {len(table)} effects on {outcome} are not finite"
    return ""


def require_usable(learner: str, left_out: Mapping[str, str]) -> None:
    """Raise DataError where `learner`, that of the policies, is among those that cannot be used."""
    if learner in left_out:
        raise DataError(f"policy.learner is {learner}, and {left_out[learner]}: choose another one, or `selected`.")


def read_learners(names: Sequence[str], learners: Path, panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables, from the folder `learners`, of those that gave any effects, rows as in `panel`.

    Raises DataError for a table of other rows.
    """
    tables = {name: pd.read_parquet(learners / f"{name}.parquet") for name in names}
    given = {name: table for name, table in tables.items() if not table.empty}
    for name, table in given.items():
        require_aligned(panel, table, f"the effects of {name}")
    return given


def read_effects(
    names: Sequence[str], learners: Path, ensembles: Path, panel: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The usable tables by learner, rows as in `panel`, and why the others cannot be used.

    Learners by parameter, from the folder `learners`, then their combinations from `ensembles`: other files there are left over
    from other parameters. Raises DataError for a table of other rows.
    """
    paths = {name: learners / f"{name}.parquet" for name in names} | {name: ensembles / f"{name}.parquet" for name in COMBINED}
    tables = {name: pd.read_parquet(path) for name, path in paths.items()}
    left_out = {name: why for name, table in tables.items() if (why := unusable(table))}
    usable = {name: table for name, table in tables.items() if name not in left_out}
    for name, table in usable.items():
        require_aligned(panel, table, f"the effects of {name}")
    return usable, left_out
