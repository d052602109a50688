"""The pages that people read first: each is its template's, and every link and picture leads to something in git."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts.render_readme import PAGES as RENDERED
from scripts.render_readme import ROOT, render, stage_edges
from targeting.policy.value import BEST_BETS
from targeting.words.money import money

PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def text(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names by which links reach the page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", RENDERED)
def test_a_page_is_what_its_template_gives(page):
    assert (ROOT / page).read_text(encoding="utf-8") == render(page), f"{page} is written by `make readme`"


def test_the_readme_can_be_read_to_its_end():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 200
    assert len(readme) < 13_000


def words_of_sentences(paragraphs: list[str]) -> list[int]:
    """How many words each sentence has; headings, labels and cells of numbers, of less than five words, are none."""
    whole = [re.sub(r"\s+", " ", part).strip() for part in paragraphs]
    sentences = [sentence for part in whole for sentence in re.split(r"(?<=[.!?:]) (?=[A-Z*\[$])", part)]
    return [n for n in (len(sentence.split()) for sentence in sentences) if n >= 5]


def test_sentences_of_the_readme_and_of_the_report_are_short():
    readme = re.split(r"\n\n|\n(?=- |\d\. |\|)", text("README.md"))
    page = (ROOT / "docs/sample_report.html").read_text(encoding="utf-8")
    shown = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    report = re.split(r"<[^>]+>", re.sub(r"</?(?:a|strong|code|span)\b[^>]*>", "", shown))
    for paragraphs in (readme, report):
        lengths = words_of_sentences(paragraphs)
        assert len(lengths) > 50
        assert np.median(lengths) <= 20


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_a_page_begins_with_what_it_is_for(page):
    assert re.match(r"# .+\n\nThis page (says|shows) ", (ROOT / page).read_text(encoding="utf-8"))


def test_the_graph_leaves_out_what_a_longer_way_implies():
    stages = {
        "far": {"outs": ["a"]},
        "middle": {"deps": ["a"], "outs": ["b"], "metrics": [{"m.json": {"cache": False}}]},
        "near": {"deps": ["a", "b", "m.json"], "plots": [{"p.csv": {"cache": False}}]},
        "last": {"deps": ["a/part", "p.csv"]},
    }
    assert stage_edges(stages) == {"far": {"middle"}, "middle": {"near"}, "near": {"last"}, "last": set()}


def plotted(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "plots" / f"{name}.csv")


def test_the_results_give_no_interval_to_what_is_extrapolated():
    lines = render("docs/results.md").splitlines()
    for row in plotted("policies").dropna(subset="share").itertuples():
        line = next(line for line in lines if line.startswith(f"| `{row.policy}` |"))
        extrapolated = row.share_outside > 0 and row.policy not in BEST_BETS  # of which the part inside is measured
        assert ("(no interval: extrapolated)" in line) == extrapolated, row.policy
        assert (money(row.profit_ci_lower) in line) == (not extrapolated), row.policy
        assert money(row.profit_overlap_ci_lower) in line


def test_the_results_put_the_range_of_a_single_split_beside_the_averaged_one():
    single = plotted("designs").set_index("design").loc["sequential_trials", "range"]
    assert re.search(
        rf"lie within \$[\d.]+ of each other, .*within {re.escape(money(single))} by a single split", render("docs/results.md")
    )


def test_the_results_tell_value_from_response():
    lines = render("docs/results.md").splitlines()
    assert any("| priority by value |" in line and line.endswith("| profit of mailing one (95% interval) |") for line in lines)
    effects, policy = plotted("segment_effects"), json.loads((ROOT / "metrics" / "policy.json").read_text(encoding="utf-8"))
    for row in effects[effects["outcome"] == "purchase_amount"].itertuples():
        line = next(line for line in lines if line.startswith(f"| {row.name} | "))
        ends = (policy["margin"] * value - policy["cost"] for value in (row.ato, row.ato_ci_lower, row.ato_ci_upper))
        value, lower, upper = map(money, ends)
        assert line.endswith(f"| {value} ({lower} to {upper}) |")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_what_is_in_git(page):
    for link in LINK.findall(text(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        # A picture that git ignores is there on the author's machine alone.
        ignored = subprocess.run(["git", "check-ignore", "--quiet", str(target)], cwd=ROOT, check=False).returncode == 0
        assert not ignored, f"git ignores {link}"
        assert not anchor or anchor in anchors(target), link
