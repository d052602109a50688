"""Once round the loop as its user goes: every stage by DVC, the list that it wrote, the campaign, its lots, the next list."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scripts.play_campaign import SETTINGS, mailed_by, play
from tests.project import call, make_project, ran

SHOP = replace(SETTINGS, households=400)
# What lots of a campaign change nothing of: who shops how. (`segments_report` reads the counts of `ingest`, lots among them.)
OF_TILLS = {"profile", "factors", "segment", "stability"}


def repro(project: Path, shop: Path, *overrides: str) -> set[str]:
    """The stages that ran, with the retailer in `shop` and a list that leaves half to the lot."""
    given = ("data=canonical", f"data.path={shop}", "experiment.epsilon=0.5", *overrides)
    call(project, sys.executable, "-m", "scripts.compose_params", *given)
    return ran(call(project, sys.executable, "-m", "scripts.one_process"))


def metrics(project: Path, stage: str) -> dict:
    return json.loads((project / "metrics" / f"{stage}.json").read_text())


@pytest.mark.long
def test_a_list_that_comes_back_is_read_and_draws_the_next(tmp_path):
    shop, kept = tmp_path / "shop", tmp_path / "list.csv"
    play(shop, {}, SHOP)
    project = make_project(tmp_path / "project", shop)
    repro(project, shop)
    shutil.copy(project / "data" / "score" / "mailing_list.csv", kept)
    number, mailed = mailed_by(kept)

    world = play(shop, {number: mailed}, SHOP)
    later = tmp_path / "later"
    shutil.copytree(shop, later)  # DVC sees that a folder has other files by its name
    repro(project, later)
    assert metrics(project, "readout")["campaigns"] == {}
    assert metrics(project, "policy")["evidence"] == "observed"

    run = repro(project, later, f"data.assignments=[{kept}]")
    assert {"ingest", "trials", "readout", "policy", "score", "report"} <= run
    assert not run & OF_TILLS
    assert metrics(project, "policy")["evidence"] == "both"
    table = pd.read_csv(project / "plots" / "readout.csv", dtype={"campaign_id": str})
    whole = table[(table["campaign_id"] == str(number)) & (table["segment"] == "all") & table["adjusted"]]
    listed = pd.read_csv(kept)
    drawn = listed.loc[listed["propensity"].between(0, 1, inclusive="neither"), "household_id"]
    truth = world.truth[(world.truth["campaign_id"] == number) & world.truth["household_id"].isin(drawn)]
    for evidence in ("lots", "both"):
        row = whole[(whole["evidence"] == evidence) & (whole["outcome"] == "purchase_amount")].iloc[0]
        # Three standard errors: this is one draw.
        assert abs(row["estimate"] - truth["effect_purchase_amount"].mean()) < 3 * row["se"], evidence
    assert "households were to be mailed" in " ".join(metrics(project, "readout")["words"][str(number)])

    after = pd.read_csv(project / "data" / "score" / "mailing_list.csv")
    assert set(after["campaign_id"]) == {pd.read_csv(later / "campaigns.csv")["campaign_id"].max() + 1}
    assert f"Campaign {number}" in (project / "plots" / "report" / "index.html").read_text()
    assert repro(project, later, f"data.assignments=[{kept}]") == set()
