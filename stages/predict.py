"""Predict the next campaign's effect on every eligible household, and try the same on the last campaign, whose outcome is known.

Reads the panel, the candidates and what was chosen; writes effects and propensities of the eligible candidates, and those of the
last campaign's rows from the campaigns before it (`backtest`), which has no rows where there is one campaign.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.outputs import write_metrics, write_parquet
from targeting.panel import KEYS, OUTCOMES
from targeting.params import load_params
from targeting.prediction import outside_range, predict_effects, predict_propensity
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("plots/nuisance_models.csv")
VALIDATION = Path("metrics/validate.json")
PREDICTIONS = Path("data/score/predictions.parquet")
BACKTEST = Path("data/score/backtest.parquet")
METRICS = Path("metrics/predict.json")


def main() -> None:
    params = load_params("policy", "nuisance", "seed")
    panel, candidates = pd.read_parquet(PANEL), pd.read_parquet(CANDIDATES)
    chosen = json.loads(VALIDATION.read_text(encoding="utf-8"))["selected"]
    learner = chosen if params["policy"]["learner"] == "selected" else params["policy"]["learner"]
    weights = pd.read_csv(MODELS).query("nuisance == 'propensity'")
    stack = (weights["model"].tolist(), weights["weight"].tolist(), params["nuisance"]["clip"], params["seed"])

    def predict(learn: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
        table = pd.DataFrame({"propensity": predict_propensity(learn, households, *stack)}, index=households.index)
        for outcome in OUTCOMES:
            effects = predict_effects(learn, households, learner, outcome, params["seed"])
            table[[f"cate_{outcome}", f"lower_{outcome}", f"upper_{outcome}"]] = list(
                zip(effects.cate, effects.lower, effects.upper, strict=True)
            )
        return table

    eligible = candidates[candidates["has_history"] & ~candidates["targeted_before"]].reset_index(drop=True)
    predictions = eligible[["household_id"]].assign(outside_range=outside_range(panel, eligible))
    predictions = pd.concat([predictions, predict(panel, eligible)], axis=1)
    last = panel["trial"] == panel["trial"].max()
    backtest = panel.loc[last & (panel["trial"] > panel["trial"].min()), KEYS]
    if len(backtest):
        backtest = pd.concat([backtest, predict(panel[~last], panel[last])], axis=1)

    metrics = {
        "learner": learner,
        "n": len(predictions),
        "n_outside_range": (predictions["outside_range"] != "").sum(),
        "mean_cate": predictions["cate_purchase_amount"].mean(),
        "sd_cate": predictions["cate_purchase_amount"].std(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(predictions, PREDICTIONS)
    write_parquet(backtest.reset_index(drop=True), BACKTEST)


if __name__ == "__main__":
    run("predict", main)
