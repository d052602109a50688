"""The whole pipeline on other sources than the tiny retailer's files, as a user switches to them."""

import json
import shutil
import uuid
from pathlib import Path

import pandas as pd
import pytest

from targeting.policy.policies import POLICIES
from targeting.tables.schemas import OPTIONAL, SCHEMAS
from tests.money import foreign_money
from tests.project import call, make_project, ran

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def fresh(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which nothing has run but `ingest`."""
    made = make_project(tmp_path_factory.mktemp("fresh"), folder)
    call(made, "dvc", "repro", "ingest")
    return made


@pytest.fixture(scope="module")
def tables(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tables, as they are before a test runs on others."""
    return shutil.copytree(fresh / "data/tables", tmp_path_factory.mktemp("tables") / "tables")


def test_a_retailer_without_coupons_demographics_and_promotions(fresh, tables, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    absent = set(OPTIONAL) - {"campaigns", "campaign_targets"}
    for name in set(SCHEMAS) - absent:
        shutil.copy(tables / f"{name}.parquet", own)
    output = call(fresh, "dvc", "exp", "run", "-S", "data=canonical", "-S", f"data.path={own}")
    assert {"ingest", "trials", "policy", "report"} <= ran(output)
    for name in absent:
        assert pd.read_parquet(fresh / f"data/tables/{name}.parquet").empty
    panel = pd.read_parquet(fresh / "data/trials/panel.parquet")
    # What is the same for everybody is no covariate.
    assert not {"x_redemptions", "x_demographics_known", "x_age_from", "x_display_share", "x_mailer_share"} & set(panel)
    assert set(json.loads((fresh / "metrics/trials.json").read_text())["costs"]) == {"per_targeted"}  # nobody redeems
    policies = pd.read_csv(fresh / "plots/policies.csv")
    assert policies["policy"].tolist() == list(POLICIES)
    assert (policies["note"].notna() == policies["profit"].isna()).all()
    assert json.loads((fresh / "metrics/truth.json").read_text()) == {"known": False}
    assert pd.read_csv(fresh / "plots/truth.csv").empty


def test_a_retailer_without_campaigns_gets_segments_and_one_sentence(fresh, tables, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for name in ("transactions", "products"):
        shutil.copy(tables / f"{name}.parquet", own)
    output = call(fresh, "dvc", "exp", "run", "-S", "data=canonical", "-S", f"data.path={own}", "segments_report")
    # Factors and segments go by purchases, which an earlier test has had too.
    assert ran(output) - {"factors", "segment"} == {"ingest", "profile", "stability", "segments_report"}
    page = (fresh / "plots/report/segments.html").read_text()
    assert "These data have no campaigns." in page
    assert "How to bring campaigns" in page
    said = call(fresh, "dvc", "repro", fails=True)
    assert ran(said) == {"trials"}
    assert "trials: These data have no campaigns" in said
    assert "Traceback" not in said


def text_of(household: int) -> str:
    """Its number as retailers write them: a letter in front, leading zeros, a UUID."""
    return [f"A{563_000 + household}", f"{household:05}", str(uuid.uuid5(uuid.NAMESPACE_OID, str(household)))][household % 3]


def test_a_retailer_whose_households_are_text_and_pay_in_euros(fresh, tables, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for name in SCHEMAS:
        table = pd.read_parquet(tables / f"{name}.parquet")
        if "household_id" in table:
            table["household_id"] = table["household_id"].map(text_of)
        if "campaign_id" in table:
            table["campaign_id"] = "Mailing " + table["campaign_id"].astype(str)
        table.to_parquet(own / f"{name}.parquet")
    texts = sorted(pd.read_parquet(own / "transactions.parquet")["household_id"].unique())
    costs = pd.DataFrame({"household_id": texts, "eur": [0.5 + place / 100 for place in range(len(texts))]})
    costs.to_csv(tmp_path / "costs.csv", index=False)
    settings = [
        "data=canonical",
        f"data.path={own}",
        "data.currency=EUR",
        "policy.cost={column:eur}",
        f"policy.table={tmp_path / 'costs.csv'}",
    ]
    call(fresh, "dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting)))

    everybody = dict(enumerate(texts, start=1))  # numbered inside by the order of the texts
    panel = pd.read_parquet(fresh / "data/trials/panel.parquet", columns=["household_id"])
    expected = panel["household_id"].map(everybody).map(costs.set_index("household_id")["eur"])
    assert json.loads((fresh / "metrics/policy.json").read_text())["cost"] == pytest.approx(expected.mean())
    candidates = pd.read_parquet(fresh / "data/score/candidates.parquet")["household_id"].map(everybody)
    listed = pd.read_csv(fresh / "data/score/mailing_list.csv", dtype=str)
    assert listed["household_id"].is_unique
    assert set(listed["household_id"]) <= set(candidates)
    eligible = pd.read_parquet(fresh / "data/score/eligible.parquet")["household_id"].map(everybody)
    assigned = pd.read_csv(fresh / "data/experiment/assignment.csv", dtype=str)
    assert sorted(assigned["household_id"]) == sorted(eligible)
    for page in ("index.html", "game.html"):
        assert foreign_money((fresh / "plots/report" / page).read_text(encoding="utf-8"), "$", "USD") == []
    for name in ("policy", "score", "experiment", "monitor"):
        assert "USD" not in (fresh / f"metrics/{name}.json").read_text(encoding="utf-8")


def test_a_made_up_retailer_is_held_against_its_truth(fresh):
    call(fresh, "dvc", "exp", "run", "-S", "data=simulated", "-S", "data.households=200", "-S", "data.weeks=36")
    truth, table = json.loads((fresh / "metrics/truth.json").read_text()), pd.read_csv(fresh / "plots/truth.csv")
    assert truth["known"] is True
    assert truth["regret"] == pytest.approx(truth["profit_oracle"] - truth["profit_recommended"])
    assert truth["profit_oracle"] >= max(value for name, value in truth.items() if name.startswith("profit_"))
    valued = pd.read_csv(fresh / "plots/policies.csv").dropna(subset="profit")["policy"].tolist()  # without a budget none of it
    assert table.loc[table["what"] == "policy", "name"].tolist() == [*valued, "oracle"]
    assert set(table.loc[table["what"] == "learner", "name"]) == {"x", "dr", "average", "stack", "selected"}
    unknown = (table["what"] != "learner") & table["truth"].isna()
    assert set(table.loc[unknown, "name"]) == {"owate"}  # whose households depend on how noisy their spend is
