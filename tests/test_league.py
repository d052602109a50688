"""The league: strategies on one small retailer, its lists given back, and what is summed up of many."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from scripts.render_readme import ROOT
from study import league, league_play, league_report
from study.league import FIRST, light
from study.league_figure import league_chart
from study.league_play import ALL, NOBODY, ORACLE, STRATEGIES, play_retailer
from study.league_retailer import (
    OUTCOME,
    PAST,
    BeforeCampaign,
    Played,
    campaigns_of,
    first_seen,
    next_seen,
    observed_past,
    retailer_settings,
)
from study.league_strategies import PLUG_IN, TEST_AND_ROLL, THOMPSON, learn, next_list
from study.league_summary import by_campaign, by_strategy
from study.league_verdicts import FEWEST, verdicts
from targeting.base.errors import DataError
from targeting.policy.beliefs import Forecast
from tests.conftest import ENGINE
from tests.test_study_retailers import PARAMS

EXPERIMENT = {"floor": 0.05, "strata": 2}
LEAGUE = light(PARAMS | {"engine": ENGINE, "experiment": EXPERIMENT})
LEAGUE["policy"] = PARAMS["policy"] | {"cost": 12.73, "budget_usd": None}
HOUSEHOLDS, CAMPAIGNS = 200, 2


@pytest.fixture(scope="module")
def played():
    """Two campaigns of one small retailer by three strategies that learn nothing and two that do, and what these saw."""
    seen = []

    def remember(*arguments):
        found = next_seen(*arguments)
        seen.extend(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(league_play, "next_seen", remember)
        names = (NOBODY, ALL, ORACLE, THOMPSON)
        rows = play_retailer(0, ["constant"], names, HOUSEHOLDS, LEAGUE, CAMPAIGNS)
    return pd.DataFrame(rows), seen


@pytest.mark.slow
def test_profits_are_what_the_truth_says(played):
    rows, _ = played
    profit = rows.set_index(["strategy", "campaign"])["profit"]
    assert (profit[NOBODY] == 0).all()
    # The first campaign is the same for all; a constant effect pays, so that the oracle mails all who have a history.
    shop = observed_past(retailer_settings({"effect": "constant"}, HOUSEHOLDS, league_play.retailer_seed(0), CAMPAIGNS))
    ahead = shop.ahead(campaigns_of(shop)[PAST])
    effect = ahead.effect.loc[ahead.households, OUTCOME]
    assert profit[ALL, 1] == profit[ORACLE, 1] == pytest.approx((0.3 * effect - 12.73).sum() / HOUSEHOLDS)
    assert (profit[THOMPSON] <= profit[ORACLE] + 1e-9).all()


@pytest.mark.slow
def test_a_list_by_lot_comes_back_as_a_trial_by_lot(played):
    rows, (seen,) = played
    own = seen.rows[seen.rows["trial"] == PAST + 1]
    assert (own["by_lot"] == 1).all()
    assert own["known_propensity"].between(0.001, 0.999).all()
    mailed = rows.set_index(["strategy", "campaign"]).loc[(THOMPSON, 1), "mailed"]
    assert own["treated"].sum() == round(mailed * HOUSEHOLDS)
    assert (seen.rows.loc[seen.rows["trial"] <= PAST, "by_lot"] == 0).all()


@pytest.mark.slow
def test_what_is_laid_out_campaign_by_campaign_is_what_is_laid_out_at_once():
    settings = retailer_settings({"effect": "heterogeneous", "wear_out": 0.2}, 80, 5, campaigns=2)
    shop = observed_past(settings)
    first, second = campaigns_of(shop)[PAST:]
    ahead = shop.ahead(first)
    (before,) = first_seen([(shop, ahead)], LEAGUE)
    shop = shop.after(ahead, shop.by_the_retailer(ahead))
    ahead = shop.ahead(second)
    (step,), (whole,) = next_seen([Played(shop, ahead, before, None)], LEAGUE), first_seen([(shop, ahead)], LEAGUE)
    pd.testing.assert_frame_equal(step.rows[sorted(step.rows)], whole.rows[sorted(whole.rows)], check_dtype=False)
    pd.testing.assert_frame_equal(step.candidates, whole.candidates)


@pytest.mark.long
def test_what_is_seen_is_the_same_alone_and_beside_other_strategies_and_cells():
    effects = ("heterogeneous", "constant")
    shops = [observed_past(retailer_settings({"effect": effect}, 80, 6, campaigns=2)) for effect in effects]
    first, second = campaigns_of(shops[0])[PAST:]
    ahead = [shop.ahead(first) for shop in shops]
    start = list(zip(shops, ahead, strict=True))
    before = first_seen(start, LEAGUE)
    for one, seen in zip(start, before, strict=True):
        assert_seen_alike(seen, *first_seen([one], LEAGUE))
    assert before[0].rows[OUTCOME].sum() != before[1].rows[OUTCOME].sum()

    known = np.isin(np.arange(80), ahead[0].households)
    by_lot = known & (np.arange(80) % 2 == 0)
    listed = pd.DataFrame({"campaign_id": first.campaign_id, "household_id": np.flatnonzero(known) + 1, "in_overlap": True})
    listed = listed.assign(mail=by_lot[known].astype(int), propensity=0.5)
    chosen, lists, places = (by_lot, known, ~known, by_lot), (listed, None, None, listed), (0, 0, 0, 1)
    after = [shops[place].after(ahead[place], its) for place, its in zip(places, chosen, strict=True)]
    played = [
        Played(own, own.ahead(second), before[place], given) for own, place, given in zip(after, places, lists, strict=True)
    ]
    together = next_seen(played, LEAGUE)
    for one, seen in zip(played, together, strict=True):
        assert_seen_alike(seen, *next_seen([one], LEAGUE))
    assert [seen.rows.loc[seen.rows["trial"] == PAST + 1, "by_lot"].mean() for seen in together] == [1.0, 0.0, 0.0, 1.0]


def assert_seen_alike(one: BeforeCampaign, other: BeforeCampaign) -> None:
    pd.testing.assert_frame_equal(one.rows, other.rows)
    pd.testing.assert_frame_equal(one.candidates, other.candidates)


def test_mailings_wear_out_and_a_hidden_reason_chooses_who_would_have_bought_anyway():
    settings = retailer_settings({"effect": "constant", "wear_out": 0.2}, 300, 7, campaigns=1)
    shop = observed_past(settings)
    last = campaigns_of(shop)[PAST]
    earlier = sum(shop.mailed[campaign].astype(int) for campaign in campaigns_of(shop)[:PAST])
    ahead, fresh = shop.ahead(last), replace(shop, settings=replace(settings, wear_out=0.0)).ahead(last)
    kept = ahead.effect[OUTCOME] / fresh.effect[OUTCOME]
    np.testing.assert_allclose(kept[ahead.households], 0.8 ** earlier[ahead.households])
    led = replace(shop, settings=replace(settings, hidden=2.0)).ahead(last)
    baskets = shop.purchases.baskets
    inside = baskets.loc[baskets["day"].between(last.start, last.end + 28), "household"]
    more = np.bincount(inside, minlength=300) - fresh.without["purchase_count"]
    assert np.corrcoef(led.chance - fresh.chance, more[led.households])[0, 1] > 0.5
    assert abs(np.corrcoef(fresh.chance, more[fresh.households])[0, 1]) < 0.2


@pytest.mark.slow
def test_where_observed_campaigns_do_not_compare_those_by_lot_are_learned_from_alone(played):
    _, (seen,) = played
    rows, rng = seen.rows.copy(), np.random.default_rng(1)
    lots = rows["trial"] == PAST + 1
    rows.loc[lots, ["treated", "known_propensity"]] = np.column_stack([rng.random(lots.sum()) < 0.5, np.full(lots.sum(), 0.5)])
    rows["treated"] = rows["treated"].astype(int)
    both = learn(rows, LEAGUE)
    assert set(both.panel["by_lot"]) == {0, 1}
    # The retailer mailed the better half of its customers and nobody else, until it drew lots.
    rows.loc[~lots, "treated"] = (rows["x_spend_56d"] > rows.loc[~lots, "x_spend_56d"].median()).astype(int)[~lots]
    alone = learn(rows, LEAGUE)
    assert alone.comparable
    assert len(alone.panel) == lots.sum()
    assert (alone.panel["by_lot"] == 1).all()
    assert (alone.nuisance["propensity"] == 0.5).all()
    # Nor does it help where nobody was drawn.
    never = learn(rows[~lots], LEAGUE)
    assert (never.comparable, never.forecast) == (False, None)


def listed(
    strategy: str,
    ranking: list[float],
    shown: bool = True,
    left: int = 1,
    propensity: float = 0.5,
    known: bool = True,
    times: int = 1,
) -> pd.DataFrame:
    """The list of six households so many times, the last outside the overlap, by what is believed: the effects predicted.

    The first level is known to 10 USD; a contact costs 12.73 USD, so that an effect of 42.43 USD pays. Sales are 420 USD.
    Nothing is believed where it is not `known`.
    """
    ids = np.arange(1, 6 * times + 1)
    candidates = pd.DataFrame({"household_id": ids, "has_history": True, "running": False, "eligible": True})
    predicted = pd.DataFrame({"household_id": ids, "propensity": ([propensity] * 5 + [0.01]) * times})
    predicted = predicted.assign(outside_range="", unlike="")
    believed = Forecast.of(level=30.0, level_sd=10.0, slope=1.0, slope_sd=0.0, centre=30.0)
    valued = pd.DataFrame({"policy": ["prudent"], "shown": [shown]})
    choice = SimpleNamespace(recommended="prudent" if known else "none", valued=valued)
    panel = pd.DataFrame({OUTCOME: [400.0, 440.0]})
    learned = SimpleNamespace(choice=choice, panel=panel, forecast=believed if known else None, residual_sd=5.0)
    return next_list(
        strategy,
        BeforeCampaign(candidates, candidates),
        learned,
        predicted.assign(ranking=ranking * times, by_lot=0),
        left,
        LEAGUE,
        seed=1,
    )


def test_each_strategy_draws_up_its_own_list():
    # 45 exceeds the breakeven, but not by half of 10; 60 does.
    ranking = [0.0, 30.0, 45.0, 60.0, -20.0, 80.0]
    assert listed(PLUG_IN, ranking)["mail"].tolist() == [0, 0, 1, 1, 0, 1]
    assert listed("best_bet", ranking)["mail"].tolist() == [0, 0, 0, 1, 0, 0]
    assert listed("shown", ranking)["mail"].tolist() == [0, 0, 0, 1, 0, 0]
    assert listed("shown", ranking, shown=False)["mail"].sum() == 0
    by_chance = listed(THOMPSON, ranking, left=10)
    assert by_chance["by_lot"].all()
    chances = norm.cdf((np.array(ranking) - 12.73 / 0.3) / 10)
    np.testing.assert_allclose(by_chance["propensity"][1:4], chances[1:4].clip(0.05, 0.95), atol=1e-5)
    assert (by_chance["propensity"][[0, 4]] == 0.001).all()  # what loses for sure
    # Nothing is believed of whom is outside the overlap, as beliefs are not carried there here.
    assert by_chance["propensity"].iloc[-1] == EXPERIMENT["floor"]
    # What the last campaign teaches serves none.
    assert listed(THOMPSON, ranking, left=1)["propensity"].tolist() == [0.001, 0.001, 0.999, 0.999, 0.001, 0.001]


def test_a_pilot_is_drawn_for_as_long_as_it_pays():
    kinds, times = [0.0, 30.0, 45.0, 60.0, -20.0, 80.0], 20
    early = listed(TEST_AND_ROLL, kinds, left=1000, times=times)
    drawn = early["by_lot"].to_numpy().reshape(times, -1).sum(axis=0)
    # Those at 45 are nearest to the breakeven of 42.43; who is outside the overlap takes no part.
    assert drawn[2] == times
    assert drawn[-1] == 0
    assert (early.loc[early["by_lot"] == 1, "propensity"] == 0.5).all()
    assert early.loc[early["by_lot"] == 1, "mail"].sum() * 2 == early["by_lot"].sum()
    last = listed(TEST_AND_ROLL, kinds, left=1, times=times)
    assert last["by_lot"].sum() == 0
    assert last["mail"].tolist() == [0, 0, 0, 1, 0, 0] * times
    # Believed is 100 give or take 10 of those that can be reached, whatever the level elsewhere: there is nothing to ask.
    assert listed(TEST_AND_ROLL, [100.0] * 6, left=1000, times=times)["by_lot"].sum() == 0
    # And nobody is asked where nobody can be reached.
    assert listed(TEST_AND_ROLL, [30.0] * 6, left=1000, propensity=0.01, times=times)["by_lot"].sum() == 0
    # Where nothing is believed anybody may be: a tenth of 420 USD of sales, which an effect may well be, nearly pays.
    unknown = listed(TEST_AND_ROLL, [30.0] * 6, left=1000, propensity=0.01, known=False, times=times)
    assert unknown["by_lot"].sum() >= 30
    assert listed(TEST_AND_ROLL, [30.0] * 6, left=1, known=False, times=times)[["by_lot", "mail"]].to_numpy().sum() == 0


def test_a_league_goes_on_where_it_stopped_and_tells_what_other_code_played(tmp_path, monkeypatch):
    path, cells = tmp_path / "played.csv", ("none", "constant")
    first, second = FIRST, FIRST + 1

    def played_by(earned: float):
        """A retailer earns its number's hundredth more than that by every strategy, and says how often it was played."""

        def play(number, cells, strategies, households, params, campaigns):
            with (tmp_path / "calls.txt").open("a") as calls:
                calls.write(f"{number} {' '.join(cells)} {len(strategies)}\n")
            row = {"retailer": number, "campaign": 1, "profit": earned + number / 100, "mailed": 0.5, "by_lot": 0.0}
            return [row | {"cell": cell, "strategy": strategy} for cell in cells for strategy in strategies]

        return play

    monkeypatch.setattr(league, "play_retailer", played_by(1.0))
    league.run(path, ("none",), 1, HOUSEHOLDS, 1, LEAGUE)
    league.run(path, cells, 2, HOUSEHOLDS, 1, LEAGUE)
    rows = pd.read_csv(path)
    assert rows.groupby(["cell", "retailer"]).size().to_dict() == dict.fromkeys(
        [(cell, number) for cell in cells for number in (first, second)], len(STRATEGIES)
    )
    assert rows.loc[rows["retailer"] == second, "profit"].tolist() == pytest.approx([1.0 + second / 100] * 2 * len(STRATEGIES))
    # What is stored of the first retailer is played again by some strategies, and what it lacks by all.
    every = len(STRATEGIES)
    calls = sorted((tmp_path / "calls.txt").read_text().splitlines())
    assert calls == sorted(
        [f"{first} none {every}", f"{first} none 3", f"{first} constant {every}", f"{second} none constant {every}"]
    )

    monkeypatch.setattr(league, "play_retailer", played_by(1.1))
    with pytest.raises(
        DataError, match=rf"retailer {first} of constant earned {1 + first / 100:.4f} USD .*earns {1.1 + first / 100:.4f} now"
    ):
        league.run(path, cells, 3, HOUSEHOLDS, 1, LEAGUE)
    assert pd.read_csv(path).equals(rows)


