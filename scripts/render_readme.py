"""Write README.md and its pages in docs/ from docs/templates/, every figure from metrics/ and plots/*.csv of the last run."""

import json
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from targeting.sentences import report as sentences
from targeting.sentences.campaigns import after_sentence
from targeting.sentences.halves import people_move
from targeting.sentences.heterogeneity import heterogeneity_words
from targeting.sentences.overlap import overlap_words
from targeting.sentences.policy_names import whom
from targeting.sentences.refutation import CHECK_WORDS, verdict_words
from targeting.words.estimators import NAMES
from targeting.words.features import covariate_words
from targeting.words.money import amount, margin_words, money, speak_in
from targeting.words.numbers import chance, number, percent

ROOT = Path(__file__).resolve().parent.parent
# Each page and its template.
PAGES = {"README.md": "README.md.jinja", "docs/results.md": "results.md.jinja", "docs/pipeline.md": "pipeline.md.jinja"}


def row_pair(row: dict[str, Any], key: str, value: str) -> tuple[Any, Any]:
    """Two columns of a table's row, to make a dictionary of them."""
    return row[key], row[value]


def stage_edges(stages: dict[str, Any]) -> dict[str, set[str]]:
    """By stage, those that read what it writes; what a longer way implies is left out."""
    writer = {}
    for name, stage in stages.items():
        for item in [item for kind in ("outs", "metrics", "plots") for item in stage.get(kind, [])]:
            path = item if isinstance(item, str) else next(iter(item))
            # A learner's file stands for the folder that the learners share.
            writer[path.split("/${item.learner}")[0]] = name
    readers: dict[str, set[str]] = {name: set() for name in stages}
    for name, stage in stages.items():
        for dep in stage.get("deps", []):
            for path, source in writer.items():
                if dep == path or dep.startswith(f"{path}/"):
                    readers[source].add(name)

    def reached(name: str) -> set[str]:
        return readers[name].union(*(reached(reader) for reader in readers[name]))

    return {name: direct.difference(*(reached(reader) for reader in direct)) for name, direct in readers.items()}


def stage_graph() -> str:
    """The stages of dvc.yaml as a Mermaid graph: an arrow where one reads what the other writes."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    order = list(stages)
    edges = stage_edges(stages)
    arrows = [f"  {source} --> {target}" for source in order for target in sorted(edges[source], key=order.index)]
    return "\n".join(["graph TD", *arrows])


def text_environment() -> jinja2.Environment:
    """Templates of docs/templates with these filters; a figure that is missing raises jinja2.UndefinedError."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "docs" / "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, from our own numbers
    )
    templates.filters |= {"money": money, "percent": percent, "number": number, "chance": chance, "row_pair": row_pair}
    templates.filters |= {"amount": amount, "margin": margin_words}
    templates.filters |= {"overlap_words": overlap_words, "heterogeneity_words": heterogeneity_words}
    templates.filters |= {"covariate_words": covariate_words, "rule_words": rule_words}
    templates.filters["verdict_words"] = lambda row: verdict_words(pd.Series(row))
    templates.filters["people_move"] = lambda rows, same: people_move(pd.DataFrame(rows), same)
    templates.globals["check_words"] = CHECK_WORDS
    # What the report says of the same numbers.
    templates.globals |= {"sentences": sentences, "whom": whom, "after_sentence": after_sentence}
    return templates


def rule_words(rule: str) -> str:
    """A rule of plots/policy_tree.csv with its features in words: `monetary_actual > 138.3` is revenue after coupons > 138.3."""
    parts = (part.rsplit(" ", 2) for part in rule.split(" and "))
    return " and ".join(" ".join([covariate_words(name), *rest]) for name, *rest in parts)


def known_truth() -> dict[str, float]:
    """What the study of worlds with a known truth says of spend, in a few numbers; see docs/known_truth.md."""
    estimators, cells = (pd.read_csv(ROOT / "study" / f"{name}.csv") for name in ("estimators", "cells"))
    own = estimators[estimators["outcome"] == "purchase_amount"]
    numbers: dict[str, float] = {"n": cells["n_worlds"].sum()}
    for method in ("ato", "aipw"):
        for poor, suffix in ((False, ""), (True, "_poor")):
            coverage = own.loc[(own["method"] == method) & ((own["overlap"] == "poor") == poor), "coverage"]
            numbers |= {f"{method}{suffix}_low": coverage.min(), f"{method}{suffix}_high": coverage.max()}
    poor_cells = cells[cells["overlap"] == "poor"]
    numbers["poor_everybody"] = (poor_cells["answers_everybody"] * poor_cells["n_worlds"]).sum() / poor_cells["n_worlds"].sum()
    return numbers | _earned_where_known()


def _earned_where_known() -> dict[str, float]:
    """What the recommendation, and a plug-in rule, earn at made-up retailers of every overlap, by effect.

    Shares of the oracle's profit, or where that is nothing USD per row; and whether a difference of the two is beyond two Monte
    Carlo errors where mailing pays (told_apart).
    """
    retailers = pd.read_csv(ROOT / "study" / "retailer_choice.csv")
    cells = retailers[retailers["overlap"] == "all"].set_index("effect")
    shares, plain = (cells[name] / cells["oracle_profit"] for name in ("applied_profit", "plugin_profit"))
    nothing, apart = cells.loc["none"], retailers["overlap"] != "all"
    poor = retailers[retailers["overlap"] == "poor"].set_index("effect")
    poor_shares = poor["applied_profit"] / poor["oracle_profit"]
    paying = cells.drop(index="none")
    return {
        "n_retailers": retailers.loc[apart, "n"].sum(),
        "earned_heterogeneous": float(shares["heterogeneous"]),
        "earned_constant": float(shares["constant"]),
        **{f"earned_{effect}_poor": float(poor_shares[effect]) for effect in ("heterogeneous", "constant")},
        "earned_none": float(nothing["applied_profit"]),
        "plugin_heterogeneous": float(plain["heterogeneous"]),
        "plugin_constant": float(plain["constant"]),
        "plugin_none": float(nothing["plugin_profit"]),
        "plugin_saved": float(paying["saved"].mean()),
        "told_apart": bool((paying["saved"].abs() > 2 * paying["saved_se"]).any()),
        "lost_much": float(nothing["loses_much"]),
    }


def render(page: str) -> str:
    """The text of one of PAGES; raises jinja2.UndefinedError for a figure that the run does not have."""
    metrics = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "metrics").glob("*.json")}
    tables: dict[str, Any] = {path.stem: pd.read_csv(path).to_dict("records") for path in (ROOT / "plots").glob("*.csv")}
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    speak_in(params["data"]["currency"])
    numbers = {"metrics": metrics, "tables": tables, "params": params, "estimator_names": NAMES, "known": known_truth()}
    return text_environment().get_template(PAGES[page]).render(**numbers, stage_graph=stage_graph())


if __name__ == "__main__":
    for page in PAGES:
        (ROOT / page).write_text(render(page), encoding="utf-8")
