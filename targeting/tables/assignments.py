"""Lots given back: who took part in a campaign's draw, mailed or not, and with which chance.

A file is the canonical table `assignments`, or the pipeline's own mailing list or experiment, as it was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.checks import Origins, require_known_campaigns
from targeting.tables.files import columns_in_file, read_table
from targeting.tables.identifiers import own_text
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.problems import broken_rows

# Who took part in a draw: whether the lot fell on mailing (1), and its chance, missing where only the arms are known.
ASSIGNMENTS = {"campaign_id": "int64", "household_id": "int64", "mailed": "int64", "propensity": "float64"}
KEYS = ("campaign_id", "household_id")
LOTS = "assignments "  # before the number of a file, as the name of its table
NAMED = {name: SourceColumn(name, "int64") for name in KEYS}
TABLE = NAMED | {"mailed": SourceColumn("mailed", "boolean"), "propensity": SourceColumn("propensity", "float64")}
# By a column that no other form has: the pipeline's own files say what was meant to happen, and under these names.
FORMS = {
    "in_overlap": NAMED
    | {
        "mailed": SourceColumn("mail", "boolean"),
        "propensity": SourceColumn("propensity", "float64"),
        "in_overlap": SourceColumn("in_overlap", "boolean"),
    },
    "arm": NAMED | {"mailed": SourceColumn("arm", "string"), "propensity": SourceColumn("probability", "float64")},
}
ARMS = {"treated": 1, "control": 0}
NO_LOT = "Leave out households about whom no lot decided; a list drawn with experiment.epsilon above 0 has chances between."
PERCENT = "A chance is a share: write 0.5 for 50%."
NO_CHANCE = "Write the chance that each household had; leave out those about whom no lot decided."
OTHER_CAMPAIGN = "Bring the tables that have this campaign, or write its number as your table of campaigns has it."


@dataclass(frozen=True)
class LotFile:
    """One file of lots: its table as read, where it comes from, and whether it says what was meant rather than what was done."""

    table: ir.Table
    origin: Origin
    planned: bool


def no_draws() -> ir.Table:
    """The canonical table of a source that knows of no draw."""
    return ibis.memtable([], schema=ASSIGNMENTS)


def read_lots(backend: BaseBackend, paths: Sequence[str]) -> dict[str, LotFile]:
    """The files of `data.assignments`, read and typed, by the name of their table.

    Of a mailing list the households that could not be mailed, which no lot decided on, are left out. Raises DataError for a file
    that is not there or not in one of the forms.
    """
    return {f"{LOTS}{number}": _read(backend, Path(path)) for number, path in enumerate(paths)}


def numbered(file: LotFile, table: ir.Table, key: ir.Table) -> LotFile:
    """The file with its `table` of numbered identifiers, and an origin that shows them as the user wrote them, by the `key`."""
    return replace(file, table=table, origin=replace(file.origin, shown=partial(own_text, key)))


def draws(
    files: Mapping[str, LotFile], tables: Mapping[str, ir.Table], held_out: ir.Table, origins: Origins
) -> tuple[ir.Table, dict[str, int]]:
    """Everybody who took part in a draw, columns ASSIGNMENTS, and how many rows and campaigns there are of which kind.

    `files` have numbered identifiers; `tables` are the canonical ones. Campaigns whose targets were flagged as held out, and of
    which no file speaks, are draws with an unknown chance. Raises DataError, with file, rows and remedy, for an unknown campaign,
    missing values, a chance that is not between 0 and 1, a household that is there twice, and households that were mailed
    according to the file and not to the targets.
    """
    known = [_checked(file, tables, origins) for file in files.values()]
    lots = ibis.union(*known) if len(known) > 1 else known[0] if known else ibis.memtable([], schema=ASSIGNMENTS)
    _require_once(files, lots)
    flagged = held_out.anti_join(lots, "campaign_id")
    mailed = tables["campaign_targets"].semi_join(flagged, "campaign_id")
    unknown = [_with_unknown_chance(flagged, 0), _with_unknown_chance(mailed, 1)]
    found = ibis.union(lots, *unknown)
    counts = {
        "n_lots": lots.count(),
        "n_lots_unknown_chance": ibis.union(*unknown).count(),
        "n_campaigns_by_lot": found.campaign_id.nunique(),
    }
    return found, {name: int(count.execute()) for name, count in counts.items()}


def _read(backend: BaseBackend, path: Path) -> LotFile:
    present = columns_in_file(path)
    mark = next((mark for mark in FORMS if mark in present), None)
    if mark is not None and "campaign_id" not in present:
        raise DataError(
            f"{path.name} does not say of which campaign it is: add a column campaign_id with the number that the campaign has "
            "in your table of campaigns."
        )
    origin = Origin(path.name, TABLE if mark is None else FORMS[mark])
    table = read_table(backend, path, origin)
    if mark == "in_overlap":
        table = table.filter(table.in_overlap.notnull())
    if mark == "arm":
        arm = table.mailed.lower()
        unclear = table.filter(arm.isnull() | ~arm.isin(list(ARMS)))
        _require_none(unclear, origin, ["mailed"], "the arm is neither treated nor control", "Write one of them.")
        table = table.mutate(mailed=arm == "treated")
    return LotFile(table.select(*KEYS, mailed=table.mailed.cast("int64"), propensity=table.propensity), origin, mark is not None)


def _checked(file: LotFile, tables: Mapping[str, ir.Table], origins: Origins) -> ir.Table:
    """The file's rows, after what must hold of them alone."""
    lots, origin = file.table, file.origin
    for column in ASSIGNMENTS:
        remedy = NO_CHANCE if column == "propensity" else "Fill it in."
        _require_none(lots.filter(lots[column].isnull()), origin, [column], "the value is missing", remedy)
    require_known_campaigns(lots, tables["campaigns"], "lots", {**origins, "lots": origin}, OTHER_CAMPAIGN)
    outside = lots.filter(~((lots.propensity > 0) & (lots.propensity < 1)))
    remedy = PERCENT if outside.filter(outside.propensity > 1).count().execute() else NO_LOT
    _require_none(outside, origin, ["propensity"], "the chance is not above 0 and below 1", remedy)
    mailed = lots.filter(lots.mailed == 1)
    astray = mailed.anti_join(tables["campaign_targets"], list(KEYS))
    if file.planned:  # some are never reached, which is counted; a campaign that reached none of them is another one, or none
        reached = mailed.semi_join(tables["campaign_targets"], list(KEYS))
        astray = astray.anti_join(reached, "campaign_id")
    remedy = f"See that {origins['campaign_targets'].file} has all who were mailed, and that the campaign's number is right."
    _require_none(astray, origin, ["mailed"], "mailed, and not among the campaign's targets", remedy)
    return lots


def _require_once(files: Mapping[str, LotFile], lots: ir.Table) -> None:
    """Raise DataError for a household that is there more than once in a campaign, in one file or in two."""
    twice = lots.group_by(list(KEYS)).having(lots.count() > 1).agg(times=lots.count())
    holding = [(file, own) for file in files.values() if (own := twice.semi_join(file.table, list(KEYS))).count().execute()]
    if holding:
        (file, own), names = holding[0], [file.origin.file for file, _ in holding]
        others = f" Other files have it as well: {', '.join(names[1:])}." if names[1:] else ""
        remedy = f"Keep one row of each: of a list and an experiment, the one that the campaign was mailed by.{others}"
        _require_none(own, file.origin, list(KEYS), "the household is there more than once", remedy)


def _with_unknown_chance(households: ir.Table, mailed: int) -> ir.Table:
    return households.select(*KEYS, mailed=ibis.literal(mailed, "int64"), propensity=ibis.null("float64"))


def _require_none(rows: ir.Table, origin: Origin, columns: Sequence[str], what: str, remedy: str) -> None:
    if rows.count().execute():
        shown = rows.select(*dict.fromkeys([*KEYS, *columns]))
        raise DataError(broken_rows(origin, list(columns), shown, what, remedy=remedy))
