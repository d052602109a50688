"""A table of customers with a treatment and outcomes: what is made of it, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from ibis.backends import BaseBackend

import stages.ingest
import stages.trials
from targeting.base.columns import outcomes_of
from targeting.base.customer_table import CustomerTable
from targeting.base.errors import DataError
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.nested import inner_nuisances
from targeting.segments.stored import own_segments
from targeting.sources.customer_table import CustomerRows, read_customers
from targeting.sources.encoding import encoded
from targeting.tables.engine import connect
from targeting.trials.customers import customer_candidates, customer_flow, customer_panel, customer_trials
from targeting.trials.panel import covariate_names
from targeting.words.features import covariate_words
from tests.conftest import ENGINE
from tests.tables_of_customers import TABLE, email_test


def customers(backend: BaseBackend, rows: pd.DataFrame, folder: Path, **table: Any) -> CustomerRows:
    """What is read of a table that is saved as CSV, by TABLE with these changes; a key that is None is left out."""
    path = folder / "test.csv"
    rows.to_csv(path, index=False)
    checked = CustomerTable.model_validate({key: value for key, value in {**TABLE, **table}.items() if value is not None})
    return read_customers(backend, {"path": str(path), "table": checked.model_dump()})


def test_columns_get_their_parts_and_covariates_become_numbers(backend, tmp_path):
    rows = pd.DataFrame(
        {
            "who": ["b", "a", "c", "d"],
            "sent": ["yes", "no", "yes", "no"],
            "spend": [0.0, 2.5, 0.0, 7.25],
            "visit": [1, 0, 0, 1],
            "history": [10.0, np.nan, 30.0, 20.0],
            "channel": ["Web", "Web", None, "Phone"],
            "same": 1,
        }
    )
    own = {"customer_id": "who", "treated": "SENT", "numeric": ["history", "same"], "categorical": ["channel"]}
    found = customers(backend, rows, tmp_path, **own)
    table = found.rows.set_index("household_id")
    assert found.identifiers["text"].tolist() == ["a", "b", "c", "d"]  # 1 to 4
    assert table["treated"].tolist() == [0, 1, 1, 0]
    assert table["purchase_amount"].tolist() == [2.5, 0.0, 0.0, 7.25]
    assert table["known_propensity"].tolist() == [0.5] * 4
    assert table["by_lot"].tolist() == [1] * 4
    # The median of 10, 20 and 30 takes the place of what is missing; nothing is said of a column that never varies.
    assert table["x_history"].tolist() == [20.0, 10.0, 30.0, 20.0]
    assert table["x_history_missing"].tolist() == [1.0, 0.0, 0.0, 0.0]
    # Each value but the most frequent, Web, and one for what is missing; rare ones go together.
    assert covariate_names(found.rows) == ["x_history", "x_history_missing", "x_channel_other"]
    assert table["x_channel_other"].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_numbers_may_have_decimal_commas_where_semicolons_separate(backend, tmp_path):
    """As spreadsheets save them in much of Europe; a comma in one column and a point in another can mean two things."""
    rows, path = email_test(60).assign(share=np.linspace(0.001, 0.06, 60)), tmp_path / "comma.csv"
    rows.to_csv(tmp_path / "point.csv", index=False)
    rows.to_csv(path, index=False, sep=";", decimal=",")
    own = CustomerTable.model_validate({**TABLE, "numeric": ["share"]}).model_dump()
    found, expected = (
        read_customers(backend, {"path": str(tmp_path / name), "table": own}) for name in ("comma.csv", "point.csv")
    )
    pd.testing.assert_frame_equal(found.rows, expected.rows)
    rows.assign(share=rows["share"].map("{:.3f}".format)).to_csv(path, index=False, sep=";", decimal=",")
    with pytest.raises(DataError, match=r"comma.csv: numbers have commas in column \w+ and points in column share"):
        read_customers(backend, {"path": str(path), "table": own})


def test_campaigns_follow_their_days_and_each_customer_is_a_candidate_once(backend, tmp_path):
    rows = email_test(60).assign(wave=np.repeat(["second", "first"], 30), sent_on=np.repeat(["02/01/2024", "15/12/2023"], 30))
    rows["customer_id"] = np.tile(np.arange(30), 2)
    rows["mailed"] = np.tile([0, 1], 30)
    own = {"campaign_id": "wave", "day": "sent_on", "dates": "DD/MM/YYYY", "segment": "channel"}
    found = customers(backend, rows, tmp_path, **own)
    trials = customer_trials(found.rows)
    first = trials[trials["trial"] == 1]
    assert first["time_zero"].unique().tolist() == [pd.Timestamp("2023-12-15")]
    assert found.identifiers.set_index("number").loc[1, "text"] == "first"
    panel = customer_panel(trials, 3, seed=1)
    assert outcomes_of(panel.columns) == ("purchase_amount", "visits")
    assert "x_trial_2" in panel
    assert panel.groupby("household_id")["fold"].nunique().max() == 1
    assert customer_flow(trials)["n_control"].tolist() == [15, 15]
    candidates = customer_candidates(trials)
    assert candidates["household_id"].tolist() == list(range(30))
    assert (candidates["time_zero"] == pd.Timestamp("2024-01-02")).all()  # as in its last campaign
    segments = own_segments(panel, trials)
    assert segments.groupby("segment")["name"].first().tolist() == sorted(rows["channel"].unique())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["number", "column", "some", "none"])
def test_known_propensities_are_used_as_they_are_and_estimated_only_where_nobody_knows_them(backend, tmp_path, kind):
    rows = email_test(400).assign(chance=np.where(np.arange(400) % 4 == 0, 0.25, 0.75))
    if kind in ("column", "some"):
        rows["mailed"] = (np.random.default_rng(3).random(400) < rows["chance"]).astype(int)
    if kind == "some":
        rows.loc[200:, "chance"] = np.nan
    given = {"number": 0.5, "none": None}.get(kind, "chance")
    found = customers(backend, rows, tmp_path, propensity=given)
    panel = customer_panel(customer_trials(found.rows), 3, seed=1)
    tasks = nuisance_tasks(panel)
    predictions, _ = cross_fit(tasks, panel, ["linear"], 3, 1, seed=1)
    table, inner = nuisance_table(panel, predictions, 0.01), inner_nuisances(panel, ["linear"], 0.01, seed=1)
    wanted = {"number": np.full(400, 0.5), "none": np.full(400, np.nan)}.get(kind, rows["chance"].to_numpy())
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(table.loc[known, "propensity"], wanted[known])
    np.testing.assert_array_equal(
        inner["propensity"].to_numpy()[np.isin(inner["household_id"], panel["household_id"][known])],
        inner.merge(panel[["household_id", "known_propensity"]], on="household_id")["known_propensity"].dropna(),
    )
    assert ("propensity" in {task.name for task in tasks}) == (not known.all())
    assert table["propensity"].between(0.0, 1.0, inclusive="neither").all()


def test_three_outcomes_of_which_one_never_varies(backend, tmp_path):
    own = {"purchase_amount": "spend", "visits": "visit", "complaints": "complaint"}
    found = customers(backend, email_test(60).assign(complaint=0), tmp_path, outcomes=own)
    assert outcomes_of(found.rows.columns) == tuple(own)
    assert outcomes_of(customer_panel(customer_trials(found.rows), 3, seed=1).columns) == ("purchase_amount", "visits")


@pytest.mark.slow
def test_two_hundred_columns_give_finite_nuisances(backend, tmp_path):
    noise = np.random.default_rng(5).normal(size=(300, 200)).round(6)
    columns = [f"c{number}" for number in range(200)]
    rows = pd.concat([email_test(300), pd.DataFrame(noise, columns=columns)], axis=1)
    panel = customer_panel(customer_trials(customers(backend, rows, tmp_path, numeric=columns).rows), 3, seed=1)
    assert len(covariate_names(panel)) == 202  # two more say the channel
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], 3, 1, seed=1)
    assert np.isfinite(nuisance_table(panel, predictions, 0.01).select_dtypes(float)).all(axis=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mailed": 2}, r"test\.csv, column mailed: 3 of 90 rows cannot be read as true or false, for example '2'"),
        ({"mailed": None}, r"column mailed: 3 rows without a value, for example row 1 after the header\. Fill it in"),
        ({"spend": "none yet"}, r"column spend: 3 of 90 rows cannot be read as a number .*, for example 'none yet'"),
        ({"spend": None}, r"column spend: 3 rows without a value.* Write 0 where nothing came of it"),
        ({"chance": 1.0}, r"column chance: 3 rows whose chance is not between 0 and 1, for example 1\. Where everybody"),
        (
            {"customer_id": 7},
            r"column customer_id: 3 rows of a customer who is in the same campaign before, for example 7\. Keep one",
        ),
    ],
)
def test_rows_that_cannot_be_used_are_counted_shown_and_answered(backend, tmp_path, changed, message):
    rows = email_test(90).assign(chance=0.5).astype({"spend": object, "mailed": object})
    for column, value in changed.items():
        rows.loc[:2, column] = value
    with pytest.raises(DataError, match=message):
        customers(backend, rows, tmp_path, propensity="chance")


def test_a_table_of_one_arm_or_without_a_covariate_that_varies_is_refused(backend, tmp_path):
    one_arm = r"column mailed: all 50 rows are treated, for example customer 0, so that there is nobody to compare with"
    with pytest.raises(DataError, match=one_arm):
        customers(backend, email_test(50).assign(mailed=1), tmp_path)
    with pytest.raises(DataError, match=r"apart: history, since it has one value in all rows\. Name some"):
        customers(backend, email_test(50).assign(history=1), tmp_path, numeric=["history"], categorical=[])


def refused(folder: Path, text: str | bytes, **table: Any) -> str:
    """What the stage says of a file with this text, by TABLE with these changes."""
    path = folder / "test.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    checked = CustomerTable.model_validate({key: value for key, value in {**TABLE, **table}.items() if value is not None})
    with connect(ENGINE) as backend, pytest.raises(DataError) as error:
        read_customers(backend, {"path": str(path), "table": checked.model_dump()})
    return str(error.value)


HEADER = "customer_id,mailed,spend,visit,history,channel"
SAYS = {
    "a slip in a name": (
        f"{HEADER}\n",
        {"categorical": ["channle"]},
        [
            "test.csv has no column channle (did you mean channel?); it has customer_id, mailed",
            "or correct data.table.categorical.",
        ],
    ),
    "an outcome that is not there": (f"{HEADER}\n", {"outcomes": {"visits": "visits"}}, ["correct data.table.outcomes.visits."]),
    "carets": (
        HEADER.replace(",", "^"),
        {},
        ["line 1: the header is one column, 'customer_id^mailed^", "Tried are commas, semicolons, tabs, vertical bars: save"],
    ),
    "words for the arms": (
        f"{HEADER}\n1,mailed,1,0,2,Web\n2,held out,1,0,2,Web\n",
        {},
        ["column mailed: 2 of 2 rows cannot be read as true", "for example 'held out': write 1 for treated and 0 for not."],
    ),
    "a placeholder for an arm": (f"{HEADER}\n1,NA,1,0,2,Web\n", {}, ["'NA': it stands for a missing value"]),
    "a chance in percent": (
        f"{HEADER},chance\n1,1,1,0,2,Web,50\n2,0,1,0,3,Web,50\n",
        {"propensity": "chance"},
        ["column chance: 2 rows whose chance is not between 0 and 1, for example 50. Write 0.5 for 50%."],
    ),
    "an outcome as a word": (
        f"{HEADER}\n1,1,1,yes,2,Web\n2,0,1,no,3,Web\n",
        {},
        [
            "column visit: 2 of 2 rows cannot be read as a number",
            "'no': write a number alone, such as 12.5, or 1 for yes and 0 for no.",
        ],
    ),
    "a covariate as a word": (
        f"{HEADER}\n1,1,1,0,100 or more,Web\n2,0,1,0,3,Web\n",
        {},
        ["column history: 1 of 2 rows", "'100 or more': write a number", "or move it to data.table.categorical."],
    ),
    "infinity": (f"{HEADER}\n1,1,inf,0,2,Web\n", {}, ["'inf': it is infinite: correct it where it is computed."]),
    "a covariate beyond all numbers": (
        f"{HEADER}\n1,1,1,0,2,Web\n2,0,1,0,1e400,Web\n",
        {},
        [
            "test.csv, column history: 1 row whose number is infinite, or too large",
            "example row 2 after the header",
            "leave the field",
        ],
    ),
    "one row": (f"{HEADER}\n1,1,1,0,2,Web\n", {}, ["column mailed: its only row is treated, for example customer 1, so"]),
    "another encoding": (
        f"{HEADER}\n1,1,1,0,2,Caf\u00e9\n".encode("latin-1"),
        {},
        ["is not UTF-8", "or name its encoding in data.table.encoding"],
    ),
    "UTF-8 by another name": (
        f"{HEADER}\n1,1,1,0,2,Caf\u00e9\n",
        {"encoding": "windows-1252"},
        ["test.csv is UTF-8, and data.table.encoding says windows-1252: leave data.table.encoding out."],
    ),
    "days of another form": (
        f"{HEADER},day\n1,1,1,0,2,Web,2024-01-31\n",
        {"day": "day", "dates": "DD/MM/YYYY"},
        ["data.table.dates is DD/MM/YYYY"],
    ),
    "a row of no campaign": (
        f"{HEADER},wave\n1,1,1,0,2,Web,A\n2,0,1,0,3,Web, \n",
        {"campaign_id": "wave"},
        [
            "column wave: 1 row without a value, for example row 2 after the header. Fill it in",
            "leave data.table.campaign_id out",
        ],
    ),
    "a row of no day": (
        f"{HEADER},sent\n1,1,1,0,2,Web,\n2,0,1,0,3,Web,2024-01-31\n",
        {"day": "sent"},
        ["column sent: 1 row without a value, for example row 1 after the header. Fill it in", "leave data.table.day out"],
    ),
}


@pytest.mark.parametrize("what", SAYS)
def test_what_is_refused_names_the_tables_own_columns_settings_and_remedies(tmp_path, what):
    text, table, parts = SAYS[what]
    said = refused(tmp_path, text, **table)
    for part in parts:
        assert part in said


def treated_as(counts: list[tuple[int, int]], **more: Any) -> pd.DataFrame:
    """Campaigns, each with so many treated and so many not."""
    waves = [(wave, arm) for wave, arms in enumerate(counts) for arm, n in zip((1, 0), arms, strict=True) for _ in range(n)]
    return email_test(len(waves)).assign(mailed=[arm for _, arm in waves], wave=[f"w{wave}" for wave, _ in waves], **more)


@pytest.mark.parametrize(
    ("counts", "chances", "message"),
    [
        ([(291, 109)], 0.5, r"mailed: 291 of 400 rows are treated, where the declared chance of 0\.5 gives 200\.0 on average"),
        (
            [(20, 20), (10, 90)],
            0.5,
            r"10 of 100 rows of campaign w1 are .* different chances.*, or leave it out if nobody drew lots",
        ),
        # Only the first 100 rows have a chance, and all of them are treated.
        ([(291, 109)], "some", r"100 of 100 rows are treated, where the chances of column chance give 50\.0 on average"),
        ([(232, 168)], 0.5, None),  # two-sided 0.2%: odd, and no proof
        ([(60, 40)], None, None),
        ([(20, 20), (300, 0)], 0.5, None),  # who reaches everybody is left out as no trial
    ],
)
def test_a_share_of_treated_that_the_declared_chances_do_not_give_is_refused(backend, tmp_path, counts, chances, message):
    rows = treated_as(counts)
    own = {"propensity": chances, "campaign_id": "wave" if len(counts) > 1 else None}
    if chances == "some":
        rows["chance"] = np.where(np.arange(len(rows)) < 100, 0.5, np.nan)
        own["propensity"] = "chance"
    if message is None:
        customers(backend, rows, tmp_path, **own)
        return
    with pytest.raises(DataError, match=message):
        customers(backend, rows, tmp_path, **own)


@pytest.mark.parametrize("key", ["segment", "campaign_id"])
def test_a_name_that_results_give_to_all_together_is_refused(backend, tmp_path, key):
    rows = email_test(100).assign(part=["all", "some"] * 50)
    with pytest.raises(DataError, match=r"part: 50 rows called 'all', which is what results call all together.*another name"):
        customers(backend, rows, tmp_path, **{key: "part"})


def run_trials(project: Path, rows: pd.DataFrame, **table: Any) -> None:
    """The stages ingest and trials on a table."""
    rows.to_csv(project / "test.csv", index=False)
    section = {"source": "panel", "path": str(project / "test.csv"), "first_day": None, "currency": "USD", "table": TABLE | table}
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    (project / "params.yaml").write_text(yaml.safe_dump(params | {"data": params["data"] | section}), encoding="utf-8")
    stages.ingest.main()
    stages.trials.main()


@pytest.mark.slow
def test_campaigns_and_covariates_that_are_left_out_are_named(project_folder, capsys):
    rows = treated_as([(50, 50), (30, 0)]).assign(nothing=np.nan, code=[f"c{number}" for number in range(130)], same=1)
    run_trials(project_folder, rows, campaign_id="wave", numeric=["history", "nothing", "same"], categorical=["channel", "code"])
    said = capsys.readouterr().err
    assert (
        "ingest: columns that no covariate comes of are left out: nothing, since it is empty; same, since it has one value in "
        "all rows; code, since it has no value that 1% of the rows share: group its values.\n"
    ) in said
    assert "trials: campaign w1 mailed all eligible households or none, and is no trial" in said
    assert "campaign w0" not in said


@pytest.mark.slow
def test_an_outcome_that_never_varies_cannot_decide(project_folder):
    with pytest.raises(
        DataError, match=r"purchase_amount, which is the same in every row.*look at its column of the table, or set"
    ):
        run_trials(project_folder, email_test(90).assign(spend=0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"propensity": 1.5}, "1.5 is no chance between 0 and 1"),
        ({"propensity": 0.0}, "0.0 is no chance between 0 and 1"),
        ({"numeric": [], "categorical": []}, "name what was known of customers before"),
        ({"numeric": ["history", "spend"]}, "spend is there more than once: an outcome or the treatment is no covariate"),
        ({"outcomes": {"treated": "visit"}}, "treated is a name that the pipeline uses itself"),
        ({"outcomes": {"net_profit": "visit"}}, "net_profit is a name that the pipeline uses itself"),
        ({"outcomes": {"propensity": "visit"}}, "propensity is a name that the pipeline uses itself"),
        (
            {"outcomes": {"Spend": "visit"}},
            "'Spend' cannot be the name of an outcome: write small letters, digits and _, a letter",
        ),
        ({"propensity": 50}, "50 is no chance between 0 and 1; write 0.5 for 50%"),
        ({"propensity": "0.5"}, "'0.5' is text, which names a column: write a number without quotation marks"),
        ({"outcomes": {}}, "at least 1 item"),
        ({"customer": "customer_id"}, "customer is none of its keys, which are customer_id, treated"),
    ],
)
def test_what_the_yaml_may_not_say(changed, message):
    with pytest.raises(ValueError, match=message):
        CustomerTable.model_validate({**TABLE, **changed})


def test_a_column_named_as_a_feature_of_the_tills_keeps_the_users_meaning():
    read = pd.DataFrame({"numeric recency": [1.0, 2.0, None], "numeric history": [3.0, 1.0, 2.0]})
    table = encoded(read, list(read.columns), [])
    assert table.columns.tolist() == ["x_recency_", "x_recency_missing", "x_history"]
    assert [covariate_words(name) for name in table.columns] == ["recency", "recency missing", "history"]
