"""Lots given back: what the files may look like, what contradicts, and the trials that they make."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from targeting.base.errors import DataError
from tests.own_tables import ingest, write_examples

pytestmark = pytest.mark.slow  # each reads whole tables through the engine


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The page's eight examples as CSV files."""
    return write_examples(tmp_path / "own")


@pytest.fixture
def targets(files: Path) -> pd.DataFrame:
    return pd.read_csv(files / "campaign_targets.csv")


def lots(project: Path, folder: Path, *texts: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """What `ingest` makes of the files of lots, and its metrics."""
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder.parent / f"lots_{number}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    counts = ingest(project, folder, assignments=[str(path) for path in paths] or None)
    return pd.read_parquet(project / "data" / "lots" / "assignments.parquet"), counts


def test_the_table_and_both_own_files_are_read(project_folder, files, targets):
    campaign, household = targets.iloc[0]
    table = f"campaign_id,household_id,mailed,propensity\n{campaign},{household},1,0.5\n{campaign},900,0,0.25\n"
    arms = f"campaign_id,household_id,segment,propensity_stratum,arm,probability,seed\n{campaign},{household},1,0,treated,0.5,3\n"
    mailing = (
        "campaign_id,household_id,segment,cate,lower,upper,in_overlap,mail,propensity,reason\n"
        f"{campaign},{household},a,1,0,2,1,1,0.9,x\n{campaign},901,a,,,,,0,0,Not eligible\n{campaign},902,a,1,0,2,0,1,0.1,y\n"
    )
    found, counts = lots(project_folder, files, table)
    assert found[["household_id", "mailed", "propensity"]].to_numpy().tolist() == sorted([[household, 1, 0.5], [900, 0, 0.25]])
    assert (counts["n_lots"], counts["n_lots_unknown_chance"], counts["n_campaigns_by_lot"]) == (2, 0, 1)
    assert lots(project_folder, files, arms)[0]["propensity"].tolist() == [0.5]
    # A household to be mailed that was not reached stays in, as meant; one that could not be mailed was in no draw.
    found, _ = lots(project_folder, files, mailing)
    assert found.set_index("household_id")["mailed"].to_dict() == {household: 1, 902: 1}
    assert len(lots(project_folder, files)[0]) == 0


LISTED = ["campaign_id", "household_id", "in_overlap", "mail", "propensity"]


def written(table: pd.DataFrame, folder: Path, form: str) -> Path:
    """The mailing list in one of the forms in which it comes back."""
    path = folder / {"parquet": "list.parquet", "parts": "mailing_list", "european": "list.csv", "zipped": "list.csv"}[form]
    if form == "parquet":
        table.to_parquet(path)
    elif form == "parts":
        path.mkdir()
        for part in (0, 1):
            table[table.index % 2 == part].to_parquet(path / f"part-0000{part}.parquet")
    elif form == "european":  # as spreadsheets save it where numbers have decimal commas
        table.to_csv(path, index=False, sep=";", decimal=",")
    else:
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode("utf-16")))
    return path


@pytest.mark.parametrize("form", ["parquet", "parts", "european", "zipped"])
def test_a_list_comes_back_in_any_form_that_tables_may_have(form, project_folder, files, targets, tmp_path):
    campaign, household = targets.iloc[0]
    rows = [(campaign, household, 1, 1, 0.25), (campaign, 900, 0, 0, 0.125), (campaign, 901, None, 0, 0.0)]
    path = written(pd.DataFrame(rows, columns=LISTED).astype({"in_overlap": "Int64"}), tmp_path, form)
    ingest(project_folder, files, assignments=[str(path)])
    found = pd.read_parquet(project_folder / "data" / "lots" / "assignments.parquet")
    assert found[["household_id", "mailed", "propensity"]].to_numpy().tolist() == sorted([[household, 1, 0.25], [900, 0, 0.125]])


def test_flagged_controls_are_lots_of_an_unknown_chance(project_folder, files, targets):
    flagged = targets.assign(arm="mailed")
    campaign = flagged["campaign_id"].iloc[0]
    flagged.loc[len(flagged)] = [campaign, 900, "control"]
    flagged.to_csv(files / "campaign_targets.csv", index=False)
    found, counts = lots(project_folder, files)
    assert found["propensity"].isna().all()
    assert set(found.loc[found["mailed"] == 0, "household_id"]) == {900}
    assert set(found.loc[found["mailed"] == 1, "household_id"]) == set(
        targets.loc[targets["campaign_id"] == campaign, "household_id"]
    )
    assert counts["n_lots_unknown_chance"] == len(found)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("{c},900,1,0.5", r"lots_0.csv, column mailed: 1 row: mailed, and not among the campaign's targets.*household_id=900"),
        ("{c},900,0,1", r"column propensity: 1 row: the chance is not above 0 and below 1.*Leave out"),
        ("{c},900,0,-0.1", r"the chance is not above 0"),
        ("{c},900,0,50", r"the chance is not above 0 and below 1.*write 0.5 for 50%"),
        ("{c},900,0,0.5\n{c},900,0,0.5", r"the household is there more than once.*Keep one"),
        ("999,900,0,0.5", r"lots_0.csv, column campaign_id: 1 row: no such campaign in campaigns.*write its number"),
        ("{c},900,0,", r"column propensity: 1 row: the value is missing.*leave out those about whom no lot decided"),
        ("{c},900,maybe,0.5", r"lots_0.csv, column mailed: 1 of 1 rows cannot be read"),
        ("{c},900,0,half", r"lots_0.csv, column propensity: 1 of 1 rows cannot be read"),
    ],
)
def test_contradictions_stop(rows, message, project_folder, files, targets):
    text = "campaign_id,household_id,mailed,propensity\n" + rows.format(c=targets["campaign_id"].iloc[0]) + "\n"
    with pytest.raises(DataError, match=message):
        lots(project_folder, files, text)


def test_a_household_of_two_files_is_told_with_both(project_folder, files, targets):
    campaign, household = targets.iloc[0]
    table = f"campaign_id,household_id,mailed,propensity\n{campaign},{household},1,0.5\n"
    with pytest.raises(DataError, match=r"lots_0.csv, .*more than once.*Other files have it as well: lots_1.csv"):
        lots(project_folder, files, table, table)


def test_a_list_of_which_nobody_was_mailed_or_without_its_campaign_stops(project_folder, files, targets):
    campaign = targets["campaign_id"].iloc[0]
    arms = "household_id,arm,probability\n900,treated,0.5\n901,control,0.5\n"
    with pytest.raises(DataError, match=r"lots_0.csv does not say of which campaign it is: add a column campaign_id"):
        lots(project_folder, files, arms)
    named = "campaign_id," + arms.replace("\n9", f"\n{campaign},9")
    with pytest.raises(DataError, match=r"column arm: 1 row: mailed, and not among the campaign's targets"):
        lots(project_folder, files, named)
    with pytest.raises(DataError, match=r"column arm: 1 row: the arm is neither treated nor control"):
        lots(project_folder, files, named.replace("control", "test"))


def test_a_file_that_is_not_there_is_named(project_folder, files):
    with pytest.raises(DataError, match=r"/nowhere/lots.csv is not there"):
        ingest(project_folder, files, assignments=["/nowhere/lots.csv"])
