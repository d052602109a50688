"""Pictures of effects: what they say, and that a chart of the page becomes a picture with its words."""

from io import BytesIO

import altair as alt
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from targeting.base.outputs import PICTURE_WIDTH
from targeting.figures import vega
from targeting.figures.effects import contour_chart, forest_picture, forest_words
from targeting.figures.trials import flow_chart
from targeting.figures.vega import png, spec
from targeting.words.estimators import CHOICE, LOTS, NAMES, UNEVEN_LOTS, decided_by


def effects(outcome: str, n_trials: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every estimator over all trials, one by trial, and its pooled effect; the confounded difference far off."""
    interval = {"outcome": outcome, "estimate": 13.0, "ci_lower": -300.0, "ci_upper": 310.0}
    rows = [interval | {"trial": "all", "method": method, "n": 6368} for method in NAMES]
    rows += [interval | {"trial": str(number), "method": "ato", "n": 1592} for number in range(n_trials)]
    table = pd.DataFrame(rows)
    table.loc[table["method"] == "naive", ["estimate", "ci_lower", "ci_upper"]] = 9999.0, 9990.0, 10008.0
    return table, pd.DataFrame([interval | {"method": "ato", "p": 0.72 if n_trials > 1 else np.nan}])


@pytest.mark.slow
@pytest.mark.parametrize(("outcome", "naive"), [("purchase_amount", "$9,999.00"), ("purchase_count", "9,999.00 baskets")])
@pytest.mark.parametrize("n_trials", [1, 4])
def test_the_forest_plot_leaves_out_the_confounded_difference_and_says_so(outcome, naive, n_trials):
    table, pooled = effects(outcome, n_trials)
    found, how = forest_words(table, outcome)
    assert "In the overlap a mailing moves " in found
    assert naive in how
    drawn = forest_picture(table, pooled, outcome)
    above, below = ({row["estimate"] for row in part["layer"][0]["data"]["values"]} for part in drawn["vconcat"])
    assert above == below == {13.0}
    assert len(drawn["vconcat"][1]["layer"][0]["data"]["values"]) == n_trials + 1
    picture = imread(BytesIO(png(drawn, found, how)))
    assert picture.shape[1] <= 1.02 * PICTURE_WIDTH


def test_where_lots_decided_the_plain_difference_is_one_more_estimate():
    table, pooled = effects("purchase_amount", 1)
    _, how = forest_words(table, "purchase_amount", LOTS)
    assert how.endswith("The plain difference of the arms estimates the same, as lots decided who was mailed.")
    drawn = forest_picture(table, pooled, "purchase_amount", LOTS)["vconcat"][0]["layer"][0]["data"]["values"]
    assert 9999.0 in {row["estimate"] for row in drawn}
    assert "confounded" not in str(drawn)
    uneven = forest_words(table, "purchase_amount", UNEVEN_LOTS)[1]
    assert "Not drawn" in uneven
    assert "a large chance of being mailed" in uneven
    assert [decided_by(*given) for given in ((False, 1), (True, 1), (True, 2))] == [CHOICE, LOTS, UNEVEN_LOTS]


def test_an_effect_that_is_not_to_be_had_gets_no_number():
    table, _ = effects("purchase_amount", 2)
    table.loc[table["method"] == "ato", ["estimate", "ci_lower", "ci_upper"]] = np.nan
    assert forest_words(table, "purchase_amount")[0] == "Effect on spend by estimator"


def test_a_picture_has_one_width_and_the_same_bytes_twice():

    chart = spec(
        alt.Chart(alt.Data(values=[{"a": 1, "b": 2}])).mark_point().encode(x="a:Q", y="b:Q").properties(width="container")
    )
    first = png(chart, "What was found " * 12, "How to read it.")
    assert first == png(chart, "What was found " * 12, "How to read it.")
    assert imread(BytesIO(first)).shape[1] == pytest.approx(PICTURE_WIDTH, abs=1)


@pytest.mark.slow
def test_a_picture_s_palette_makes_it_small_and_changes_no_colour_to_speak_of(monkeypatch):
    drawn = []
    monkeypatch.setattr(vega, "_lean", lambda picture: drawn.append(picture) or picture)
    png(forest_picture(*effects("purchase_amount", 4), "purchase_amount"), "What was found")
    monkeypatch.undo()
    lean = png(forest_picture(*effects("purchase_amount", 4), "purchase_amount"), "What was found")
    assert len(lean) < len(drawn[0]) / 4
    assert np.abs(imread(BytesIO(lean))[..., :3] - imread(BytesIO(drawn[0]))[..., :3]).max() < 0.04


def test_the_contour_names_the_groups_that_would_take_the_effect_away():
    shares = np.linspace(0, 0.1, 11)
    grid = [(t, o, 10 - 4000 * t * o) for t in shares for o in shares]  # nothing is left where t * o is 0.0025
    contour = pd.DataFrame(grid, columns=["share_treatment", "share_outcome", "estimate"])
    groups = pd.DataFrame({"group": ["weak", "strong"], "share_treatment": [0.01, 0.06], "share_outcome": [0.01, 0.06]})
    title = contour_chart(contour, groups, "purchase_amount").get_suptitle()
    assert "as strong as strong would leave nothing" in title
    weak = contour_chart(contour, groups.head(1), "purchase_amount").get_suptitle()
    assert weak.startswith("No measured group")


def test_the_flow_of_trials_dates_the_campaign_and_draws_a_step_of_the_design_only_where_it_sets_anybody_aside():
    days = {"time_zero": "2017-02-08", "end_day": "2017-03-26", "window_end": "2017-04-23"}
    flow = pd.DataFrame({name: [pd.Timestamp(day)] * 2 for name, day in days.items()}).assign(
        campaign_id=[27, 8], cut=[False, True]
    )
    counts = {"n_households": 10, "n_no_earlier_purchase": 1, "n_set_aside": 0, "n_eligible": 9, "n_treated": 4, "n_control": 5}
    flow = flow.assign(**counts, n_targeted_later=0, n_in_other_trial=0)
    plain, designed = flow_chart(flow), flow_chart(flow.assign(n_targeted_later=[0, 2], n_control=[5, 3]))
    titles = [axes.get_title() for axes in plain.axes]
    assert titles[0] == "Campaign 27, 8 Feb 2017 to 26 Mar 2017\noutcomes to 23 Apr 2017"
    assert titles[1].endswith("outcomes to 23 Apr 2017, cut at the end of the data")
    words = [["\n".join(text.get_text() for text in axes.texts) for axes in figure.axes] for figure in (plain, designed)]
    assert all("9 eligible at time zero, all compared" in text and "design" not in text for text in words[0])
    assert "0 targeted later" in words[1][0]
    assert "2 targeted later" in words[1][1]
    assert "7 compared" in words[1][1]
