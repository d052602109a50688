"""Public tables with a known truth, each as `data=panel` would read it: LaLonde, ACIC 2016 and IHDP.

LaLonde comes from PyPI's causaldata, ACIC 2016 from causallib; IHDP, which no package may pass on, from files in a folder that
the user names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import CUSTOMERS
from targeting.base.errors import DataError
from targeting.sources.customer_table import read_customers
from targeting.tables.engine import connect
from targeting.trials.customers import customer_panel, customer_trials
from targeting.trials.units import covariate_units

OUTCOME = "outcome"
ID = "customer_id"
LALONDE_COVARIATES = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
# Difference of means in the experiment and its standard error, USD; Dehejia & Wahba (1999), table 4.
LALONDE_ATT = (1794.0, 671.0)
ACIC_INSTANCES = (1, 2, 3)
IHDP_NUMERIC = [f"x{number}" for number in range(1, 26)]
IHDP_COLUMNS = [*("treatment", "y_factual", "y_cfactual", "mu0", "mu1"), *IHDP_NUMERIC]
IHDP_FILES = "ihdp_npci_*.csv"


@dataclass(frozen=True)
class Benchmark:
    """A public table: customer_id, treated, outcome and covariates, by kind; `effect` (rows,) is each row's true one, if known.

    `by_lot` says that an experiment treated at random; `att` is its effect on the treated, and the standard error, where no row's
    own effect is known.
    """

    name: str
    rows: pd.DataFrame
    numeric: list[str]
    categorical: list[str]
    effect: NDArray[np.float64] | None = None
    by_lot: bool = False
    att: tuple[float, float] | None = None

    @property
    def true_averages(self) -> dict[str, tuple[float, float]]:
        """What is known of average effects, with its standard error: ate and att of the rows at hand, or the experiment's att."""
        if self.effect is None:
            return {} if self.att is None else {"att": self.att}
        treated = self.rows["treated"].to_numpy() == 1
        return {"ate": (float(self.effect.mean()), 0.0), "att": (float(self.effect[treated].mean()), 0.0)}


