"""The pipeline as its users run it: DVC on the tiny retailer, in repositories of their own."""

import csv
import io
import json
import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from targeting.policy.policies import POLICIES
from targeting.tables.history import HISTORY
from targeting.tables.schemas import SCHEMAS
from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults
from tests.project import call, commit, make_project, ran, restore, would_run

pytestmark = pytest.mark.slow
AFTER_POLICY = {
    "score",
    "experiment",
    "monitor",
    "readout",
    "game",
    "report",
}  # what reads the policy's metrics, light stages all
CHEAP = 0.5  # USD per contact


@pytest.fixture(scope="module")
def own_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the retailer's files that tests may change and mend."""
    return shutil.copytree(folder, tmp_path_factory.mktemp("own") / "files")


@pytest.fixture(scope="module")
def project(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline has run and whose results are committed."""
    made = make_project(tmp_path_factory.mktemp("project"), own_folder)
    call(made, sys.executable, "-m", "scripts.one_process")  # as `dvc repro`, and imports once
    commit(made)
    return made


@pytest.fixture(scope="module")
def cheap(project: Path) -> tuple[str, str]:
    """What is said of a run in which a contact costs little, and once all is as before, of the same as the experiment `cheap`."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["policy"]["cost"] = CHEAP
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    first = call(project, sys.executable, "-m", "scripts.one_process")
    restore(project)
    again = call(project, "dvc", "exp", "run", "-n", "cheap", "-S", f"policy.cost={CHEAP}")
    restore(project)
    return first, again


# One process that asks again and again: each `dvc queue status` would take seconds of a processor from the queue's own work.
WAIT = """
import time
from dvc.repo import Repo
queue = Repo().experiments.celery_queue
for _ in range(240):
    states = [task["status"] for task in queue.status()]
    if "Running" not in states and "Queued" not in states:
        break
    time.sleep(1)
print(states)
"""


def queued(project: Path, workers: int, *options: str) -> list[dict[str, str]]:
    """The rows of experiments that a queue has completed, those of other tests among them."""
    call(project, "dvc", "exp", "run", "--queue", *options)
    call(project, "dvc", "queue", "start", "-j", str(workers))
    waited = call(project, sys.executable, "-c", WAIT)
    assert "Failed" not in waited
    shown = call(project, "dvc", "exp", "show", "--only-changed", "--csv")
    return [row for row in csv.DictReader(io.StringIO(shown)) if row.get("State") == "Success"]


def values(rows: list[dict[str, str]], name: str) -> list[float]:
    """A parameter in the experiments that have it."""
    return sorted(float(row[name]) for row in rows if row[name])


def results(project: Path) -> dict[str, bytes]:
    folders = [project / name for name in ("metrics", "plots", "data")]
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_run_leaves_what_it_promises(project):
    stages = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    for stage in stages.values():
        for out in stage.get("outs", []):
            assert (project / out["path"]).exists()
    panel = pd.read_parquet(project / "data/trials/panel.parquet")
    assert panel["trial"].nunique() == json.loads((project / "metrics/trials.json").read_text())["n_trials"] == 3
    for name in ("x", "dr"):
        effects = pd.read_parquet(project / f"data/cate/{name}.parquet")
        assert effects[["household_id", "campaign_id"]].equals(panel[["household_id", "campaign_id"]])
        tuned = json.loads((project / f"data/tuning/{name}.json").read_text())
        assert set(tuned["purchase_count"]["settings"]) == {"0", "1", "2"}
    weights = pd.read_csv(project / "plots/stack_weights.csv")
    assert set(weights["learner"]) == {"x", "dr", "constant"}
    totals = weights.groupby(["outcome", "fold"])[["average", "weight"]].sum()
    assert (totals - 1).abs().max(axis=None) < 1e-6
    assert len(pd.read_parquet(project / "data/ensemble/stack.parquet")) == len(panel)
    assert pd.read_csv(project / "plots/effect_tree.csv").groupby("outcome")["n"].sum().eq(len(panel)).all()
    policies = pd.read_csv(project / "plots/policies.csv")
    assert policies["policy"].tolist() == list(POLICIES)
    assert (policies["note"].notna() == policies["profit"].isna()).all()  # a policy that cannot be given says why
    policy = json.loads((project / "metrics/policy.json").read_text())
    curve, peaks = pd.read_csv(project / "plots/roi_curve.csv"), pd.read_csv(project / "plots/roi_learners.csv")
    shown = peaks.set_index("learner").loc[policy["order_shown"]]
    assert policy["profit_peak_share"] == shown["profit_peak_share"] == curve.loc[curve["profit"].idxmax(), "share"]
    assert panel["cut"].any()  # the last campaign outlives the data
    mailing, arms = (pd.read_csv(project / f"data/{name}.csv") for name in ("score/mailing_list", "experiment/assignment"))
    households = pd.read_parquet(project / "data/tables/transactions.parquet")["household_id"].unique()
    assert sorted(mailing["household_id"]) == sorted(households)
    assert mailing[["mail", "propensity", "reason"]].notna().all(axis=None)
    assert arms["household_id"].tolist() == mailing.loc[mailing["cate"].notna(), "household_id"].tolist()
    assert call(project, "git", "status", "--short") == ""


def test_what_a_contact_earned_by_segment_is_what_all_past_rows_say(project):
    policy = json.loads((project / "metrics/policy.json").read_text())
    low, high = yaml.safe_load((project / "params.yaml").read_text())["nuisance"]["overlap"]
    tables = [
        pd.read_parquet(project / f"data/{name}.parquet") for name in ("trials/nuisance", "segments/time_zero", "trials/panel")
    ]
    rows = pd.concat([table.set_index(["household_id", "campaign_id"]) for table in tables], axis=1)
    effect = rows["score1_purchase_amount"] - rows["score0_purchase_amount"]
    rows["earned"] = policy["margin"] * effect - policy["cost"]
    rows = rows[rows["propensity"].between(low, high)]
    by_segment = pd.read_csv(project / "plots/what_if.csv").set_index("segment")["profit"].dropna()
    assert by_segment.tolist() == pytest.approx(rows.groupby("segment")["earned"].mean()[by_segment.index].tolist())


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_agrees_with_the_metrics_to_the_cent(project, browser, width):
    policy = json.loads((project / "metrics/policy.json").read_text())
    table = pd.read_csv(project / "plots/policies.csv").set_index("policy")
    with opened(browser, project / "plots/report/index.html", width) as page:
        page.wait_for_selector("body[data-ready]")
        found = page.evaluate("() => model.at(Number(cost.value), Number(margin.value))")  # where the sliders stand at first
        assert [found["cost"], found["margin"]] == pytest.approx([policy["cost"], policy["margin"]])
        assert page.text_content("#recommendation") == policy["recommendation"].replace("`", "")
        assert found["recommended"] == policy["recommended"]
        for row in found["table"]:
            expected = table.loc[row["policy"]]
            values = [row["profit"][key] for key in ("value", "lower", "upper")]
            wanted = [expected[key] for key in ("profit", "profit_ci_lower", "profit_ci_upper")]
            assert values == pytest.approx(wanted, abs=0.005)
            assert row["contacts"] == expected["n"]
            if row["candidate"]:  # by the run's own draws
                assert row["together"] == pytest.approx(expected["simultaneous_lower"], abs=1e-6)
            shown = page.inner_text(f"tr[data-policy='{row['policy']}'] [data-cell=profit]")
            assert shown.split(" ")[0].replace("$", "").replace(",", "") == f"{expected['profit'] + 0.0:.2f}".replace(
                "-0.00", "0.00"
            )
        assert no_sideways_scroll(page)
        assert serious_faults(page) == []


def test_a_second_run_does_nothing(project):
    assert "Data and pipelines are up to date." in call(project, "dvc", "repro")


@pytest.mark.long
def test_two_clones_give_the_same_bytes_whether_stages_share_a_process_or_not(project, own_folder, tmp_path):
    other = make_project(tmp_path / "clone", own_folder)
    call(other, "dvc", "repro", "--quiet")
    one, two = results(project), results(other)
    assert set(one) == set(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_a_changed_cost_reruns_the_policies_alone(project, cheap):
    assert ran(cheap[0]) == would_run(project, policy={"cost": CHEAP}) == {"policy_tree", "policy", "truth", *AFTER_POLICY}


def test_an_experiment_once_run_is_found_again(project, cheap):
    assert ran(cheap[1]) == set()
    assert "Stage 'policy' is cached" in cheap[1]
    changed = json.loads(call(project, "dvc", "metrics", "diff", "HEAD", "cheap", "--json"))["metrics/summary.json"]["cost"]
    assert changed["new"] == CHEAP


@pytest.mark.long
def test_learned_on_a_sample_everybody_is_valued_and_listed(project):
    before = json.loads((project / "metrics/score.json").read_text())
    call(project, "dvc", "exp", "run", "-S", "sample.households=75")
    panel = pd.read_parquet(project / "data/trials/panel.parquet")
    assert panel.loc[panel["fold"] >= 0, "household_id"].nunique() == 75 < panel["household_id"].nunique()
    explained = pd.read_csv(project / "plots/effect_tree.csv").groupby("outcome")["n"].sum()
    assert (explained == (panel["fold"] >= 0).sum()).all()  # those that were learned from
    found = pd.read_csv(project / "plots/designs.csv").set_index("design")["n"]
    assert found["sequential_trials"] == (panel["fold"] >= 0).sum()
    effects = pd.read_csv(project / "plots/ate.csv")
    both = (effects["se_sampling"] ** 2 + effects["se_learning"] ** 2) ** 0.5
    assert both.to_numpy() == pytest.approx(effects["se"].to_numpy(), rel=1e-6, nan_ok=True)
    for name in ("cate/x", "validate/selected", "policy/assignments"):
        assert len(pd.read_parquet(project / f"data/{name}.parquet")) == len(panel)
    assert json.loads((project / "metrics/score.json").read_text())["n_households"] == before["n_households"]
    assert "Models were learned from a sample of the households" in (project / "plots/report/index.html").read_text()
    restore(project)


@pytest.mark.long
def test_earlier_parameters_run_nothing_again(project):
    """Parameters A, B, A, B: DVC finds the runs of both the second time."""
    for cost, again in ((7, False), (8, False), (7, True), (8, True)):
        output = call(project, "dvc", "exp", "run", "-S", f"policy.cost={cost}")
        assert (ran(output) == set()) == again
        assert ("Stage 'policy' is cached" in output) == again
        assert json.loads((project / "metrics/policy.json").read_text())["cost"] == cost
    restore(project)


@pytest.mark.long
def test_a_cost_by_campaign_or_household(project):
    call(project, "dvc", "exp", "run", "-S", "policy.cost={2:1,4:2,5:4}")
    assert 1 < json.loads((project / "metrics/policy.json").read_text())["cost"] < 4
    restore(project)
    panel = pd.read_parquet(project / "data/trials/panel.parquet")
    costs = pd.DataFrame({"household_id": panel["household_id"].unique()}).assign(postage=3.0)
    costs.to_csv(project / "data/raw/costs.csv", index=False)
    options = ("-S", "policy.table=data/raw/costs.csv", "-S", "policy.cost={column:postage}")
    assert ran(call(project, "dvc", "exp", "run", *options)) == {"policy_tree", "policy", "truth", *AFTER_POLICY}
    assert json.loads((project / "metrics/policy.json").read_text())["cost"] == 3
    (project / "data/raw/costs.csv").unlink()
    restore(project)


def test_a_changed_number_of_segments_reruns_no_trial_or_learner(project):
    assert would_run(project, segmentation={"k": 3}) == {
        "segment",
        "stability",
        "segments_report",
        "segment_effects",
        "policy",
        "truth",
        "score",
        "experiment",
        "monitor",
        "readout",
        "game",
        "report",
    }


@pytest.mark.long
def test_another_number_of_segments_runs_what_it_would(project):
    expected = would_run(project, segmentation={"k": 3})
    assert ran(call(project, "dvc", "exp", "run", "-S", "segmentation.k=3")) == expected
    assert len(pd.read_csv(project / "plots/segments.csv")) == 3
    restore(project)


def test_a_learner_left_out_reruns_no_learner(project):
    assert would_run(project, learners={"names": ["dr"]}) <= {
        "ensemble",
        "validate",
        "explain",
        "forward",
        "segment_effects",
        "policy",
        "truth",
        "fit",
        "predict",
        *AFTER_POLICY,
    }


@pytest.mark.long
def test_one_learner_can_be_left_out(project):
    expected = would_run(project, learners={"names": ["dr"]})
    assert ran(call(project, "dvc", "exp", "run", "--temp", "-S", "learners.names=[dr]")) <= expected


def test_a_queue_completes_and_shows_one_row_per_experiment(project):
    rows = queued(project, 1, "-n", "power", "-S", "experiment.power=0.8,0.9")
    assert [value for value in values(rows, "experiment.power") if value in (0.8, 0.9)] == [0.8, 0.9]
    assert ran(call(project, "dvc", "queue", "logs", "power-2")) == {"experiment", "report"}


@pytest.mark.long
def test_a_queue_completes_with_two_workers(project):
    rows = queued(project, 2, "-S", "policy.cost=2,3", "-S", "policy.learner=x")
    assert [cost for cost in values(rows, "policy.cost") if cost in (2, 3)] == [2, 3]


@pytest.mark.usefixtures("cheap")
def test_roi_curves_of_two_experiments_overlay_with_their_intervals(project, tmp_path):
    call(project, "dvc", "plots", "diff", "HEAD", "cheap", "--targets", "plots/roi_curve.csv", "-o", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    specification = json.loads(re.search(r"var spec = (\{.*?\});\s*vegaEmbed", page, re.DOTALL)[1])
    points = specification["data"]["values"]
    assert {point["rev"] for point in points} == {"HEAD", "cheap"}
    assert {"profit", "profit_ci_lower", "profit_ci_upper"} <= set(points[0])
    assert [layer["mark"]["type"] for layer in specification["layer"]] == ["area", "line", "point", "rule"]
    assert "<DVC_METRIC" not in json.dumps(specification)


def test_a_changed_file_reruns_ingest(project, own_folder):
    path = own_folder / "transaction_data.csv"
    original = path.read_text()
    header, *lines = original.splitlines()
    path.write_text("\n".join([header, *lines[:-5]]) + "\n")
    assert "ingest" in call(project, "dvc", "status")
    path.write_text(original)
    assert "up to date" in call(project, "dvc", "status")


@pytest.mark.long
def test_data_that_are_not_there_stop_an_experiment_with_a_sentence_and_lose_nothing(project):
    before = results(project)
    output = call(project, "dvc", "exp", "run", "-S", "data.path=/no/tills", fails=True)
    assert "settings: data.path is '/no/tills', and nothing is there." in output
    assert "Errno" not in output
    assert {name: content for name, content in before.items() if name != "metrics/settings.json"} == results(project)
    restore(project)


def test_bad_input_stops_with_one_line_and_leaves_nothing_half_written(project, own_folder):
    path = own_folder / "campaign_table.csv"
    original = path.read_text()
    path.write_text(original + "TypeA,5,99\n")
    try:
        output = call(project, sys.executable, "-m", "stages.ingest", fails=True)
        assert output.strip().splitlines()[-1] == (
            "ingest: campaign_table.csv, column CAMPAIGN: 1 row: no such campaign in campaign_desc.csv, for example "
            "CAMPAIGN=99, household_key=5. Correct these rows in the source."
        )
        assert sorted(file.name for file in (project / "data").iterdir() if "part" in file.name) == []
        assert sorted(file.stem for file in (project / "data/tables").iterdir()) == sorted(
            [*SCHEMAS, *HISTORY, "identifiers", "held_out"]
        )
        assert "ERROR: failed to reproduce 'ingest'" in call(project, "dvc", "repro", fails=True)
    finally:
        path.write_text(original)
        restore(project)


@pytest.mark.long
def test_the_same_retailer_by_an_experiment_in_a_temporary_folder(project, folder):
    output = call(
        project, "dvc", "exp", "run", "--temp", "-S", "data=dunnhumby", "-S", f"data.path={folder}", "-S", "policy.cost=4"
    )
    assert "ingest" in ran(output)  # another folder, and the rest follows only where its content differs
    assert ran(output) <= {"ingest", "policy_tree", "policy", "truth", *AFTER_POLICY}
