"""A retailer's own files as they are: data.mapping says which column holds what, and how days and signs are written.

What a retailer does not have is filled in: a basket is what a household bought on a day, weeks count on from the Monday on or
before the first day, a line is of one item, there is no store and no discount, and products are those of the lines.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.files import read_files, require_folder
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.problems import counted
from targeting.tables.returns import DISCOUNTS
from targeting.tables.schemas import OPTIONAL, SCHEMAS, named_as_here, without_rows
from targeting.tables.values import MONEY, MOST_MONEY

TRAITS = ("department", "category", "subcategory", "brand")
FACTORS = {"quantity": "sales_quantity", "times": "sales_price"}  # the columns whose product is sales, as they are read here
MARK = "return_mark"


def origins_of_files(data: Mapping[str, Any]) -> dict[str, Origin]:
    """Where each canonical table comes from: the user's names where there are some, else the canonical ones."""
    mapping = data["mapping"]
    return {name: _origin(name, mapping) for name in SCHEMAS}


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the files in the folder `data.path`, and `without_household`: lines that name none, left out.

    Raises DataError for a missing folder, file or column, unreadable values, discounts of the other sign, marks of returns that
    no line has, and a product of quantity and price beyond what a line can be.
    """
    mapping = data["mapping"]
    folder = require_folder(data["path"], "the folder with the mapping's files")
    wanted = {"transactions": _lines_origin(mapping)}
    wanted |= {name: _file_origin(name, mapping) for name in SCHEMAS if name != "transactions" and _has_file(mapping, name)}
    read = read_files(backend, folder, {name: replace(origin, file=origin.file.lower()) for name, origin in wanted.items()})

    origin = _origin("transactions", mapping)
    told = _with_signs(_with_sales(read["transactions"], origin), origin, mapping)
    told = backend.create_table(ibis.util.gen_name("lines"), told, temp=True)  # read once: what follows passes over it many times
    lines = told.filter(told.household_id.notnull())
    if not lines.count().execute():
        raise DataError(f"{origin.place('household_id')}: no line names a household. See whether it is the right column.")
    known = {name: _complete(name, table) for name, table in read.items() if name != "transactions"}
    absent = {name: without_rows(name) for name in ("campaigns", "campaign_targets") if name not in read}
    products = {} if "products" in read else {"products": _products_of(lines)}
    anonymous = told.filter(told.household_id.isnull()).select("quantity", "sales")
    return known | absent | products | {"transactions": _filled(lines), "without_household": anonymous}


def _has_file(mapping: Mapping[str, Any], name: str) -> bool:
    return bool((mapping.get(name) or {}).get("file"))


def _column(name: str, key: str, own: str, mapping: Mapping[str, Any]) -> SourceColumn:
    """A canonical column of a table by the user's name for it, its days in the user's form."""
    kind = str(SCHEMAS[name].columns[key].dtype)
    return SourceColumn(own, kind, dates=mapping["dates"] if kind == "date" else None)


def _origin(name: str, mapping: Mapping[str, Any]) -> Origin:
    """All canonical columns of a table by the names that its user knows; those that are filled in by their own."""
    own, lines = mapping.get(name) or {}, mapping["transactions"]
    names = {key: own.get(key) or key for key in SCHEMAS[name].columns}
    if name == "transactions" and not isinstance(own["sales"], str):
        names["sales"] = f"{own['sales']['quantity']} x {own['sales']['times']}"
    if name == "products" and not own.get("file"):
        names["product_id"] = lines["product_id"]
    columns = {key: _column(name, key, text, mapping) for key, text in names.items()}
    return Origin(own.get("file") or lines["file"], columns, may_be_empty=not own, encoding=mapping["encoding"])


def _file_origin(name: str, mapping: Mapping[str, Any]) -> Origin:
    """What is read of a table's own file: the columns that the mapping names."""
    whole = _origin(name, mapping)
    return replace(
        whole,
        columns={key: column for key, column in whole.columns.items() if mapping[name].get(key)},
        may_be_empty=name in OPTIONAL,
    )


def _lines_origin(mapping: Mapping[str, Any]) -> Origin:
    """What is read of the lines' file: its own columns, the factors of sales, marks of returns, and what it says of products."""
    own, whole = mapping["transactions"], _origin("transactions", mapping)
    columns = {key: column for key, column in whole.columns.items() if own.get(key) and key != "sales"}
    columns["household_id"] = replace(columns["household_id"], nothing=tuple(own.get("no_household") or ()))
    if isinstance(own["sales"], str):
        columns["sales"] = whole.columns["sales"]
    else:
        columns |= {key: SourceColumn(own["sales"][part], MONEY) for part, key in FACTORS.items()}
    if own.get("returns"):
        columns[MARK] = SourceColumn(own["returns"]["column"], "string")
    if not _has_file(mapping, "products"):
        traits = mapping.get("products") or {}
        columns |= {key: SourceColumn(traits[key], "string") for key in TRAITS if traits.get(key)}
    return replace(whole, columns=columns, may_be_empty=False)


