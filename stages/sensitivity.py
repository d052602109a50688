"""Ask how strong a confounder that nobody measured would have to be to explain the effect away.

Reads the panel and the nuisances; writes the analyses with readings in words, the contour of the omitted-variable analysis, and
what confounders as strong as measured covariates would make of the estimate.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import EARLIER, outcomes_of
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.estimators import effect_data
from targeting.figures.effects import contour_chart
from targeting.nuisance.overlap import comparable
from targeting.robustness.hidden_confounder import benchmark_shares
from targeting.robustness.sensitivity_table import confounders, contour, covariate_groups, sensitivity
from targeting.stats.folds import in_sample
from targeting.stats.resampling import by_lot
from targeting.trials.panel import covariate_names, require_aligned
from targeting.words.money import speak_in

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
CONFOUNDERS = Path("data/sensitivity/confounders.csv")
SENSITIVITY = Path("plots/sensitivity.csv")
BENCHMARKS = Path("plots/sensitivity_benchmarks.csv")
CONTOUR = Path("plots/sensitivity_contour.csv")
PICTURE = Path("plots/sensitivity.png")
METRICS = Path("metrics/sensitivity.json")


def main() -> None:
    params = load_params("data", "nuisance", "sample", "seed")
    speak_in(params["data"]["currency"])
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    # Of the marginal sensitivity model, whose bootstrap draws resort all rows.
    overlap = comparable(panel, nuisance["propensity"], params["nuisance"]["overlap"])
    overlap &= by_lot(panel["household_id"], params["sample"]["checks"], params["seed"])
    covariates = panel[covariate_names(panel)]
    sample = in_sample(panel["fold"])  # enough for a yardstick
    groups = covariate_groups(list(covariates.columns), tills=any(name.startswith(EARLIER) for name in panel))

    tables, yardsticks, contours, metrics = [], [], [], {}
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        learned = data.subset(sample)
        shares = benchmark_shares(covariates[sample], learned.outcome, learned.treated, groups)
        found = sensitivity(data, data.subset(overlap), shares, outcome, params["seed"])
        tables.append(found.table)
        yardsticks.append(shares.assign(outcome=outcome))
        contours.append(contour(found.omitted).assign(outcome=outcome))
        values = found.table.dropna(subset=["value"]).set_index(["analysis", "setting"])["value"]
        metrics[outcome] = {
            "e_value": values["e_value", "overlap-weighted estimate"],
            "e_value_interval": values["e_value", "its 95% interval"],
            "robustness_value": values["robustness_value", "partially linear estimate"],
            "robustness_value_interval": values["robustness_value", "its 95% interval"],
            "turning_point": found.turning_point,
        }
    table = pd.concat(tables, ignore_index=True)
    write_metrics(metrics, METRICS)
    write_csv(confounders(table), CONFOUNDERS)
    write_csv(table, SENSITIVITY)
    write_csv(pd.concat(yardsticks, ignore_index=True), BENCHMARKS)
    write_csv(pd.concat(contours, ignore_index=True), CONTOUR)
    write_figure(contour_chart(contours[0], yardsticks[0], outcomes_of(panel.columns)[0]), PICTURE)


if __name__ == "__main__":
    run("sensitivity", main)
