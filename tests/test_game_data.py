"""What the coupon game's page is made of."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.pages.game import MOST, contact_places, game_metrics, game_pool, game_sizes, pool_fingerprint
from targeting.policy.economics import Economics
from targeting.policy.policies import lots
from targeting.sentences.game import (
    behaviour,
    counted_words,
    decided_words,
    facts,
    pipeline_words,
    ranking_words,
    segment_profiles,
    stakes,
)
from targeting.sentences.heterogeneity import heterogeneity_words
from targeting.stats.estimates import mean_estimate
from tests.games import customers_of, evidence_of, written


def test_a_draw_holds_1200_customers_and_360_coupons_or_half_of_what_there_is():
    assert dataclasses.astuple(game_sizes(3450)) == (3450, 1200, 360)
    assert dataclasses.astuple(game_sizes(1000)) == (1000, 500, 150)
    assert dataclasses.astuple(game_sizes(99)) == (99, 0, 0)


def test_the_pool_is_the_overlap_and_too_many_are_thinned_by_household():
    small = dataclasses.replace(evidence_of(400), overlap=np.arange(400) % 4 != 0)
    assert (game_pool(small, seed=1) == small.overlap).all()
    large = evidence_of(2 * MOST)
    kept = game_pool(large, seed=1)
    assert kept.sum() == MOST
    drawn_lots = lots(large.household_id, 1)
    assert drawn_lots[kept].max() < drawn_lots[~kept].min()
    assert (game_pool(large, seed=2) != kept).any()


def test_places_follow_the_order_and_are_missing_for_those_not_contacted():
    places = contact_places(np.array([2, 0, 3, 1]), np.array([True, False, True, True]))
    np.testing.assert_array_equal(places, [1, np.nan, 0, 2])


def test_the_script_sees_no_household_id_and_intervals_or_truth_only_where_there_are_any():
    bare, full = customers_of(200).columns(), customers_of(200, intervals=True, truth=True).columns()
    assert set(full) - set(bare) == {"lower", "upper", "true", "true_uplift"}
    assert bare["household"].tolist() == np.repeat(np.arange(100), 2).tolist()
    np.testing.assert_allclose(bare["promised"], 0.4 * bare["uplift"] - 10)
    np.testing.assert_allclose(full["true"], 0.4 * full["true_uplift"] - 10)


def test_metrics_are_totals_of_an_average_draw():
    customers = customers_of(2400)
    size = game_sizes(2400)
    metrics = game_metrics(customers, size)
    earned = 0.4 * customers.evidence.score - 10
    everyone = mean_estimate(earned, customers.evidence.household_id)
    assert metrics["profit_everyone_ci_lower"] == pytest.approx(1200 * everyone.lower)
    assert metrics["profit_lot"] == pytest.approx(360 * everyone.value)
    first = np.argsort(-customers.uplift)[:720]
    assert metrics["profit_pipeline"] == pytest.approx(earned[first].sum() / 2)
    assert game_metrics(customers_of(40), game_sizes(40)) == {"n_customers": 40, "n_drawn": 0, "n_coupons": 0}


def test_a_pool_is_named_by_its_rows():
    keys = pd.DataFrame({"household_id": [1, 2], "campaign_id": [8, 8]})
    assert pool_fingerprint(keys) == pool_fingerprint(keys.copy()) != pool_fingerprint(keys.iloc[:1])


def panel_of() -> pd.DataFrame:
    """Two households of segment 2, who come often and buy fresh food, and two of segment 5, who don't."""
    return pd.DataFrame(
        {
            "x_monetary_per_week": [100.0, 60, 10, 10],
            "x_frequency_per_week": [2.0, 2.0, 0.1, 0.1],
            "x_recency": [1, 1, 40, 60],
            "x_monetary_avg_basket_sales": [50.0, 30, 20, 20],
            "x_share_fresh": [0.6, 0.6, 0.1, 0.1],
            "x_discount_usage_pct": [0.3, 0.3, 0.7, 0.7],
            "x_spend_28d": [400.0, 240, 0, 0],
        }
    )


