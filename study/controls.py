"""Hidden reasons to mail on whole made-up retailers: do weeks after a campaign find them, and what does allowing for them earn?

`python -m study.controls [--worlds N]`; `make study` runs this. Each retailer's result is kept as those of `study.run` are.
"""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from study.estimate import fit_nuisances, one_process, world_seed
from study.retailer import OUTCOME, SECTIONS, SOURCE, Params, applied_profit, economics_of, laid_out
from study.retailers import WEEKS
from study.run import FOLDER, side_by_side
from study.summary import with_share_error
from targeting.base.outputs import write_csv
from targeting.base.params import load_params
from targeting.effects.after_campaign import after_campaign, calibrate
from targeting.nuisance.overlap import overlap_verdict, positivity
from targeting.policy.decide import PolicyInputs, choose_policy
from targeting.policy.value import profits
from targeting.sources.simulated import as_tables
from targeting.sources.simulation.world import RetailerSettings, simulate
from targeting.stats.estimates import Estimate
from targeting.tables.engine import connect
from targeting.trials.panel import covariate_names

Vector = NDArray[np.float64]
CONTROLS = Path("study/controls.csv")
# What a standard deviation of visits to come adds to the log odds of being mailed, and what part of its weekly effect a campaign
# keeps once it is over, as an effect that lasts looks like a hidden reason.
REASONS = ((0.0, 0.0), (0.3, 0.0), (1.0, 0.0), (0.0, 0.5), (0.0, 1.0))
CASES = [(effect, *reason) for effect in ("heterogeneous", "constant") for reason in REASONS]
CASES = [("none", hidden, lasting) for hidden, lasting in REASONS if not lasting] + CASES
HOUSEHOLDS, OVERLAP = 1200, "good"
N_RETAILERS = 24
FIRST = 400  # by number: no choice of method was settled on these retailers
CASE = ["effect", "hidden", "lasting"]


def main() -> None:
    """Judge the retailers of every effect and reason, and write their summary."""
    parser = argparse.ArgumentParser(description="Look for hidden reasons to mail where it is known whether there are any.")
    parser.add_argument("--worlds", type=int, default=N_RETAILERS, help="retailers per effect and reason (default: %(default)s)")
    most = parser.parse_args().worlds
    write_csv(control_summary(run(FOLDER, most, HOUSEHOLDS, WEEKS, load_params(*SECTIONS))), CONTROLS)


def run(folder: Path, n_retailers: int, households: int, weeks: int, params: dict[str, Any]) -> pd.DataFrame:
    """One row per retailer: see `judge_control`."""
    jobs = [(*case, number, households, weeks, params) for number in range(FIRST, FIRST + n_retailers) for case in CASES]
    return pd.DataFrame(side_by_side(judge_control, jobs, folder, "Looking for hidden reasons"))


