"""Sum up the study's worlds, draw its picture, and write docs/known_truth.md from the summaries; `make study` runs this last."""

from pathlib import Path
from typing import Any

import pandas as pd

from scripts.render_readme import environment
from study.figures import coverage_chart
from study.refutations import PLACEBOS, REFUTATIONS
from study.run import FOLDER, N_HOUSEHOLDS, POPULATION
from study.summary import answer_summary, cell_summary, estimator_summary, with_truth
from targeting.outputs import write_csv, write_figure

ROOT = Path(__file__).resolve().parent.parent
ESTIMATORS = Path("study/estimators.csv")
CELLS = Path("study/cells.csv")
ANSWERS = Path("study/answers.csv")
PICTURE = Path("study/coverage.png")
PAGE = Path("docs/known_truth.md")
TEMPLATE = "known_truth.md.jinja"
OUTCOME = "purchase_amount"


def main() -> None:
    """Read the worlds' results; write three tables, the picture and the page."""
    worlds, estimates, truth = (pd.read_parquet(FOLDER / f"{name}.parquet") for name in ("worlds", "estimates", "truth"))
    judged = with_truth(estimates, truth)
    estimators = estimator_summary(judged)
    write_csv(estimators, ESTIMATORS)
    write_csv(cell_summary(worlds), CELLS)
    write_csv(answer_summary(judged, worlds, OUTCOME), ANSWERS)
    write_figure(coverage_chart(estimators, OUTCOME), PICTURE)
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """The page's text, every figure in it from the stored tables."""
    paths = (ESTIMATORS, CELLS, ANSWERS, REFUTATIONS)
    tables: dict[str, Any] = {path.stem: pd.read_csv(ROOT / path).to_dict("records") for path in paths}
    return (
        environment().get_template(TEMPLATE).render(**tables, n_households=N_HOUSEHOLDS, population=POPULATION, placebos=PLACEBOS)
    )


if __name__ == "__main__":
    main()
