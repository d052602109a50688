"""Identifiers as retailers have them, whole numbers or text: numbered inside, and given back as they came.

The canonical tables hold whole numbers. Where a kind of identifier is text somewhere (A563185, 00017, a UUID), all its values are
numbered, in the same way in every table, and the key is kept.
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.origins import IDENTIFIERS, Origin

KEY = {"kind": "string", "number": "int64", "text": "string"}


def numbered_tables(backend: BaseBackend, tables: Mapping[str, ir.Table], origins: Mapping[str, Origin]) -> dict[str, ir.Table]:
    """The tables with whole numbers as identifiers, and the key `identifiers`(kind, number, text), without rows if none was text.

    Numbers follow the order of the texts; those of campaigns, the order of their first days.
    Raises DataError where tables write one kind differently, so that nothing would match.
    """
    numbered, keys = dict(tables), [ibis.memtable([], schema=KEY)]
    for column, identifier in IDENTIFIERS.items():
        kind, home = identifier.name, identifier.home
        holding = {name: table for name, table in tables.items() if name != "truth" and column in table.columns}
        if all(table[column].type().is_integer() for table in holding.values()):
            continue
        if identifier.of_one_sort and home in holding and holding[home][column].type().is_integer():
            _refuse_text(holding, column, origins, home)
        key = backend.create_table(ibis.util.gen_name(f"key_{kind}"), _key(holding, kind, home, column), temp=True)
        _require_one_spelling(holding, key, home, column, origins)
        keys.append(key.select(*KEY))
        for name in holding:
            numbered[name] = _replaced(numbered[name], column, key)
    return numbered | {"identifiers": ibis.union(*keys) if len(keys) > 1 else keys[0]}


def own_text(key: ir.Table, column: str, value: object) -> object:
    """An identifier as the user wrote it, for a sentence; any other value as it is."""
    if column not in IDENTIFIERS:
        return value
    found = key.filter((key.kind == IDENTIFIERS[column].name) & (key.number == value)).text.to_pyarrow().to_pylist()
    return found[0] if found else value


def _key(holding: Mapping[str, ir.Table], kind: str, home: str, column: str) -> ir.Table:
    texts = [table.select(text=table[column].cast("string")) for table in holding.values()]
    distinct = (ibis.union(*texts) if len(texts) > 1 else texts[0]).distinct()
    distinct = distinct.filter(distinct.text.notnull())
    order = [distinct.text]
    if kind == "campaign":
        campaigns = holding[home]
        starts = campaigns.group_by(text=campaigns[column].cast("string")).agg(start=campaigns.start_day.min())
        distinct = distinct.left_join(starts, "text").drop("text_right")
        order = [distinct.start, distinct.text]
    return distinct.select(kind=ibis.literal(kind), number=ibis.row_number().over(order_by=order) + 1, text=distinct.text)


def _replaced(table: ir.Table, column: str, key: ir.Table) -> ir.Table:
    names = list(table.columns)
    texts = key.select(own_number=key.number, own_text=key.text)
    joined = table.mutate(**{column: table[column].cast("string")}).left_join(texts, [(column, "own_text")])
    return joined.select(**{name: joined["own_number" if name == column else name] for name in names})


def _refuse_text(holding: Mapping[str, ir.Table], column: str, origins: Mapping[str, Origin], home: str) -> None:
    for name, table in holding.items():
        if not table[column].type().is_integer():
            plain = table[column].try_cast("int64").cast("string").fill_null("")
            strays = table.filter(table[column].notnull() & (plain != table[column]))
            raise DataError(
                f"{origins[name].place(column)}: {_rows(strays)} no whole number, as all are in {origins[home].file}, for "
                f"example {_first(strays, column)!r}. Write them as there."
            )


def _require_one_spelling(
    holding: Mapping[str, ir.Table], key: ir.Table, home: str, column: str, origins: Mapping[str, Origin]
) -> None:
    """Refuse what is in another table and not in its own, and is there but for leading zeros, capitals or a decimal part."""
    if home not in holding:
        return
    homes = holding[home].select(own=holding[home][column].cast("string")).distinct()
    spelt = homes.group_by(likeness=_likeness(homes.own)).agg(own=homes.own.min())
    for name, table in holding.items():
        if name == home:
            continue
        here = table.select(here=table[column].cast("string"))
        strange = here.anti_join(homes, [("here", "own")])
        strange = strange.mutate(likeness=_likeness(strange.here)).inner_join(spelt, "likeness")
        if strange.count().execute():
            first = strange.order_by("here").limit(1).to_pyarrow().to_pylist()[0]
            raise DataError(
                f"{origins[name].place(column)}: {_rows(strange)} written otherwise than in {origins[home].file}, for example "
                f"{first['here']!r} here and {first['own']!r} there (leading zeros or capitals). Export both alike, as text."
            )


def _likeness(text: ir.StringColumn) -> ir.StringColumn:
    return text.upper().re_replace(r"^0+(.)", r"\1").re_replace(r"\.0+$", "")


def _rows(table: ir.Table) -> str:
    count = int(table.count().execute())
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _first(table: ir.Table, column: str) -> str:
    return str(table[column].min().execute())
