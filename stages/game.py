"""Build the coupon game: a page on which people pick whom to mail, and see what the data say it would have earned.

Reads what the policies saw and decided, and the truth where the source is made up: nothing that estimates or decides reads this
stage. Writes one page that needs nothing else.
"""

import pandas as pd

from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.pages.game_of_run import GameInputs, game_of_run
from targeting.policy.economics import economics_of_rows
from targeting.trials.panel import read_aligned
from targeting.trials.units import in_own_units
from targeting.validation.truth import truth_of_rows
from targeting.words.money import speak_in

METRICS = {"nuisance": "metrics/nuisance.json", "validate": "metrics/validate.json", "policy": "metrics/policy.json"}


def main() -> None:
    params = load_params("data", "policy", "design", "seed")
    speak_in(params["data"]["currency"])
    panel, units = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/units.parquet")
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")

    played = GameInputs(
        panel=in_own_units(panel, units),
        nuisance=read_aligned(panel, "data/trials/nuisance.parquet"),
        segments=read_aligned(panel, "data/segments/time_zero.parquet"),
        assignments=read_aligned(panel, "data/policy/assignments.parquet"),
        seen=read_aligned(panel, "data/policy/evidence.parquet"),
        economics=economics_of_rows(params, caused, panel, key),
        truth=truth_of_rows(panel, pd.read_parquet("data/truth/truth.parquet")),
    )
    page, metrics = game_of_run(played, {name: read_metrics(path) for name, path in METRICS.items()}, params)

    write_outputs({"metrics/game.json": metrics, "plots/report/game.html": page})


if __name__ == "__main__":
    run("game", main)
