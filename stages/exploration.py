"""What mailing partly by lot would cost now, and what it would teach for later.

Reads the panel, the nuisances, the recommended policy's decisions and what values them; writes cost and gain by how much is left
to the lot, and successive campaigns in a made-up world with a known truth, with and without exploration.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.exploration import World, exploration_table, simulate_campaigns
from targeting.nuisance.cross_fit import observed_arm
from targeting.policy.economics import Economics
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
POLICY = Path("metrics/policy.json")
TABLE = Path("plots/exploration.csv")
CAMPAIGNS = Path("plots/exploration_campaigns.csv")
METRICS = Path("metrics/exploration.json")
SIMULATED_EPSILONS, N_CAMPAIGNS, N_WORLDS = (0.0, 0.1, 0.3), 6, 100


def main() -> None:
    params = load_params("policy", "seed")
    outcome = params["policy"]["outcome"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "treated", outcome])
    nuisance, assignments, evidence = (pd.read_parquet(path) for path in (NUISANCE, ASSIGNMENTS, EVIDENCE))
    for rows, path in ((nuisance, NUISANCE), (assignments, ASSIGNMENTS), (evidence, EVIDENCE)):
        require_aligned(panel, rows, str(path))
    policy = json.loads(POLICY.read_text(encoding="utf-8"))

    residual = panel[outcome] - observed_arm(panel["treated"], nuisance[f"mu0_{outcome}"], nuisance[f"mu1_{outcome}"])
    table = exploration_table(
        assignments[policy["recommended"]],
        evidence["cate"],
        evidence["score"],
        panel["household_id"],
        evidence["overlap"].to_numpy(),
        Economics(evidence["cost"].to_numpy(), evidence["margin"].to_numpy()),
        float(residual.std()),
    )
    worlds = [
        simulate_campaigns(World(), epsilon, N_CAMPAIGNS, params["seed"] + number).assign(epsilon=epsilon)
        for epsilon in SIMULATED_EPSILONS
        for number in range(N_WORLDS)
    ]
    campaigns = pd.concat(worlds).groupby(["epsilon", "campaign"], as_index=False).mean()

    tenth = table[(table["method"] == "epsilon_greedy") & np.isclose(table["setting"], 0.1)].iloc[0]
    last = campaigns[campaigns["campaign"] == N_CAMPAIGNS].set_index("epsilon")
    shown = [f"{part}{end}" for part in ("given_up", "given_up_inside") for end in ("", "_ci_lower", "_ci_upper")]
    metrics = {
        **tenth[[*shown, "ess_mailed", "half_width"]].add_suffix("_epsilon_10"),
        "simulated_half_width_without": last.loc[0.0, "half_width"],
        "simulated_half_width_epsilon_10": last.loc[0.1, "half_width"],
    }
    write_metrics(metrics, METRICS)
    write_csv(table, TABLE)
    write_csv(campaigns, CAMPAIGNS)


if __name__ == "__main__":
    run("exploration", main)
