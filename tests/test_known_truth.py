"""From the panel to the recommendation on made-up worlds whose truth is known, as `make study` does it at large."""

import itertools

import numpy as np
import pandas as pd
import pytest

from study.estimate import StudySettings, estimate_world
from study.summary import with_truth
from study.worlds import CONSTANT, population_effects
from targeting.base.parallel import in_processes
from tests.stored import require_stored

SETTINGS = StudySettings(n_households=700, folds=3, repeats=1, clip=0.01, overlap=(0.1, 0.9), cost=12.73, margin=0.3)
CELLS = [("good", "heterogeneous"), ("poor", "none"), ("poor", "constant")]
N_WORLDS = 40


@pytest.fixture(scope="module")
def results() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Facts of each world, and estimates beside the truth, of the spend."""
    keys = [(*cell, number, SETTINGS) for cell, number in itertools.product(CELLS, range(N_WORLDS))]
    worlds = list(in_processes(estimate_world, keys))
    truth = [
        {"overlap": overlap, "effect": effect, "outcome": "purchase_amount", "estimand": estimand, "truth": value}
        for overlap, effect in CELLS
        for estimand, value in population_effects(overlap, effect, 50_000, seed=1)["purchase_amount"].items()
    ]
    estimates = pd.DataFrame([row for _, rows in worlds for row in rows])
    estimates = estimates[estimates["outcome"] == "purchase_amount"]
    return pd.DataFrame([facts for facts, _ in worlds]), with_truth(estimates, pd.DataFrame(truth))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_a_world_of_each_cell_is_as_it_was_when_all_were_judged(cell):
    facts, rows = estimate_world(*cell, 0, SETTINGS)
    figures = {f"{row['outcome']} {row['method']} {name}": float(row[name]) for row in rows for name in ("estimate", "se")}
    own = {name: value.item() if isinstance(value, np.generic) else value for name, value in facts.items()}
    require_stored(f"study, {' '.join(cell)}", figures | own)


def of_cell(table: pd.DataFrame, cell: tuple[str, str], method: str | None = None) -> pd.DataFrame:
    rows = (table["overlap"] == cell[0]) & (table["effect"] == cell[1])
    return table[rows if method is None else rows & (table["method"] == method)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("cell", "method"),
    [(("good", "heterogeneous"), "aipw"), *((cell, "ato") for cell in CELLS)],
)
def test_intervals_cover_the_true_effect(results, cell, method):
    judged = of_cell(results[1], cell, method)
    # Of 40 at 95%, fewer than 34 have a chance of 1 in 100.
    assert judged["covered"].sum() >= 34
    # Five standard errors: bias that would ruin the interval, not the noise of 40 worlds.
    assert abs(judged["error"].mean()) < 5 * judged["estimate"].std() / np.sqrt(N_WORLDS)


@pytest.mark.long
def test_adjustment_removes_what_ruins_the_difference_of_means(results):
    for cell in CELLS:
        assert of_cell(results[1], cell, "naive")["covered"].mean() < 0.2
        assert of_cell(results[1], cell, "naive")["error"].mean() > 100


@pytest.mark.long
def test_poor_overlap_is_told_before_any_effect(results):
    answers = of_cell(results[0], ("poor", "none"))["answers"]
    assert (answers != "everybody").all()
    assert (of_cell(results[0], ("good", "heterogeneous"))["answers"] == "everybody").mean() > 0.8


@pytest.mark.long
def test_no_effect_is_not_sold_and_a_true_one_is_no_loss(results):
    nothing = of_cell(results[0], ("poor", "none"))
    # Of 40 at 5%, more than 6 have a chance of 1 in 100.
    assert (nothing["recommended"] != "none").sum() <= 6
    something = of_cell(results[0], ("poor", "constant"))
    sold = something[something["recommended"] != "none"]
    assert CONSTANT["purchase_amount"] * SETTINGS.margin > SETTINGS.cost
    assert (sold["true_profit"] > 0).all()