def league_of(profits: dict[str, list[float]]) -> pd.DataFrame:
    """A league of two retailers and six campaigns: by strategy what each retailer earns every time."""
    return pd.DataFrame(
        [
            {"cell": "heterogeneous", "retailer": retailer, "strategy": name, "campaign": campaign, "profit": earned[retailer]}
            for name, earned in profits.items()
            for retailer in range(2)
            for campaign in range(1, 7)
        ]
    ).assign(mailed=0.5, by_lot=0.0)


def test_sums_by_hand():
    table = league_of({PLUG_IN: [1.0, 2.0], THOMPSON: [3.0, 3.0], ORACLE: [4.0, 4.0]})
    rows = by_strategy(table).set_index("strategy")
    assert rows.loc[THOMPSON, ["profit", "late", "share", "share_se"]].tolist() == [3.0, 3.0, 0.75, 0.0]
    # Leads of 2 and 1: mean 1.5, standard deviation sqrt(1/2), of two retailers.
    assert rows.loc[THOMPSON, ["over_plug_in", "over_plug_in_se"]].tolist() == pytest.approx([1.5, 0.5])
    # Ratios to the mean: 1 - 0.375 * 4 and 2 - 0.375 * 4, so that the error is 0.5 over the oracle's 4.
    assert rows.loc[PLUG_IN, ["share", "share_se"]].tolist() == pytest.approx([0.375, 0.125])
    last = by_campaign(table).set_index(["strategy", "campaign"]).loc[(PLUG_IN, 6)]
    assert last[["cumulative", "cumulative_se", "profit"]].tolist() == pytest.approx([9.0, 3.0, 1.5])