def _with_sales(lines: ir.Table, origin: Origin) -> ir.Table:
    """The lines with sales, where they are given as quantity and price of one."""
    if "sales" in lines.columns:
        return lines
    quantity, price = (lines[key] for key in FACTORS.values())
    beyond = lines.filter((quantity.cast("float64") * price.cast("float64")).abs() > MOST_MONEY)
    if count := int(beyond.count().execute()):
        example = beyond.select(*FACTORS.values()).order_by(*FACTORS.values()).limit(1).to_pyarrow().to_pylist()[0]
        shown = " x ".join(str(value) for value in example.values())
        raise DataError(
            f"{origin.place('sales')}: {counted(count, 'row')} exceed {MOST_MONEY:,.0f}, for example {shown}. Correct them, or "
            "see whether data.mapping.transactions.sales names the right columns."
        )
    # By way of all the product's decimals: ibis takes it to be of the factors' type, and would leave out a cast to that.
    return lines.mutate(sales=(quantity * price).cast("decimal(28, 8)").cast(MONEY)).drop(*FACTORS.values())


def _with_signs(lines: ir.Table, origin: Origin, mapping: Mapping[str, Any]) -> ir.Table:
    """The lines with discounts above zero, and marked returns below zero; a line without a quantity is of one item."""
    if "quantity" not in lines.columns:
        lines = lines.mutate(quantity=ibis.literal(1).cast(MONEY))
    if mapping["discounts"] == "negative":
        given = [name for name in DISCOUNTS if name in lines.columns]
        for name in given:
            _require_negative(lines, name, origin)
        lines = lines.mutate(**{name: -lines[name] for name in given})
    if MARK not in lines.columns:
        return lines
    returned = lines[MARK].isin(mapping["transactions"]["returns"]["values"])
    _require_marks(lines, returned, origin, mapping["transactions"]["returns"])
    turned = {
        name: ibis.ifelse(returned.fill_null(False), -lines[name].abs(), lines[name]).cast(MONEY)
        for name in ("quantity", "sales")
    }
    return lines.mutate(**turned).drop(MARK)


def _require_negative(lines: ir.Table, name: str, origin: Origin) -> None:
    positive = lines.filter(lines[name] > 0)
    if count := int(positive.count().execute()):
        raise DataError(
            f"{origin.place(name)}: {counted(count, 'discount')} above zero, for example {positive[name].max().execute()}, where "
            "data.mapping.discounts says negative. Correct them, or write positive if all are."
        )


def _require_marks(lines: ir.Table, returned: ir.BooleanColumn, origin: Origin, marks: Mapping[str, Any]) -> None:
    if not lines.filter(returned).count().execute():
        there = lines.select(mark=lines[MARK]).distinct().order_by("mark").limit(5).mark.to_pyarrow().to_pylist()
        raise DataError(
            f"{origin.file}, column {marks['column']}: no line has {' or '.join(map(repr, marks['values']))}; it has "
            f"{', '.join(map(repr, there))}. Name the values of returns in data.mapping.transactions.returns, or take it away."
        )


def _filled(lines: ir.Table) -> ir.Table:
    """The lines with the canonical columns that their file lacks."""
    nothing = ibis.literal(0).cast(MONEY)
    values: dict[str, ir.Value] = {
        "basket_id": lines.household_id.cast("string") + " " + lines.day.cast("string"),
        "store_id": ibis.null("int64"),
        **dict.fromkeys(DISCOUNTS, nothing),
    }
    if "week" not in lines.columns:
        values["week"] = _week(lines)
    filled = lines.mutate(**{name: value for name, value in values.items() if name not in lines.columns})
    return filled.select(*SCHEMAS["transactions"].columns)


def _week(lines: ir.Table) -> ir.IntegerColumn:
    """Each line's week: 1 plus the whole weeks since the Monday on or before the first day."""
    first = lines.aggregate(first=lines.day.min()).to_pyarrow().to_pylist()[0]["first"]
    if first is None:
        return ibis.literal(1).cast("int64")  # no line has a day, for which all are refused
    monday = ibis.date(first - timedelta(days=first.weekday()))
    # A line without its day is refused for that; its week is not to be told as a second slip.
    return (lines.day.delta(monday, unit="day") // 7 + 1).cast("int64").fill_null(1)


def _products_of(lines: ir.Table) -> ir.Table:
    """The products that lines name, each described as most of its lines do."""
    given = [name for name in TRAITS if name in lines.columns]
    described = lines.group_by("product_id", *given).agg(n=lines.count())
    # What is empty on some lines is known from the others; ties go by the alphabet.
    order = [*(described[name].isnull() for name in given), described.n.desc(), *(described[name] for name in given)]
    first = described.mutate(place=ibis.row_number().over(group_by="product_id", order_by=order)).filter(ibis._.place == 0)
    return _complete("products", first.filter(first.product_id.notnull()))


def _complete(name: str, table: ir.Table) -> ir.Table:
    """A canonical table with the columns that its file lacks: empty, and campaigns of type A."""
    kinds = {key: column.type for key, column in named_as_here(name, name).columns.items()}
    absent = {key: ibis.null(kind) for key, kind in kinds.items() if key not in table.columns}
    if "campaign_type" in absent:
        absent["campaign_type"] = ibis.literal("A")
    return table.mutate(**absent).select(*kinds)
