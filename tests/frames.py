"""Tables of the engine as frames, for computations that are slow and plain."""

import ibis.expr.types as ir
import pandas as pd


def in_pandas(table: ir.Table) -> pd.DataFrame:
    """The whole table, decimals as floats: pandas would hold each of them as an object of its own, made one by one."""
    decimals = {name: table[name].cast("float64") for name, kind in table.schema().items() if kind.is_decimal()}
    return table.mutate(**decimals).execute()
