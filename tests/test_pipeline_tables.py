"""The whole pipeline on a table of customers, from its YAML to the report, the game and the list."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.project import call, make_project, ran
from tests.tables_of_customers import TABLE, email_test

pytestmark = pytest.mark.long
WITHOUT_TILLS = ("profile", "factors", "segment", "stability", "segments_report")


@pytest.fixture(scope="module")
def fresh(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which nothing has run."""
    return make_project(tmp_path_factory.mktemp("fresh"), folder)


def bring(project: Path, name: str, rows: pd.DataFrame, cost: float = 1.5, **table: object) -> str:
    """Save the table, name its columns in a YAML of that name, and run all that follows; what DVC said."""
    path = project / f"{name}.csv"
    rows.assign(customer_id=[f"C-{number:04}" for number in rows["customer_id"]]).to_csv(path, index=False)
    own = {key: value for key, value in {**TABLE, "segment": "channel", **table}.items() if value is not None}
    section = {"source": "panel", "path": str(path), "first_day": None, "currency": "USD", "table": own}
    (project / f"conf/data/{name}.yaml").write_text(yaml.safe_dump(section))
    return call(project, "dvc", "exp", "run", "-S", f"data={name}", "-S", f"policy.cost={cost}")


def page_of(project: Path, name: str) -> str:
    return (project / f"plots/report/{name}.html").read_text(encoding="utf-8")


def test_an_experiment_from_its_table_to_the_list(fresh):
    output = bring(fresh, "email", email_test(600))
    assert {"ingest", "trials", "nuisance", "policy", "score", "game", "report"} <= ran(output)
    for stage in WITHOUT_TILLS:
        assert f"{stage}: left out, as the data are a table of customers without receipts" in output
        assert "left_out" in json.loads((fresh / f"metrics/{stage}.json").read_text())
    nuisance, policy = (json.loads((fresh / f"metrics/{name}.json").read_text()) for name in ("nuisance", "policy"))
    assert nuisance["answers"] == "everybody"
    assert (pd.read_parquet(fresh / "data/trials/nuisance.parquet")["propensity"] == 0.5).all()
    # A contact on the web brings 20 at a margin of 30%, and costs 1.50: the others bring nothing.
    assert policy["recommended"] != "none"
    listed = pd.read_csv(fresh / "data/score/mailing_list.csv")
    assert listed["household_id"].str.fullmatch(r"C-\d{4}").all()
    assert len(listed) == 600
    assert listed.groupby("segment")["mail"].mean().idxmax() == "Web"
    effects = pd.read_csv(fresh / "plots/segment_effects.csv").set_index(["outcome", "name"])["ato"]
    assert effects["purchase_amount", "Web"] == pytest.approx(20, abs=4)
    assert "customers" in policy["recommendation"]
    assert "household" not in policy["recommendation"]
    # Models read the table's numbers in units of their own; people read the table's.
    rules = " ".join(pd.read_csv(fresh / "plots/effect_tree.csv")["rule"])
    assert max(float(cut) for cut in re.findall(r"history (?:<=|>) (\S+)", rules)) > 30
    averages = [float(mean) for mean in re.findall(r"On average history ([\d.]+)\.", page_of(fresh, "game"))]
    assert averages == pytest.approx([100.0] * 3, rel=0.25)
    report = page_of(fresh, "index")
    assert "Lots with known chances decided who was mailed" in report
    assert "Who the customers are" not in report
    assert "Web" in page_of(fresh, "game")
    assert "segments_silhouette" not in json.loads((fresh / "metrics/summary.json").read_text())


def test_customers_that_were_chosen_and_only_visits_known(fresh):
    rows = email_test(700, seed=1, chosen=True).drop(columns="spend")
    path = fresh / "conf/policy/default.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"outcome": "visits", "margin": 12.0}))
    bring(fresh, "chosen", rows, outcomes={"visits": "visit"}, propensity=None, segment=None)
    assert json.loads((fresh / "metrics/nuisance.json").read_text())["propensity_auc"] > 0.6
    assert pd.read_csv(fresh / "plots/ate.csv")["outcome"].unique().tolist() == ["visits"]
    report = page_of(fresh, "index")
    assert "Nobody was mailed by lot" in report
    assert "Effect on visits per customer" in report
    shown = re.sub(r"<script.*?</script>", "", report + page_of(fresh, "game"), flags=re.DOTALL)
    # Columns and parameters are called what they are: whoever reads them has to type them.
    assert "household" not in re.sub(r"household_id|[a-z]+\.households", "", shown.lower())
