"""Design the experiment that would settle what the campaign does: how large, how long, and who is mailed.

Reads the panel, the nuisances, the next campaign's eligible households and the economics; writes the arms, drawn by lot.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.experiment import (
    Comparison,
    adjustment_r2,
    arms_by_stratum,
    assign_arms,
    in_words,
    outcome_spread,
    power_table,
)
from targeting.campaign.mailing import UNITS, spreadsheet_safe
from targeting.figures.experiment import power_chart
from targeting.nuisance.cross_fit import observed_arm
from targeting.stats.estimates import Z
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
ELIGIBLE = Path("data/score/eligible.parquet")
POLICY = Path("metrics/policy.json")
ASSIGNMENT = Path("data/experiment/assignment.csv")
POWER = Path("plots/power.csv")
TRIALS = Path("plots/experiment_trials.csv")
STRATA = Path("plots/experiment_strata.csv")
PICTURE = Path("plots/power.png")
METRICS = Path("metrics/experiment.json")


def comparisons(rows: pd.DataFrame, sd: float | None, alpha: float) -> tuple[Comparison, Comparison]:
    """The comparison without and with adjustment, as these rows (outcome, predicted, trial, treated) let expect it."""
    groups = (rows["trial"], rows["treated"])
    spread = sd or outcome_spread(rows["outcome"], groups)
    return Comparison(spread, alpha), Comparison(spread, alpha, adjustment_r2(rows["outcome"], rows["predicted"], groups))


def sizes(plain: Comparison, adjusted: Comparison, effect: float, power: float) -> dict[str, Any]:
    """What both comparisons need, under the names of metrics/experiment.json."""
    n, n_adjusted = plain.households(effect, power), adjusted.households(effect, power)
    return {"sd": plain.sd, "n_per_arm": n, "n_total": 2 * n, "r2": adjusted.r2, "n_total_adjusted": 2 * n_adjusted}


def main() -> None:
    params = load_params("policy", "experiment", "seed")
    settings, outcome = params["experiment"], params["policy"]["outcome"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "trial", "treated", outcome])
    nuisance, eligible = pd.read_parquet(NUISANCE), pd.read_parquet(ELIGIBLE)
    require_aligned(panel, nuisance, str(NUISANCE))
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    effect, power = settings["effect"] or policy["breakeven"], settings["power"]
    if effect <= 0:
        raise DataError("Breakeven is 0 at no cost, and no experiment finds an effect of 0: set experiment.effect.")

    # How large
    rows = panel.rename(columns={outcome: "outcome"})
    rows["predicted"] = observed_arm(panel["treated"], nuisance[f"mu0_{outcome}"], nuisance[f"mu1_{outcome}"])
    plain, adjusted = comparisons(rows, settings["sd"], settings["alpha"])
    needed = sizes(plain, adjusted, effect, power)

    # Who, and how long
    arms = assign_arms(
        eligible.assign(segment=eligible["segment"].map(spreadsheet_safe)),
        settings["strata"],
        settings["households"],
        params["seed"],
    )
    n = len(arms)
    by_trial = pd.DataFrame(
        {"campaign_id": campaign, "n_eligible": len(own)}
        | sizes(*comparisons(own, settings["sd"], settings["alpha"]), effect, power)
        for campaign, own in rows.groupby("campaign_id", sort=False)
    )
    by_trial["campaigns"] = by_trial["n_total"] / by_trial["n_eligible"]
    by_trial["campaigns_adjusted"] = by_trial["n_total_adjusted"] / by_trial["n_eligible"]
    totals = np.unique(np.append(np.linspace(20, 1.2 * max(needed["n_total"], n), 60).astype(int), n))
    curve = power_table(plain, adjusted, effect, power, totals.tolist())

    cost = policy["cost"] * (arms["arm"] == "treated").sum()
    detectable = adjusted.detectable(power, n / 2)
    metrics = {
        "effect": effect,
        **needed,
        "n_eligible": len(eligible),
        "n_assigned": n,
        "campaigns": needed["n_total"] / len(eligible),
        "campaigns_adjusted": needed["n_total_adjusted"] / len(eligible),
        "power_assigned": float(plain.power(effect, n / 2)),
        "power_assigned_adjusted": float(adjusted.power(effect, n / 2)),
        "detectable": plain.detectable(power, n / 2),
        "detectable_adjusted": detectable,
        "half_width_adjusted": Z * adjusted.residual_sd * np.sqrt(4 / n),
        "cost_usd": cost,
        "words": in_words(effect, UNITS[outcome], power, needed["n_total"], needed["n_total_adjusted"], n, detectable, cost),
    }
    write_metrics(metrics, METRICS)
    write_csv(arms, ASSIGNMENT)
    write_csv(curve, POWER)
    write_csv(by_trial, TRIALS)
    write_csv(arms_by_stratum(arms), STRATA)
    write_figure(power_chart(curve, effect, UNITS[outcome], power, n), PICTURE)


if __name__ == "__main__":
    run("experiment", main)
