"""policy.table: what a contact costs or earns by household, read by the reader and the rules of a retailer's own files."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.identifiers import are_text

HOUSEHOLD, CAMPAIGN = KEYS
KINDS = {HOUSEHOLD: "household", CAMPAIGN: "campaign"}  # as the key to identifiers calls them
# One row per household: the engine needs little of the machine.
ENGINE = {"name": "duckdb", "threads": 1, "memory_limit": "1GB"}
MOST_COST = 1e6  # USD per contact, as for the number itself
SHARE = "it is a share, and 0.3 means 30%"


def read_household_table(policy: Mapping[str, Any], key: pd.DataFrame) -> pd.DataFrame | None:
    """The columns of policy.table that policy.cost and policy.margin name, by household_id and, if it has one, campaign_id.

    These are the user's own: text where `key`, data/tables/identifiers.parquet, says that they are, else whole numbers.
    None where neither is a column. Values are above 0, or missing; a margin of sales is 1 at most.
    Raises DataError, naming file, column, rows and an example, for what cannot be read or be so.
    """
    named = {name: policy[name]["column"] for name in ("cost", "margin") if is_column(policy[name])}
    if not named:
        return None
    path = Path(policy["table"])
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise DataError(
            f"policy.table is {path}: give a .csv or .parquet file with household_id and the column of cost or margin."
        )
    if not path.exists():
        raise DataError(f"policy.table is {path}, which is not there, or a link to what is not there: give the file's path.")
    if taken := [name for name, column in named.items() if column.lower() in KEYS]:
        raise DataError(
            f"policy.{taken[0]} is the column {named[taken[0]]}, which numbers rows: name the column with its values."
        )
    table = _read(path, sorted(set(named.values())), {column for column, kind in KINDS.items() if are_text(kind, key)})
    for name, column in named.items():
        most = MOST_COST if name == "cost" else 1.0 if policy["outcome"] == "purchase_amount" else np.inf
        _require_plausible(table, path, column, most, SHARE if name == "margin" else "it is in USD per contact")
    return table


def is_column(setting: Any) -> bool:
    """Whether a cost or margin is a column of the table."""
    return isinstance(setting, Mapping) and "column" in setting


def _read(path: Path, columns: list[str], texts: Collection[str]) -> pd.DataFrame:
    """The table by its keys, of which `texts` are text."""
    # Stages whose costs are numbers start without the table engine.
    from targeting.tables.engine import connect
    from targeting.tables.files import read_file
    from targeting.tables.origins import Origin, SourceColumn

    with connect(ENGINE) as backend:

        def read(wanted: Mapping[str, SourceColumn]) -> pd.DataFrame:
            # Every file comes as its own columns: what the reader gives is text, or the type asked for.
            return read_file(backend, path.parent, Origin(path.name.lower(), wanted)).to_pyarrow().to_pandas()

        try:
            read({"any": SourceColumn(CAMPAIGN, "string")})
            keys = [HOUSEHOLD, CAMPAIGN]
        except DataError:  # it has no such column; if the file is at fault, the next line says so
            keys = [HOUSEHOLD]
        wanted = {key: SourceColumn(key, "int64") for key in keys} | {
            column: SourceColumn(column, "float64") for column in columns
        }
        table = read(wanted)
    for key in keys:
        missing = table[key].isna()
        if missing.any():
            example = ", ".join(f"{name}={value}" for name, value in table[missing].iloc[0].items())
            raise DataError(
                f"{path}, column {key}: {missing.sum():,} of {len(table):,} rows have none, for example {example}. Fill it in, "
                "or take these rows away."
            )
        words = ~table[key].astype(str).str.fullmatch(r"0|-?[1-9]\d{0,17}")
        if key not in texts and words.any():
            raise DataError(
                f"{path}, column {key}: {words.sum():,} of {len(table):,} rows are not whole numbers, for example "
                f"{table.loc[words, key].iloc[0]!r}. Write them as in the tables."
            )
    return table.astype({key: str if key in texts else "int64" for key in keys})


def _require_plausible(table: pd.DataFrame, path: Path, column: str, most: float, meaning: str) -> None:
    values = table[column]
    wrong = values.notna() & ~(np.isfinite(values) & (values > 0) & (values <= most))
    if wrong.any():
        example = table[wrong].astype({HOUSEHOLD: object}).iloc[0]
        limit = "" if np.isinf(most) else f" and {most:,.0f} at most"
        raise DataError(
            f"{path}, column {column}: {wrong.sum():,} of {len(table):,} rows are not above 0{limit} ({meaning}), for example "
            f"{example[column]:g} of household {example[HOUSEHOLD]}. Correct them."
        )
