"""Once round the loop with a made-up retailer: a list by lot, the campaign, its lots given back, and the readout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stages.ingest
import stages.trials
from scripts.compose_params import compose
from scripts.play_campaign import SETTINGS, mailed_by, play
from targeting.campaign.exploration import draw
from targeting.campaign.readout import ProfitTerms, read_out
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks

SMALL = replace(SETTINGS, households=300)
TERMS = ProfitTerms("purchase_amount", cost=12.73, margin=0.3, prudence=0.5, effect_spread=0.1)


def run(project: Path, shop: Path, lots: Path | None, design: str = "sequential_trials") -> pd.DataFrame:
    """The panel of the retailer in `shop`, with these lots given back."""
    given = "null" if lots is None else f"[{lots}]"
    compose(project / "params.yaml", ["data=canonical", f"data.path={shop}", f"data.assignments={given}", f"design={design}"])
    stages.ingest.main()
    stages.trials.main()
    return pd.read_parquet(project / "data" / "trials" / "panel.parquet")


def tables(project: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project / "data" / "tables").iterdir()}


@pytest.mark.long
def test_lots_given_back_are_a_trial_that_finds_the_truth(project_folder, tmp_path):
    shop, lots = tmp_path / "shop", tmp_path / "list.csv"
    play(shop, {}, SMALL)
    before = run(project_folder, shop, None)
    assert (before["by_lot"] == 0).all()
    candidates = pd.read_parquet(project_folder / "data" / "score" / "candidates.parquet")
    eligible = candidates.loc[candidates["has_history"] & ~candidates["targeted_before"], "household_id"]
    number = int(pd.read_csv(shop / "campaigns.csv")["campaign_id"].max()) + 1
    chance = np.where(eligible % 3 == 0, 0.3, 0.6)
    listed = pd.DataFrame({"campaign_id": number, "household_id": eligible, "propensity": chance, "in_overlap": 1})
    listed.assign(mail=draw(chance, eligible, seed=1)).to_csv(lots, index=False)

    world = play(shop, dict([mailed_by(lots)]), SMALL)
    forgotten = run(project_folder, shop, None)
    observed = tables(project_folder)
    panel = run(project_folder, shop, lots)
    # Lots change who is in the campaign's trial, and nothing that other stages read.
    assert tables(project_folder) == observed
    assert (forgotten["by_lot"] == 0).all()
    own = panel[panel["campaign_id"] == number]
    assert own["household_id"].tolist() == sorted(eligible)
    assert own["known_propensity"].tolist() == listed.sort_values("household_id")["propensity"].tolist()
    alone = run(project_folder, shop, lots, "by_lot")
    assert alone[["household_id", "treated", "purchase_amount"]].equals(
        own[["household_id", "treated", "purchase_amount"]].reset_index(drop=True)
    )
    earlier = panel[panel["campaign_id"] != number]
    pd.testing.assert_frame_equal(
        earlier[["household_id", "purchase_amount", "treated"]], before[["household_id", "purchase_amount", "treated"]]
    )

    nuisance = nuisance_table(panel, cross_fit(nuisance_tasks(panel), panel, ["linear"], 3, 1, 1)[0], 0.01)
    assert nuisance.loc[panel["by_lot"] == 1, "propensity"].tolist() == own["known_propensity"].tolist()
    assignments, targets = (
        pd.read_parquet(project_folder / "data" / name)
        for name in ("lots/assignments.parquet", "tables/campaign_targets.parquet")
    )
    found = read_out(panel, nuisance, np.repeat("all alike", len(panel)), assignments, targets, TERMS, 1)
    table = found.table[(found.table["segment"] == "all") & found.table["adjusted"]].set_index(["evidence", "outcome"])
    truth = world.truth[(world.truth["campaign_id"] == number) & world.truth["household_id"].isin(eligible)]
    for evidence in ("lots", "both"):
        for outcome in ("purchase_amount", "purchase_count"):
            row = table.loc[(evidence, outcome)]
            assert abs(row["estimate"] - truth[f"effect_{outcome}"].mean()) < 3 * row["se"], (evidence, outcome)
    assert found.campaigns[number]["n_not_reached"] == 0
    assert found.campaigns[number]["srm_p"] > 0.001