def panel_of(benchmark: Benchmark, n_folds: int, seed: int, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The benchmark's panel, by the source of tables of customers, and the units of its covariates (`covariate_units`).

    Rows are in the order of customer_id. A CSV goes to `folder`.
    """
    path = folder / "customers.csv"
    benchmark.rows.to_csv(path, index=False)
    table: dict[str, Any] = {
        "customer_id": ID,
        "treated": "treated",
        "outcomes": {OUTCOME: OUTCOME},
        "propensity": float(benchmark.rows["treated"].mean()) if benchmark.by_lot else None,
        "numeric": benchmark.numeric,
        "categorical": benchmark.categorical,
        **dict.fromkeys(("campaign_id", "day", "segment")),
        "dates": "YYYY-MM-DD",
        "encoding": "utf-8",
    }
    with connect({"name": "duckdb", "threads": 1, "memory_limit": "2GB"}) as backend:
        customers = read_customers(backend, {"source": CUSTOMERS, "path": str(path), "table": table})
    return customer_panel(customer_trials(customers.rows), n_folds, seed), covariate_units(customers.rows)


def lalonde() -> Iterator[Benchmark]:
    """The NSW experiment (Dehejia & Wahba 1999), and its treated beside controls from a survey (CPS-1); packages: causaldata."""
    from causaldata import cps_mixtape, nsw_mixtape

    experiment, survey = nsw_mixtape.load_pandas().data, cps_mixtape.load_pandas().data
    treated = experiment[experiment["treat"] == 1]
    yield _lalonde("LaLonde, experiment", experiment, by_lot=True)
    yield _lalonde("LaLonde, CPS controls", pd.concat([treated, survey[survey["treat"] == 0]]), by_lot=False)


def _lalonde(name: str, rows: pd.DataFrame, by_lot: bool) -> Benchmark:
    columns = ["treat", "re78", *LALONDE_COVARIATES]
    table = rows[columns].astype(float).rename(columns={"treat": "treated", "re78": OUTCOME}).reset_index(drop=True)
    return Benchmark(name, _numbered(table), LALONDE_COVARIATES, [], by_lot=by_lot, att=LALONDE_ATT)


def acic() -> Iterator[Benchmark]:
    """Instances of ACIC 2016 (Dorie et al. 2019): real covariates, made-up treatment and outcomes; package: causallib."""
    from causallib.datasets import load_acic16

    for instance in ACIC_INSTANCES:
        yield acic_benchmark(instance, *load_acic16(instance, raw=True))


def acic_benchmark(instance: int, covariates: pd.DataFrame, outcomes: pd.DataFrame) -> Benchmark:
    """One instance of its covariates and its z, y0, y1, mu0, mu1; raises DataError where the two do not go together."""
    missing = [name for name in ("z", "y0", "y1", "mu0", "mu1") if name not in outcomes]
    if missing or len(covariates) != len(outcomes):
        raise DataError(
            f"ACIC 2016, instance {instance}: {len(covariates)} rows of covariates and {len(outcomes)} of outcomes, of which "
            f"{', '.join(missing) or 'no column'} is missing. Install causallib as in benchmarks/outside/requirements.txt."
        )
    numeric = [name for name in covariates if pd.api.types.is_numeric_dtype(covariates[name])]
    table = covariates.assign(treated=outcomes["z"], **{OUTCOME: np.where(outcomes["z"] == 1, outcomes["y1"], outcomes["y0"])})
    effect = (outcomes["mu1"] - outcomes["mu0"]).to_numpy(dtype=float)
    categorical = [name for name in covariates if name not in numeric]
    return Benchmark(f"ACIC 2016, instance {instance}", _numbered(table), numeric, categorical, effect)


def ihdp(folder: Path) -> Iterator[Benchmark]:
    """Replications of IHDP (Hill 2011, surface B), one a file ihdp_npci_NUMBER.csv without a header; raises DataError if none."""
    files = {path.stem.rpartition("_")[2]: path for path in folder.glob(IHDP_FILES)}
    numbers = sorted(int(number) for number in files if number.isdigit())
    if not numbers:
        raise DataError(f"{folder} has no file {IHDP_FILES}: name the folder of the replications, or leave --ihdp out.")
    for number in numbers:
        yield ihdp_benchmark(number, files[str(number)])


def ihdp_benchmark(number: int, path: Path) -> Benchmark:
    """One replication; raises DataError where the file's columns are not IHDP_COLUMNS."""
    read = pd.read_csv(path, header=None)
    if read.shape[1] != len(IHDP_COLUMNS):
        raise DataError(
            f"{path.name} has {read.shape[1]} columns, and {len(IHDP_COLUMNS)} are expected, without a header: "
            f"{', '.join(IHDP_COLUMNS[:5])}, x1 to x25."
        )
    read.columns = pd.Index(IHDP_COLUMNS)
    for name in IHDP_COLUMNS:
        numbers = pd.to_numeric(read[name], errors="coerce")
        known = numbers.isin([0, 1]) if name == IHDP_COLUMNS[0] else np.isfinite(numbers)
        if not known.all():
            what = "0 or 1" if name == IHDP_COLUMNS[0] else "number"
            raise DataError(
                f"{path.name}, column {name}: {(~known).sum()} values are no {what}, for example {read[name][~known].iloc[0]}: "
                "save the file as published, without a header."
            )
    table = read[IHDP_NUMERIC].assign(treated=read["treatment"], **{OUTCOME: read["y_factual"]})
    return Benchmark(f"IHDP, replication {number}", _numbered(table), IHDP_NUMERIC, [], (read["mu1"] - read["mu0"]).to_numpy())


def _numbered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with customers numbered in their order, in which the panel has them too."""
    return rows.assign(**{ID: np.arange(len(rows)), "treated": rows["treated"].astype(int)})
