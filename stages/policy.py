"""Decide whom each policy would contact, and value every policy off-policy.

Reads the panel's arms, the nuisances' scores and the chosen effects; writes every policy's decision, one row a row of the panel.
"""

from pathlib import Path

import pandas as pd

from targeting.outputs import write_csv, write_metrics, write_parquet
from targeting.overlap import in_overlap
from targeting.panel import KEYS, require_aligned
from targeting.params import load_params
from targeting.policies import PolicyData, assign
from targeting.policy_value import Economics, Evidence, recommend, roi_curve, value_table
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
SELECTED = Path("data/validate/selected.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
POLICIES = Path("plots/policies.csv")
CURVE = Path("plots/roi_curve.csv")
METRICS = Path("metrics/policy.json")


def main() -> None:
    params = load_params("policy", "nuisance")
    settings = params["policy"]
    economics = Economics(settings["cost"], settings["margin"])
    outcome, learner = settings["outcome"], settings["learner"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "treated", outcome])
    nuisance = pd.read_parquet(NUISANCE)
    effects = pd.read_parquet(SELECTED if learner == "selected" else EFFECTS / f"{learner}.parquet")
    require_aligned(panel, nuisance, str(NUISANCE))
    require_aligned(panel, effects, f"the effects of {learner}")

    cate, overlap = effects[f"cate_{outcome}"].to_numpy(), in_overlap(nuisance["propensity"], params["nuisance"]["overlap"])
    evidence = Evidence(
        score0=nuisance[f"score0_{outcome}"].to_numpy(),
        score1=nuisance[f"score1_{outcome}"].to_numpy(),
        outcome=panel[outcome].to_numpy(dtype=float),
        treated=panel["treated"].to_numpy(dtype=float),
        household_id=panel["household_id"].to_numpy(),
        overlap=overlap,
    )
    decisions = assign(PolicyData(cate, overlap, evidence.treated, economics.breakeven))
    table = value_table(decisions, cate, evidence, economics)
    curve = roi_curve(cate, evidence, economics)

    recommended = recommend(table)
    by_policy = table.set_index("policy")
    interval = ["profit", "profit_ci_lower", "profit_ci_upper"]
    metrics = {
        "cost": economics.cost,
        "margin": economics.margin,
        "breakeven": economics.breakeven,
        "recommended": recommended,
        **by_policy.loc[recommended, ["share", *interval, "optimism"]].to_dict(),
        **by_policy.loc["breakeven", interval].add_prefix("breakeven_").to_dict(),
        **by_policy.loc["all", interval].add_prefix("all_").to_dict(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(pd.concat([panel[KEYS], pd.Series(cate, name="cate"), decisions.astype("int8")], axis=1), ASSIGNMENTS)
    write_csv(table, POLICIES)
    write_csv(curve, CURVE)


if __name__ == "__main__":
    run("policy", main)
