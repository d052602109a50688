"""Households that a list of targets flags as held out are not counted as mailed; a flag that cannot be read is named."""

import ibis
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.tables.held_out import check_held_out, split_targets
from targeting.tables.origins import FURTHER
from targeting.tables.schemas import named_as_here

ORIGIN = named_as_here("campaign_targets", "targets.csv")


def targets(backend, **columns: list[str | None]) -> ibis.Table:
    """Households 1 to 4 of campaign 1, with further columns."""
    frame = pd.DataFrame({"campaign_id": 1, "household_id": [1, 2, 3, 4]})
    further = pd.DataFrame({f"{FURTHER}{name}": pd.array(values, dtype="string") for name, values in columns.items()})
    return backend.create_table(ibis.util.gen_name("targets"), ibis.memtable(pd.concat([frame, further], axis=1)), temp=True)


def split(backend, **columns: list[str | None]) -> tuple[list[int], list[int]]:
    found = split_targets(targets(backend, **columns), ORIGIN)
    return tuple(sorted(table.household_id.to_pyarrow().to_pylist()) for table in (found.mailed, found.held_out))


@pytest.mark.parametrize(
    "flag",
    [
        {"treatment_group": ["mailed", "mailed", "control", "control"]},
        {"Arm": ["Treatment", "treated", "CONTROL", "hold-out"]},
        {"mailed": ["1", "1", "0", "0"]},
        {"is_mailed": ["true", "true", "False", "false"]},
        {"Control Group": ["n", "n", "y", "y"]},
        {"is_holdout": ["0", "0", "1", "1"]},
        {"test_control": ["T", "t", "C", "c"]},
        {"Test / Control": ["test", "test", "control", "control"]},
        {"Control_Group ": ["treated", "treatment group", "control group", "hold out"]},
        {"mailed (2)": ["1", "1", "0", "0"]},  # the second column of this name
        {"note": ["test", "test", "control", "control"]},  # by its values, whatever its name
        {"mailed": ["yes", "yes", "no", "no"], "control": ["0", "0", "1", "1"]},
    ],
    ids=str,
)
def test_rows_flagged_as_held_out_are_not_mailed(flag, backend):
    assert split(backend, **flag) == ([1, 2], [3, 4])


@pytest.mark.parametrize(
    "columns",
    [{}, {"group": [None] * 4}, {"description": ["TypeA", None, "TypeA", "x"]}, {"sent_on": ["1", "2", "3", "4"]}],
    ids=str,
)
def test_other_columns_flag_nobody(columns, backend):
    assert split(backend, **columns) == ([1, 2, 3, 4], [])


def test_a_flag_that_holds_nobody_out_changes_nothing(backend):
    assert split(backend, mailed=["1"] * 4) == ([1, 2, 3, 4], [])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"arm": ["A", "A", "B", "B"]},
            r"targets.csv, column arm: it may flag .*'A', 'B' do not say .*Write control",
        ),
        ({"group": ["0", "0", "1", "1"]}, r"column group: .*'0', '1' do not say"),
        ({"mailed": ["1", "1", "0", None]}, r"column mailed: .*nothing does not say"),
        ({"wave": ["control", "first", "second", "first"]}, r"column wave: .*'first', 'second' do not say"),
        (
            {"mailed": ["1", "1", "0", "0"], "control": ["1", "0", "1", "1"]},
            r"column campaign_id, household_id: 1 row: two columns say the opposite of it, .*household_id=1",
        ),
    ],
    ids=str,
)
def test_a_flag_that_cannot_be_read_is_named(columns, message, backend):
    with pytest.raises(DataError, match=message):
        split(backend, **columns)


def test_a_household_both_mailed_and_held_out_is_named(backend):
    table = targets(backend, arm=["mailed", "control", "control", "mailed"])
    twice = table.mutate(household_id=ibis.ifelse(table.household_id == 2, 1, table.household_id).cast("int64"))
    with pytest.raises(DataError, match=r"1 row: the household is both mailed and held out, .*household_id=1\. Say of each"):
        split_targets(twice, ORIGIN)


def test_rows_that_are_held_out_are_checked_like_those_mailed(backend):
    campaigns = ibis.memtable({"campaign_id": [1]})
    origins = {"campaign_targets": ORIGIN, "campaigns": named_as_here("campaigns", "campaigns.csv")}
    none = split_targets(targets(backend), ORIGIN).held_out
    assert check_held_out(none, campaigns, origins) == 0
    two = split_targets(targets(backend, arm=["control", "mailed", "control", "mailed"]), ORIGIN).held_out
    assert check_held_out(two, campaigns, origins) == 2
    with pytest.raises(DataError, match=r"targets.csv, column campaign_id: 2 rows: no such campaign in campaigns.csv"):
        check_held_out(two, campaigns.mutate(campaign_id=campaigns.campaign_id + 1), origins)
    with pytest.raises(DataError, match="the key occurs more than once"):
        check_held_out(two.mutate(household_id=ibis.literal(7, "int64")), campaigns, origins)
