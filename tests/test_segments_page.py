"""The page of the segments: it stands without campaigns, says which tables are missing, and how to bring campaigns."""

import base64

import pytest

from targeting.pages.segments import segments_page
from targeting.sentences.segments_page import ADDS, campaigns_at_hand, steps_to_campaigns
from targeting.tables.schemas import SCHEMAS
from tests.browser import WIDTHS, cut_tables, no_sideways_scroll, opened, serious_faults
from tests.reports import HOSTILE, results

DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ALL = dict.fromkeys(SCHEMAS, 1200)
NONE = ALL | dict.fromkeys(("campaigns", "campaign_targets", "coupons", "redemptions"), 0)


def page(rows: dict[str, int]) -> str:
    metrics, tables = results()
    segments = tables["segments"].assign(name=lambda table: table["name"] + HOSTILE)
    return segments_page(HOSTILE, metrics, rows, segments, tables["segment_transitions"], [DOT, DOT])


def test_every_table_is_listed_with_its_rows():
    assert list(ADDS) == list(SCHEMAS)
    assert page(ALL).count('<td class="n">1,200</td>') == 8
    assert page(NONE).count(">none</strong>") == 4


def test_what_is_missing_is_said_and_how_to_bring_it():
    assert campaigns_at_hand(NONE).startswith("These data have no campaigns.")
    said = " ".join(steps_to_campaigns(NONE))
    for name in ("campaigns", "campaign_targets"):
        assert f"`{name}.csv`" in said
        assert all(f"`{column}`" in said for column in SCHEMAS[name].columns)
    assert "How to bring campaigns" in page(NONE)
    assert steps_to_campaigns(ALL) == []
    assert "How to bring campaigns" not in page(ALL)
    assert "1,200 campaigns with 1,200 mailings are there: <code>dvc repro</code>" in page(ALL)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_hurts_nobody(browser, width, tmp_path):
    path = tmp_path / "segments.html"
    path.write_text(page(NONE), encoding="utf-8")
    with opened(browser, path, width) as shown:
        assert no_sideways_scroll(shown)
        assert cut_tables(shown) == []
        assert serious_faults(shown) == []
        assert shown.evaluate("window.hurt") is None
        assert shown.locator(".segments .card").count() == len(results()[1]["segments"])
