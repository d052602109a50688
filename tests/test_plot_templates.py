"""What `dvc plots show` and `dvc plots diff` draw: the templates and dvc.yaml's `plots`, filled by DVC's own renderer."""

import json
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import vl_convert
import yaml
from dvc_render.vega import VegaRenderer
from dvc_render.vega_templates import TEMPLATES

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".dvc" / "plots"
OWN = sorted(path.stem for path in FOLDER.glob("*.json"))
PLOTS = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
TABLES = {path: plot for item in PLOTS if isinstance(item, dict) for path, plot in item.items()}
# Of the Vega-Lite versions that vl-convert brings, the nearest to the one that DVC's page loads (5.2).
VEGA_LITE = "5.8"
REVISIONS = {
    "one": ["workspace"],
    "several": ["workspace", "main", "an-experiment-with-a-name-as-long-as-people-make-them-when-they-sweep-costs-and-margins"],
}


def rows(path: str, revisions: list[str]) -> list[dict[str, str]]:
    """A table's rows once a revision, as text, as DVC reads CSV."""
    table = pd.read_csv(ROOT / path, dtype=str, keep_default_na=False)
    return [{**row, "rev": revision} for revision in revisions for row in table.to_dict("records")]


def filled(path: str, revisions: list[str]) -> dict:
    """The Vega-Lite specification of a plot of dvc.yaml."""
    properties = {**TABLES[path], "template_dir": str(FOLDER), "revs_with_datapoints": revisions}
    return VegaRenderer(rows(path, revisions), path, **properties).get_filled_template()


def own_plots() -> list[str]:
    return [path for path, plot in TABLES.items() if plot["template"] in OWN]


@pytest.mark.parametrize("name", OWN)
def test_a_template_is_used_and_has_the_anchors(name):
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert json.loads(text)["data"] == {"values": "<DVC_METRIC_DATA>"}
    for anchor in ("TITLE", "X", "Y", "X_LABEL", "COLOR"):
        assert f"<DVC_METRIC_{anchor}>" in text
    assert name in {plot["template"] for plot in TABLES.values()}


@pytest.mark.parametrize("path", TABLES)
def test_a_plot_names_a_template_and_columns_that_exist(path):
    plot = TABLES[path]
    assert plot["template"] in {*OWN, *(template.DEFAULT_NAME for template in TEMPLATES)}
    columns = set(pd.read_csv(ROOT / path, nrows=0).columns)
    y = plot["y"][path] if isinstance(plot["y"], dict) else [plot["y"]]
    assert {plot["x"], *y} <= columns


def test_a_picture_is_written_by_a_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    items = [item for stage in stages for kind in ("outs", "plots") for item in stage.get(kind, [])]
    written = {name for item in items for name in ([item] if isinstance(item, str) else item)}
    for item in PLOTS:
        assert set([item] if isinstance(item, str) else item) <= written, item


@pytest.mark.parametrize("revisions", REVISIONS.values(), ids=REVISIONS)
@pytest.mark.parametrize("path", own_plots())
def test_a_filled_template_compiles_and_draws_each_revision(path, revisions):
    specification = filled(path, revisions)
    assert "<DVC_METRIC_" not in json.dumps(specification)
    picture = vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE)
    for revision in revisions:
        assert revision in picture
    assert "undefined" not in picture
    assert ">x_" not in picture
    assert "NaN" not in picture


def test_outcomes_are_named_with_their_units():
    picture = vl_convert.vegalite_to_svg(filled("plots/ate.csv", ["workspace"]), vl_version=VEGA_LITE)
    for words in ("spend (USD)", "baskets"):
        assert f">{words}<" in picture


def test_a_picture_that_the_page_of_results_shows_is_in_git():
    shown = re.findall(r"!\[.*?\]\(\.\./(plots/[^)]+)\)", (ROOT / "docs" / "results.md").read_text(encoding="utf-8"))
    assert shown
    subprocess.run(["git", "ls-files", "--error-unmatch", *shown], cwd=ROOT, check=True, capture_output=True)
