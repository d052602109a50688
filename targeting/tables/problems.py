"""The words of a refusal: the source's file and column, how many rows, what is wrong, an example and the remedy."""

from collections.abc import Mapping, Sequence

import ibis.expr.types as ir

from targeting.tables.origins import Origin

CORRECT = "Correct these rows in the source."


def broken_rows(
    origin: Origin, columns: Sequence[str], broken: ir.Table, what: str, unit: str = "row", remedy: str = CORRECT
) -> str:
    """The message about the rows of `broken`, which it counts and shows the first of."""
    count = int(broken.count().execute())
    example = broken.order_by(broken.columns).limit(1).to_pyarrow().to_pylist()[0]
    return problem(origin, columns, counted(count, unit), what, example, remedy)


def problem(origin: Origin, columns: Sequence[str], count: str, what: str, example: object, remedy: str = CORRECT) -> str:
    """The message: `count` rows or keys of the canonical `columns`, `what` is wrong with them, and one of them."""
    names = ", ".join(origin.columns[column].name for column in columns)
    shown = str(example)
    if isinstance(example, Mapping):
        shown = ", ".join(f"{_name_at_source(origin, key)}={origin.shown(key, value)}" for key, value in example.items())
    return f"{origin.file}, column {names}: {count}: {what}, for example {shown}. {remedy}"


def _name_at_source(origin: Origin, column: str) -> str:
    return origin.columns[column].name if column in origin.columns else column


def counted(count: int, unit: str) -> str:
    """1 row, 2 rows."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