def test_each_aim_is_met_or_missed():
    ours = {"shown": [0.5, 0.5], "best_bet": [0.5, 0.6], THOMPSON: [1.0, 1.2], TEST_AND_ROLL: [1.6, 1.6]}
    table = by_strategy(league_of({PLUG_IN: [0.6, 0.6], ORACLE: [2.0, 2.0]} | ours))
    share, lost, beaten = verdicts(table.assign(n=FEWEST))
    assert "is met." in share
    assert "80%" in share
    assert "is met." in lost
    assert "earn shown to pay -$0.10 (0.000), best bet -$0.050" in beaten
    assert "is missed." in beaten


def test_few_retailers_and_an_oracle_that_earns_next_to_nothing_give_no_verdict():
    ours = {"shown": [0.2, 0.2], "best_bet": [0.2, 0.2], THOMPSON: [0.3, 0.3], TEST_AND_ROLL: [0.3, 0.3]}
    share, lost, beaten = verdicts(by_strategy(league_of({PLUG_IN: [0.1, 0.1], ORACLE: [0.4, 0.4]} | ours)))
    assert "the oracle itself earns only $0.40" in share
    assert all("has no verdict" in verdict for verdict in (share, lost, beaten))
    assert "earn shown to pay +$0.10" in beaten


def test_the_page_is_what_the_tables_say():
    campaigns = pd.read_csv(ROOT / league_report.CAMPAIGN_TABLE)
    assert league_report.render() == (ROOT / league_report.PAGE).read_text(encoding="utf-8")
    assert set(campaigns["strategy"]) == set(STRATEGIES)
    assert len(league_chart(campaigns).axes) == 6
