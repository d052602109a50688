"""Households that a campaign held out on purpose, where the list of its targets has them too, flagged in a further column."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from targeting.base.errors import DataError
from targeting.tables.checks import Origins, require_known_campaigns
from targeting.tables.origins import FURTHER, Origin
from targeting.tables.problems import broken_rows
from targeting.tables.schemas import validate
from targeting.tables.values import FALSE, TRUE

# Values that say what became of a household, whatever the column is called; written in lower case with single underscores.
CONTROL = {"control", "controls", "ctrl", "holdout", "hold_out", "held_out", "heldout", "not_mailed", "unmailed", "untreated"}
CONTROL |= {f"{word}_group" for word in CONTROL}
MAILED = {"mailed", "mail", "treated", "treatment", "treat", "test", "target", "targeted", "contacted", "sent", "exposed"}
MAILED |= {f"{word}_group" for word in MAILED}
# Names of columns whose yes says that a household was mailed, or was not; and those that only words can fill.
YES_IS_MAILED = MAILED | {"received", "delivered"}
YES_IS_CONTROL = CONTROL | {"suppressed", "withheld"}
NEEDS_WORDS = {"arm", "group", "cell", "variant", "assignment", "test_control", "test_vs_control", "treatment_control"}
LETTERS = {"t": False, "c": True}  # of test, treatment or target, and control, under such a name
SHOWN = 5  # values that a refusal shows


@dataclass(frozen=True)
class Targets:
    """The list of targets (campaign_id, household_id) without those held out, and these."""

    mailed: ir.Table
    held_out: ir.Table


def split_targets(targets: ir.Table, origin: Origin) -> Targets:
    """Set the rows apart that a further column flags as held out; without such a column all rows were mailed.

    A column is a flag by its name (mailed, control, arm, treatment_group, is_holdout, ...) or where one of its values is a word
    such as control or holdout. Raises DataError for a flag with values that do not say whether a household was mailed, for rows
    that are flagged both ways, and for a household that one campaign both mailed and held out.
    """
    keys = targets.select("campaign_id", "household_id")
    flags = {name: values for name in targets.columns if name.startswith(FURTHER) and (values := _flag(targets, name, origin))}
    if not flags:
        return Targets(keys, keys.limit(0))
    says = {name: _is_control(targets[name], values) for name, values in flags.items()}
    first, *others = says.values()
    for other in others:
        _require_none(targets.filter(first != other), origin, "two columns say the opposite of it")
    held_out, mailed = (targets.filter(chosen).select("campaign_id", "household_id") for chosen in (first, ~first))
    both = held_out.semi_join(mailed, ["campaign_id", "household_id"])
    _require_none(both, origin, "the household is both mailed and held out")
    return Targets(mailed, held_out)


def check_held_out(held_out: ir.Table, campaigns: ir.Table, origins: Origins) -> int:
    """How many rows there are. Raises DataError for what no row of the targets may be, mailed or held out."""
    count = int(held_out.count().execute())
    if count:
        validate("campaign_targets", held_out, origins)
        require_known_campaigns(held_out, campaigns, "campaign_targets", origins)
    return count


def _flag(targets: ir.Table, name: str, origin: Origin) -> dict[str | None, bool]:
    """Whether each value of the column means held out; empty for a column that is no flag, or says nothing at all."""
    own = name.removeprefix(FURTHER)
    # A column that is there twice has its number behind it.
    plain = re.sub(r"^(is|in|was)_|_(flag|group|indicator)$", "", _plain(re.sub(r" \(\d+\)$", "", own)))
    found = targets.group_by(name).agg(n=targets.count()).order_by(name).limit(1000).to_pyarrow().to_pydict()[name]
    named = plain in YES_IS_MAILED | YES_IS_CONTROL | NEEDS_WORDS
    if not any(found) or not (named or any(value and _plain(value) in CONTROL for value in found)):
        return {}
    words = _meanings(plain)
    unclear = [value for value in found if value is None or _plain(value) not in words]
    if unclear:
        shown = ", ".join("nothing" if value is None else repr(value) for value in unclear[:SHOWN])
        raise DataError(
            f"{origin.file}, column {own}: it may flag households that were held out, and of its values {shown} "
            f"{'does' if len(unclear) == 1 else 'do'} not say whether a household was mailed. Write control or mailed in every "
            "row; or, if it says something else, give the column another name."
        )
    return {value: words[_plain(value)] for value in found}


def _meanings(name: str) -> dict[str, bool]:
    """Whether each word means held out, in a column of this name."""
    words = dict.fromkeys(CONTROL, True) | dict.fromkeys(MAILED, False)
    if name in YES_IS_MAILED:
        return words | dict.fromkeys(TRUE, False) | dict.fromkeys(FALSE, True)
    if name in YES_IS_CONTROL:
        return words | dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
    return words | LETTERS if name in NEEDS_WORDS else words


def _is_control(column: ir.StringColumn, values: Mapping[str | None, bool]) -> ir.BooleanColumn:
    return column.isin([value for value, control in values.items() if control])


def _plain(text: str) -> str:
    return re.sub(r"[\s_/-]+", "_", text.strip().lower())


def _require_none(rows: ir.Table, origin: Origin, what: str) -> None:
    if rows.count().execute():
        keys = rows.select("campaign_id", "household_id")
        remedy = "Say of each household once whether it was mailed."
        raise DataError(broken_rows(origin, ["campaign_id", "household_id"], keys, what, remedy=remedy))
