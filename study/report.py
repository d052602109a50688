"""Sum up the study's worlds and retailers, draw its pictures, write docs/known_truth.md; `make study` runs this last."""

from pathlib import Path
from typing import Any

import pandas as pd

from scripts.render_readme import text_environment
from study.controls import CONTROLS
from study.controls import HOUSEHOLDS as CONTROLLED
from study.figures import coverage_chart, retailer_chart
from study.findings import control_findings, findings
from study.lists import HOUSEHOLDS, LISTS
from study.refutations import PLACEBOS, REFUTATIONS
from study.retailer_summary import choice_summary, learner_summary
from study.retailers import CELLS as RETAILERS
from study.retailers import WEEKS
from study.run import FOLDER, N_HOUSEHOLDS, POPULATION
from study.summary import answer_summary, cell_summary, estimator_summary, with_truth
from targeting.base.outputs import write_csv, write_figure
from targeting.words.estimators import NAMES as ESTIMATOR_NAMES
from targeting.words.learners import NAMES as LEARNER_NAMES

ROOT = Path(__file__).resolve().parent.parent
ESTIMATORS = Path("study/estimators.csv")
CELLS = Path("study/cells.csv")
ANSWERS = Path("study/answers.csv")
PICTURE = Path("study/coverage.png")
RETAILER_CHOICE = Path("study/retailer_choice.csv")
RETAILER_LEARNERS = Path("study/retailer_learners.csv")
RETAILER_ESTIMATORS = Path("study/retailer_estimators.csv")
RETAILER_PICTURE = Path("study/retailers.png")
PAGE = Path("docs/known_truth.md")
TEMPLATE = "known_truth.md.jinja"
OUTCOME = "purchase_amount"


def main() -> None:
    """Read the results by world and retailer; write six tables, two pictures and the page."""
    worlds, estimates, truth = _read("worlds", "estimates", "truth")
    judged = with_truth(estimates, truth)
    estimators = estimator_summary(judged)
    write_csv(estimators, ESTIMATORS)
    write_csv(cell_summary(worlds), CELLS)
    write_csv(answer_summary(judged, worlds, OUTCOME), ANSWERS)
    write_figure(coverage_chart(estimators, OUTCOME), PICTURE)
    retailers, learners, estimates, truth = _read(
        "retailers", *(f"retailer_{name}" for name in ("learners", "estimates", "truth"))
    )
    choice, learned = choice_summary(retailers, learners), learner_summary(retailers, learners)
    write_csv(choice, RETAILER_CHOICE)
    write_csv(learned, RETAILER_LEARNERS)
    write_csv(estimator_summary(with_truth(estimates, truth)), RETAILER_ESTIMATORS)
    write_figure(retailer_chart(learned, choice, "heterogeneous"), RETAILER_PICTURE)
    PAGE.write_text(render(), encoding="utf-8")


def _read(*names: str) -> list[pd.DataFrame]:
    return [pd.read_parquet(FOLDER / f"{name}.parquet") for name in names]


def render() -> str:
    """The page's text, every figure in it from the stored tables."""
    paths = (ESTIMATORS, CELLS, ANSWERS, REFUTATIONS, CONTROLS, RETAILER_CHOICE, RETAILER_LEARNERS, RETAILER_ESTIMATORS, LISTS)
    frames = {path.stem: pd.read_csv(ROOT / path) for path in paths}
    tables: dict[str, Any] = {name: frame.to_dict("records") for name, frame in frames.items()}
    sizes: dict[str, Any] = {"n_households": N_HOUSEHOLDS, "population": POPULATION, "placebos": PLACEBOS}
    sizes |= {"retailer_cells": RETAILERS, "list_households": HOUSEHOLDS, "weeks": WEEKS}
    sizes |= {"estimator_names": ESTIMATOR_NAMES, "learner_names": LEARNER_NAMES}
    sizes |= {"control_households": CONTROLLED, "control_findings": control_findings(frames[CONTROLS.stem])}
    sizes["findings"] = findings(frames[RETAILER_CHOICE.stem], frames[RETAILER_LEARNERS.stem])
    return text_environment().get_template(TEMPLATE).render(**tables, **sizes)


if __name__ == "__main__":
    main()
