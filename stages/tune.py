"""Search for one learner's settings, by the R-loss of out-of-fold effects, and say whether the search beats the defaults.

Reads the panel and the nuisances; writes the settings of every outcome and held-out fold. A search that was interrupted goes on
where it stopped: its finished trials are in a folder of its own, which is no output and may be deleted at any time. Where the
sample has more than sample.tuning households, it searches on so many of them, and the settings serve all.
"""

import argparse
from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.parallel import in_processes
from targeting.base.params import load_params
from targeting.base.progress import track
from targeting.base.stage import run
from targeting.figures.tuning import tuning_chart
from targeting.learners.data import outcome_data
from targeting.learners.registry import find_learner
from targeting.learners.tuning import default_losses, importances, search, search_history, study_key, summary, tuned
from targeting.stats.folds import in_sample
from targeting.stats.resampling import by_lot

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
INNER = Path("data/trials/inner_nuisance.parquet")
SETTINGS = "data/tuning/{learner}.json"
HISTORY = "plots/tuning_{learner}.csv"
IMPORTANCE = "plots/tuning_importance_{learner}.csv"
PICTURE = "plots/tuning_{learner}.png"
METRICS = "metrics/tune_{learner}.json"
STUDIES = Path(".studies")
# Trials between two looks at the clock: outcomes run at once, and wait for each other this often.
STEP = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learner", required=True, help="a name in learners.names")
    name = parser.parse_args().learner
    params = load_params("learners", "sample", "seed")
    trials, seed = params["learners"]["trials"], params["seed"]
    learner = find_learner(name, params["learners"]["models"])
    panel, nuisance, inner = (pd.read_parquet(path) for path in (PANEL, NUISANCE, INNER))
    learned = in_sample(panel["fold"])
    panel, nuisance = (table[learned].reset_index(drop=True) for table in (panel, nuisance))
    kept = by_lot(panel["household_id"], params["sample"]["tuning"], seed)
    panel, nuisance = (table[kept].reset_index(drop=True) for table in (panel, nuisance))
    inner = inner[inner["household_id"].isin(panel["household_id"])]
    outcomes = outcomes_of(panel.columns)
    data = {outcome: outcome_data(panel, nuisance, inner, outcome) for outcome in outcomes}

    losses = dict(zip(outcomes, in_processes(default_losses, [(data[o], learner, seed) for o in outcomes]), strict=True))
    keys = {outcome: study_key(data[outcome], learner, losses[outcome], seed) for outcome in outcomes}
    paths = {outcome: STUDIES / f"{name}_{outcome}_{keys[outcome]}.log" for outcome in outcomes}
    for done in track(range(0, trials, STEP), f"Tuning {name}"):
        upto = min(done + STEP, trials)
        list(in_processes(search, [(data[outcome], learner, upto, seed, paths[outcome]) for outcome in outcomes]))

    results = {outcome: tuned(learner, losses[outcome], paths[outcome], trials) for outcome in outcomes}
    summaries = {outcome: summary(results[outcome]) for outcome in outcomes}
    past = pd.concat([search_history(paths[outcome], trials).assign(outcome=outcome) for outcome in outcomes], ignore_index=True)
    shares = pd.concat(
        [importances(paths[outcome], learner.ranges, trials).assign(outcome=outcome) for outcome in outcomes], ignore_index=True
    )
    write_metrics(summaries, Path(METRICS.format(learner=name)))
    settings = {o: {**summaries[o], "settings": dict(zip(data[o].numbers, results[o].by_fold(), strict=True))} for o in outcomes}
    write_metrics(settings, Path(SETTINGS.format(learner=name)))
    write_csv(past, Path(HISTORY.format(learner=name)))
    write_csv(shares, Path(IMPORTANCE.format(learner=name)))
    write_figure(tuning_chart(past, shares, summaries, name), Path(PICTURE.format(learner=name)))


if __name__ == "__main__":
    run("tune", main)