def judge_control(
    effect: str, hidden: float, lasting: float, number: int, households: int, weeks: int, params: Params
) -> dict[str, Any]:
    """The weeks after a retailer's campaigns, what they make of its effect, and what decisions by either earn.

    Nuisances are the linear candidate's with one cross-fit; effects are the difference of the outcome models. Columns: effect,
    hidden, lasting, world, alarm; bias, observed and calibrated (USD per row) with truth, the overlap-weighted effect by the
    propensities as estimated; observed_held and calibrated_held, whether intervals hold it; and per row observed_profit and
    calibrated_profit, of the rule as a next campaign follows it, without and with what those weeks say, and oracle_profit.
    """
    key = {"effect": effect, "hidden": hidden, "lasting": lasting, "world": number}
    panel, weekly, true = _with_lasting(lasting, *_laid_out_with(effect, hidden, number, households, weeks, params))
    settings, seed = params["nuisance"], params["seed"]
    nuisance = fit_nuisances(panel, settings["folds"], 1, settings["clip"], seed)
    with one_process():
        after = after_campaign(weekly, panel, nuisance)
        found = calibrate(after, panel, nuisance, OUTCOME)
        numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], settings["overlap"], seed)
    if found is None:
        raise ValueError("These retailers' campaigns end before their outcome windows do.")
    e, economics = nuisance["propensity"].to_numpy(), economics_of(params)
    average = float(np.average(true, weights=e * (1 - e)))
    effects = pd.DataFrame({f"cate_{OUTCOME}": nuisance[f"mu1_{OUTCOME}"] - nuisance[f"mu0_{OUTCOME}"]})
    decides: dict[str, Any] = {"settings": {**params["policy"], "outcome": OUTCOME}, "economics": economics, "seed": seed}
    decides |= {"bounds": settings["overlap"], "answers": overlap_verdict(numbers).value}

    def profit(known: pd.DataFrame | None) -> float:
        chosen = choose_policy(PolicyInputs(panel, nuisance, effects, effects, after=known, **decides))
        return applied_profit(chosen, true, economics)

    return key | {
        "alarm": found.alarm,
        "bias": found.bias.value,
        "truth": average,
        "observed": found.observed.value,
        "observed_held": _holds(found.observed, average),
        "calibrated": found.calibrated.value,
        "calibrated_held": _holds(found.calibrated, average),
        "observed_profit": profit(None),
        "calibrated_profit": profit(after),
        "oracle_profit": float(profits(true > economics.breakeven, true, economics).mean()),
    }


def _laid_out_with(
    effect: str, hidden: float, number: int, households: int, weeks: int, params: Params
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    seed, first_day = world_seed(OVERLAP, effect, number), date.fromisoformat(SOURCE["first_day"])
    world = simulate(RetailerSettings(households, weeks, OVERLAP, effect, seed, first_day, hidden=hidden))
    with connect(params["engine"]) as backend:
        return laid_out(backend, as_tables(backend, dict(world.tables)), world.truth, params)


def _with_lasting(
    lasting: float, panel: pd.DataFrame, weekly: pd.DataFrame, truth: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, Vector]:
    """Panel, weekly spend and true effects (rows,) where that part of the mean weekly effect goes on after each campaign."""
    effect, numbers = truth[f"effect_{OUTCOME}"].to_numpy(), [name for name in weekly if name.isdigit()]
    over = np.array(numbers, dtype=float) >= weekly[["campaign_weeks"]].to_numpy()
    more = np.where(over & weekly[numbers].notna(), (lasting * effect / weekly["campaign_weeks"].to_numpy())[:, None], 0.0)
    caused = more * panel[["treated"]].to_numpy()
    spent = panel.assign(**{OUTCOME: panel[OUTCOME] + caused.sum(axis=1)})
    return (
        spent,
        weekly.assign(**dict(zip(numbers, (weekly[numbers] + caused).to_numpy().T, strict=True))),
        effect + more.sum(axis=1),
    )


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.lower <= truth <= estimate.upper


def control_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per effect and reason, of the rows of `judge_control`.

    Columns: n; alarm, observed_held and calibrated_held (shares, with *_se and Wilson's interval); and means in USD per row of
    bias, truth, observed, calibrated, oracle_profit, observed_profit, calibrated_profit and, with saved_se, saved: by how much
    the last is larger.
    """
    table = table.assign(saved=table["calibrated_profit"] - table["observed_profit"])
    shares = ["alarm", "observed_held", "calibrated_held"]
    money = ["bias", "truth", "observed", "calibrated", "oracle_profit", "observed_profit", "calibrated_profit", "saved"]
    groups = table.astype(dict.fromkeys(shares, float)).groupby(CASE, sort=False)
    summary = groups[[*shares, *money]].mean().join(groups["saved"].sem().rename("saved_se"))
    summary = summary.join(groups.size().rename("n")).reset_index()
    for share in shares:
        summary = with_share_error(summary, share)
    return summary


if __name__ == "__main__":
    main()