def test_profiles_say_how_a_segment_shops():
    first, second = segment_profiles(panel_of(), np.array([2, 2, 5, 5]), {2: "Regulars", 5: "Guests"})
    assert (first["number"], first["name"], first["annual_spend"]) == (2, "Regulars", 80 * 52)
    assert first["behaviour"] == (
        "About twice a week, $40 per visit, more than most. Last visit 1 day before. Buys more fresh food than most."
    )
    assert second["behaviour"] == (
        "Less than once a month, $20 per visit, less than most. Last visit 50 days before. Often on discount."
    )


def test_a_segment_like_all_others_has_nothing_special():
    means = pd.Series({"frequency_per_week": 1.0, "monetary_avg_basket_sales": 30.0, "share_fresh": 0.2})
    assert behaviour(means, means, 3) == "About once a week, $30 per visit, as most do. Last visit 3 days before."


def test_facts_are_what_the_panel_has():
    assert list(facts(panel_of(), 28)) == ["spend", "away"]


def test_profiles_need_what_tells_segments_apart():
    with pytest.raises(DataError, match="recency"):
        segment_profiles(panel_of().drop(columns="x_recency"), np.array([2, 2, 5, 5]), {2: "a", 5: "b"})


def test_stakes_follow_outcome_and_economics():
    amount = stakes(Economics(12.73, 0.3), "purchase_amount")
    assert amount == (
        "A coupon costs $12.73, and every extra dollar of sales leaves $0.30: it pays only where it brings more than "
        "$42.43 of extra sales."
    )
    varied = stakes(Economics(np.array([1.0, 3.0]), 4.0), "purchase_count")
    assert varied == (
        "A coupon costs $2.00 on average, and every extra visit leaves $4.00: it pays only where it brings more than "
        "0.50 extra visits."
    )


def test_stakes_and_scores_are_of_the_outcome_and_lots_are_named():
    assert stakes(Economics(0.02, 4.0), "conversions").endswith(
        "every extra conversion leaves $4.00: it pays only where it brings more than 0.0050 extra conversions."
    )
    assert counted_words("purchase_amount") == "what each customer really spent"
    assert counted_words("conversions") == "each customer's conversions"
    assert decided_words({"answers": "everybody"}) == "campaigns were not randomised"
    assert "lots decided" in decided_words({"balance_p": 0.5})


def test_findings_say_when_differences_are_guesses():
    validation = {"heterogeneity": False, "best": "x", "best_autoc": 1.0, "heterogeneity_p": 0.5, "n_learners": 3}
    validation |= {"surest": "x", "surest_p": 0.5}
    assert ranking_words(validation, "x", with_intervals=False).endswith("So differences between single customers are guesses.")
    shown = ranking_words(validation | {"heterogeneity": True}, "x", with_intervals=True)
    assert "with 95% intervals" in shown
    assert shown.endswith(heterogeneity_words(validation | {"heterogeneity": True}))


@pytest.mark.parametrize(
    ("recommended", "label", "nobody"),
    [
        ("none", "The pipeline's best guess", True),
        ("top_20", "The pipeline's policy", False),
        ("current", "", False),
    ],
)
def test_the_pipeline_speaks_by_its_recommendation(recommended, label, nobody):
    words = pipeline_words(recommended, "x")
    assert (words.label, words.nobody) == (label, nobody)


def test_the_average_of_learners_is_called_that():
    assert "the customers whom the average of learners ranks first" in pipeline_words("none", "average").sentence
    assert "whom the X-learner ranks first" in pipeline_words("none", "x").sentence


def test_pages_are_the_same_bytes_and_small_and_load_nothing(tmp_path):
    customers = customers_of(MOST, intervals=True, truth=True)
    page = written(tmp_path, customers).read_bytes()
    assert page == written(tmp_path, customers_of(MOST, intervals=True, truth=True)).read_bytes()
    assert len(page) < 1.5e6
    assert b"innerHTML" not in page
