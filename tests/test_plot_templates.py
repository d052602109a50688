"""What `dvc plots show` and `dvc plots diff` draw: the templates and dvc.yaml's `plots`, filled by DVC's own renderer."""

import json
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pandas as pd
import pytest
import vl_convert
import yaml
from dvc.render.converter.vega import VegaConverter
from dvc_render.html import HTML
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


def files_of(path: str) -> dict[str, list[str]]:
    """The tables that a plot of dvc.yaml reads, and their columns that it names."""
    used: dict[str, list[str]] = {}
    for axis in ("x", "y"):
        named = TABLES[path][axis]
        for file, columns in (named if isinstance(named, dict) else {path: named}).items():
            used.setdefault(file, []).extend([columns] if isinstance(columns, str) else columns)
    return used


def filled(path: str, revisions: list[str]) -> dict:
    """The Vega-Lite specification of a plot of dvc.yaml, its rows once a revision; as text, as DVC reads CSV."""
    tables = {file: pd.read_csv(ROOT / file, dtype=str, keep_default_na=False).to_dict("records") for file in files_of(path)}
    rows: list[dict[str, str]] = []
    for revision in revisions:
        own, properties = VegaConverter(path, tables, TABLES[path]).flat_datapoints(revision)
        rows += own
    properties |= {"template_dir": str(FOLDER), "revs_with_datapoints": revisions}
    return VegaRenderer(rows, path, **properties).get_filled_template()


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
    for file, columns in files_of(path).items():
        assert set(columns) <= set(pd.read_csv(ROOT / file, nrows=0).columns)


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


def marks(path: str, revisions: list[str], kind: str) -> list[dict]:
    """The marks of a kind in the drawing of a plot, as Vega places them in their panel."""
    scenegraph = vl_convert.vegalite_to_scenegraph(filled(path, revisions), vl_version=VEGA_LITE)["scenegraph"]
    found: list[dict] = []

    def walk(node: dict) -> None:
        if node.get("marktype") == kind and node.get("role") == "mark":
            found.extend(node["items"])
        for item in node.get("items", []):
            walk(item)

    walk(scenegraph)
    return found


@pytest.mark.parametrize("path", ["plots/ate.csv", "plots/policies.csv", "plots/segment_effects.csv"])
def test_intervals_of_revisions_lie_beside_each_other(path):
    one, two = ({mark["y"] for mark in marks(path, REVISIONS["several"][:n], "symbol")} for n in (1, 2))
    assert len(two) == 2 * len(one)


def test_an_extrapolated_profit_has_no_interval():
    policies = pd.read_csv(ROOT / "plots/policies.csv").dropna(subset="profit")
    believable = policies[~policies["extrapolated"].eq(True)]
    assert 0 < len(believable) < len(policies)
    intervals = [mark for mark in marks("plots/policies.csv", ["workspace"], "rule") if mark["stroke"] != "black"]
    assert len(intervals) == len(believable)


def test_effects_by_segment_have_a_line_where_a_contact_pays():
    policy = json.loads((ROOT / "metrics" / "policy.json").read_text(encoding="utf-8"))
    specification = filled("plots/segment_effects.csv", ["workspace"])
    assert f"{policy['breakeven']:.9g}" in {row.get("breakeven") for row in specification["data"]["values"]}
    # One dashed line: other outcomes than the policy's have no breakeven, and other costs are not drawn.
    assert len([mark for mark in marks("plots/segment_effects.csv", ["workspace"], "rule") if "strokeDash" in mark]) == 1


def test_dvc_s_page_can_be_filled_and_leaves_out_what_dvc_draws_of_every_table():
    config = ConfigParser()
    config.read(ROOT / ".dvc" / "config")
    page = HTML((ROOT / ".dvc" / config["plots"]["html_template"]).read_text(encoding="utf-8"))
    shown = page.with_scripts("<script></script>").with_element('<div id="dvc_yaml__plots_a_csv"></div>').embed()
    assert '<meta charset="utf-8">' in shown
    assert not re.search(r"{(scripts|plot_divs|refresh_tag)}", shown)


def test_a_picture_that_the_page_of_results_shows_is_in_git():
    shown = re.findall(r"!\[.*?\]\(\.\./(plots/[^)]+)\)", (ROOT / "docs" / "results.md").read_text(encoding="utf-8"))
    assert shown
    subprocess.run(["git", "ls-files", "--error-unmatch", *shown], cwd=ROOT, check=True, capture_output=True)
