"""The made-up retailer: canonical tables of a known size and shape, and a truth that its own purchases bear out."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from targeting.base.columns import OUTCOMES
from targeting.sources import canonical_tables, origins, simulated
from targeting.sources.simulation.campaigns import (
    A_DAYS,
    FOLLOW_UP_DAYS,
    LOT_CHANCE,
    calendar,
    expected_effect,
    expected_without,
    mailing_chance,
    purchase_history,
    response,
)
from targeting.sources.simulation.catalogue import DEPARTMENTS, make_catalogue
from targeting.sources.simulation.draws import Purpose, stream
from targeting.sources.simulation.shoppers import basket_value, make_shoppers
from targeting.sources.simulation.shopping import fill, own_visits, with_totals
from targeting.sources.simulation.world import Purchases, RetailerSettings, respond, simulate, towns
from targeting.tables.checks import cross_check
from targeting.tables.covariates import baseline_covariates
from targeting.tables.engine import connect
from targeting.tables.history import with_history
from targeting.tables.schemas import SCHEMAS, validate
from targeting.tables.write import TRUTH, write_tables, write_truth
from targeting.trials.panel import FIRST
from targeting.trials.trials import plan_trials, trial_rows
from tests.conftest import ENGINE
from tests.frames import in_pandas
from tests.stored import require_stored

SMALL = RetailerSettings(households=300, weeks=36, overlap="good", effect="heterogeneous", seed=3, first_day=date(2016, 1, 4))
DATA = dataclasses.asdict(SMALL) | {"source": "simulated", "path": "requirements.lock", "first_day": "2016-01-04"}


@pytest.fixture(scope="module")
def world():
    return simulate(SMALL)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    """The folder of the small retailer's canonical tables and truth, as the ingest stage writes them."""
    folder = tmp_path_factory.mktemp("simulated") / "tables"
    with connect(ENGINE) as backend:
        source = canonical_tables(backend, DATA)
        write_tables(backend, source, folder)
        write_truth(backend, source, folder / "truth.parquet")
    return folder


@pytest.mark.slow
def test_the_tables_pass_every_check(ingested, world):
    with connect(ENGINE) as backend:
        tables = {name: backend.read_parquet(ingested / f"{name}.parquet") for name in SCHEMAS}
        for name, table in tables.items():
            assert table.count().execute() > 0, name
            validate(name, table, origins({"source": "simulated"}))
        counts = cross_check(tables, origins({"source": "simulated"}))
        sales = float(tables["transactions"].sales.sum().execute())
    # A basket may hold a product twice, at its price each time.
    assert {name for name, count in counts.items() if count} <= {"n_repeated_lines"}
    assert sales == world.tables["transactions"]["sales"].sum() / 100


def test_it_has_what_a_retailer_has(world):
    tables = world.tables
    lines = tables["transactions"].merge(tables["products"], on="product_id", validate="many_to_one")
    assert set(lines["department"]) == {department.name for department in DEPARTMENTS}
    fuel = lines[lines["department"] == "KIOSK-GAS"]
    assert fuel["subcategory"].str.startswith("GASOLINE").all()
    assert fuel["quantity"].min() > 1000 > lines.drop(fuel.index)["quantity"].max()
    assert 0.15 < (lines["brand"] == "Private").mean() < 0.45
    assert set(tables["campaigns"]["campaign_type"]) == {"A", "B", "C"}
    assert tables["households"]["home_ownership"].isna().any()
    assert len(tables["households"]) < SMALL.households / 2
    spend = lines.groupby("household_id")["sales"].sum()
    assert spend.skew() > 1
    assert (lines["coupon_discount"] > 0).sum() == len(tables["redemptions"]) > 0
    assert (lines["sales"] >= 0).all()


def test_windows_of_type_a_do_not_overlap_and_end_with_the_data():
    for weeks in (24, 36, 60, 104):
        campaigns = [campaign for campaign in calendar(weeks) if campaign.type == "A"]
        starts = np.array([campaign.start for campaign in campaigns])
        assert (np.diff(starts) >= A_DAYS + FOLLOW_UP_DAYS).all()
        assert starts[-1] + A_DAYS + FOLLOW_UP_DAYS <= 7 * weeks
    assert len(campaigns) == 4
    with pytest.raises(ValueError, match="20 weeks hold no campaign of type A"):
        calendar(20)


def test_the_same_seed_gives_the_same_tables_and_another_seed_others(world):
    again, other = simulate(SMALL), simulate(dataclasses.replace(SMALL, seed=4))
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(world.tables[name], again.tables[name])
        if name != "campaigns":
            assert not world.tables[name].equals(other.tables[name]), name
    pd.testing.assert_frame_equal(world.truth, again.truth)


@pytest.mark.slow
def test_towns_are_other_households_of_one_retailer(backend, monkeypatch):
    monkeypatch.setattr("targeting.sources.simulation.world.TOWN", 120)
    parts = list(towns(SMALL))
    assert [(own.households, own.first_household) for own in parts] == [(100, 1), (100, 101), (100, 201)]
    worlds = [simulate(own) for own in parts]
    data = dataclasses.asdict(SMALL) | {"first_day": SMALL.first_day.isoformat()}
    whole = {name: in_pandas(table) for name, table in simulated.tables(backend, data).items()}
    for name in ("products", "campaigns", "coupons", "promotions"):
        for world in worlds[1:]:
            pd.testing.assert_frame_equal(world.tables[name], worlds[0].tables[name])
        assert len(whole[name]) == len(worlds[0].tables[name])
    for name in ("transactions", "households", "campaign_targets", "redemptions"):
        assert len(whole[name]) == sum(len(world.tables[name]) for world in worlds)
        for place, world in enumerate(worlds):
            assert world.tables[name]["household_id"].between(100 * place + 1, 100 * place + 100).all()
    assert len(whole["truth"]) == sum(len(world.truth) for world in worlds)
    assert (whole["transactions"].groupby("basket_id")["household_id"].nunique() == 1).all()
    # Cents of each town add up, and no two towns draw the same.
    spent = [world.tables["transactions"]["sales"].sum() for world in worlds]
    assert round(100 * whole["transactions"]["sales"].sum()) == sum(spent)
    assert len(set(spent)) == 3
    assert whole["truth"].groupby((whole["truth"]["household_id"] - 1) // 100)["effect_purchase_amount"].mean().nunique() == 3


def test_few_households_are_one_town():
    assert list(towns(SMALL)) == [SMALL]


def test_worlds_of_one_seed_share_what_no_campaign_causes(world):
    without = simulate(dataclasses.replace(SMALL, effect="none", overlap="randomised")).tables["transactions"]
    first_mailing = world.tables["campaigns"]["start_day"].min()
    columns = ["household_id", "day", "product_id", "quantity", "sales"]
    lines = [frame.loc[frame["day"] < first_mailing, columns] for frame in (world.tables["transactions"], without)]
    ordered = [frame.sort_values(columns, ignore_index=True) for frame in lines]
    pd.testing.assert_frame_equal(*ordered)


def test_the_truth_is_empty_for_a_source_that_does_not_know_it(tables, backend, tmp_path):
    write_truth(backend, tables, tmp_path / "truth.parquet")
    truth = pd.read_parquet(tmp_path / "truth.parquet")
    assert list(truth.columns) == list(TRUTH)
    assert truth.empty


@pytest.mark.slow
def test_propensities_follow_from_the_covariates_that_the_pipeline_sees(ingested):
    """The chance of being mailed, recomputed from the panel's own covariates at each time zero."""
    truth = pd.read_parquet(ingested / "truth.parquet")
    with connect(ENGINE) as backend:
        tables = with_history(backend, {name: backend.read_parquet(ingested / f"{name}.parquet") for name in SCHEMAS})
        calendar_table = tables["campaigns"].execute()
        trials = plan_trials(calendar_table, "A", 28, 28, date(2016, 1, 4), date(2016, 9, 11))
        for trial in trials:
            covariates = baseline_covariates(tables, [trial.time_zero], [28]).execute()
            past = pd.DataFrame(
                {
                    "spend": covariates["x_monetary_sales"],
                    "visits": covariates["x_frequency"],
                    "recency": covariates["x_recency"],
                    "regularity": covariates["x_purchase_regularity"],
                }
            )
            own = truth[truth["campaign_id"] == trial.campaign_id].set_index("household_id")
            expected = own.loc[covariates["household_id"], "propensity"]
            np.testing.assert_allclose(mailing_chance(past, "good"), expected, rtol=1e-9)
            assert len(own) == len(covariates)
    assert len(trials) == 2


@pytest.mark.slow
@pytest.mark.parametrize("overlap", ["randomised", "good", "poor"])
def test_households_are_mailed_as_often_as_their_propensity_says(overlap):
    """Over many retailers: in each fifth of the propensity the share mailed is its mean, within four standard errors."""
    parts = []
    for seed in range(8):
        world = simulate(dataclasses.replace(SMALL, overlap=overlap, seed=seed))
        mailed = world.tables["campaign_targets"].assign(mailed=1.0)
        parts.append(world.truth.merge(mailed, on=["campaign_id", "household_id"], how="left").fillna({"mailed": 0.0}))
    rows = pd.concat(parts, ignore_index=True)
    if overlap == "randomised":
        assert rows["propensity"].nunique() == 1
    for _, group in rows.groupby(pd.cut(rows["propensity"], np.linspace(0, 1, 6)), observed=True):
        e = group["propensity"]
        assert abs(group["mailed"].mean() - e.mean()) < 4 * np.sqrt((e * (1 - e)).sum()) / len(group)
    inside = rows["propensity"].between(0.1, 0.9).mean()
    assert {"randomised": inside == 1, "good": inside > 0.85, "poor": inside < 0.5}[overlap]


@pytest.mark.slow
def test_effects_are_what_was_asked_for():
    none, constant, varied = (
        simulate(dataclasses.replace(SMALL, effect=effect)).truth for effect in ("none", "constant", "heterogeneous")
    )
    assert (none[["effect_purchase_amount", "effect_purchase_count"]] == 0).all(axis=None)
    assert (none["mu1_purchase_amount"] == none["mu0_purchase_amount"]).all()
    for outcome, size in (("purchase_amount", 10), ("purchase_count", 0.5)):
        effect = constant[f"effect_{outcome}"]
        assert effect.max() - effect.min() < 1e-9 < size < effect.mean()
        difference = varied[f"mu1_{outcome}"] - varied[f"mu0_{outcome}"]
        np.testing.assert_allclose(difference, varied[f"effect_{outcome}"], atol=1e-9)
    amount = varied["effect_purchase_amount"]
    assert 0.1 < (amount < 0).mean() < 0.5
    assert amount.std() > 20


def test_a_basket_is_worth_what_its_shopper_spends_on_average():
    """Ten thousand baskets of each of five households and of a campaign's trip, against the closed form."""
    catalogue = make_catalogue(stream(1, Purpose.CATALOGUE))
    shoppers = make_shoppers(5, date(2016, 1, 4), 70, stream(1, Purpose.SHOPPERS))
    value = basket_value(shoppers, catalogue)
    habits = np.repeat(np.arange(6), 10_000)
    baskets = pd.DataFrame({"household": 0, "shopper": habits, "day": 0})
    spend = with_totals(baskets, fill(baskets, shoppers, catalogue, stream(2, Purpose.BASKETS)))["spend"] / 100
    groups = spend.groupby(habits)
    assert (abs(groups.mean() - value) < 4 * groups.std() / 100).all()


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["constant", "heterogeneous"])
def test_the_truth_is_the_mean_of_regenerated_futures(effect):
    """From one state on the first campaign's first day, futures without and with the mailing, many times over.

    Every household's mean outcome without the mailing, and its mean change by it, against the closed form: the standardised
    differences of 120 households have mean square one, and no mean beyond noise.
    """
    settings = dataclasses.replace(SMALL, households=120, effect=effect)
    n_days, repeats = 7 * settings.weeks, 400
    catalogue = make_catalogue(stream(1, Purpose.CATALOGUE))
    shoppers = make_shoppers(settings.households, settings.first_day, n_days, stream(1, Purpose.SHOPPERS))
    value = basket_value(shoppers, catalogue)
    campaign = next(campaign for campaign in calendar(settings.weeks) if campaign.type == "A")
    last = campaign.end + FOLLOW_UP_DAYS

    def purchases(first: int, last: int, number: int) -> Purchases:
        baskets = own_visits(shoppers, first, last, stream(number, Purpose.VISITS))
        lines = fill(baskets, shoppers, catalogue, stream(number, Purpose.BASKETS))
        return Purchases(with_totals(baskets, lines).assign(store=0), lines)

    past = purchase_history(purchases(0, campaign.start - 1, 0).baskets, campaign.start)
    answer = response(campaign, past, shoppers, effect)
    mu0 = expected_without(campaign, {}, shoppers, value, effect)
    truth = expected_effect(campaign, answer, shoppers, value)

    def outcomes(bought: Purchases) -> np.ndarray:
        spend = np.bincount(bought.baskets["household"], weights=bought.baskets["spend"] / 100, minlength=shoppers.n)
        return np.column_stack([spend, np.bincount(bought.baskets["household"], minlength=shoppers.n)])

    everybody = np.ones(shoppers.n, dtype=bool)
    without, change = [], []
    for number in range(1, repeats + 1):
        future = purchases(campaign.start, last, number)
        mailed = respond(future, campaign, answer, everybody, shoppers, catalogue, dataclasses.replace(SMALL, seed=number))
        without.append(outcomes(future))
        change.append(outcomes(mailed) - without[-1])
    for drawn, expected in ((np.array(without), mu0), (np.array(change), truth)):
        spread = drawn.std(axis=0, ddof=1)
        moving = spread > 0
        z = ((drawn.mean(axis=0) - expected.to_numpy()) / np.where(moving, spread, 1) * np.sqrt(repeats))[moving]
        # Rare visits have skewed means, so that the square is a little more variable than a chi-square's.
        assert 0.6 < np.square(z).mean() < 1.5
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        np.testing.assert_allclose(drawn.mean(axis=0)[~moving], expected.to_numpy()[~moving], atol=0.05)


def surprises(seed: int, folder: Path) -> dict[str, list[float]]:
    """By arm and outcome, a retailer's mean outcomes in the pipeline's own trials less the truth of the arm."""
    found: dict[str, list[float]] = {}
    with connect(ENGINE) as backend:
        source = canonical_tables(backend, DATA | {"seed": seed, "households": 400})
        write_tables(backend, source, folder)
        tables = {name: backend.read_parquet(folder / f"{name}.parquet") for name in SCHEMAS}
        truth = source["truth"].execute()
        trials = plan_trials(tables["campaigns"].execute(), "A", 28, 28, date(2016, 1, 4), date(2016, 9, 11))
        for trial in trials:
            frame = trial_rows(trial, tables["transactions"], tables["campaigns"], tables["campaign_targets"], FIRST).execute()
            own = truth[truth["campaign_id"] == trial.campaign_id]
            rows = frame.merge(own, on="household_id", validate="one_to_one")
            assert len(rows) == len(frame)
            for arm in (0, 1):
                members = rows[rows["treated"] == arm]
                for outcome in OUTCOMES:
                    gap = float((members[outcome] - members[f"mu{arm}_{outcome}"]).mean())
                    found.setdefault(f"{arm}_{outcome}", []).append(gap)
    return found


@pytest.mark.slow
def test_outcomes_of_one_retailer_are_as_they_were_when_all_were_judged(ingested, tmp_path):
    found = surprises(0, tmp_path / "0")
    figures = {f"{name} {number}": value for name, values in found.items() for number, value in enumerate(values)}
    require_stored("a made-up retailer's outcomes", figures)


@pytest.mark.long
def test_outcomes_in_the_tables_average_to_the_truth(ingested, tmp_path):
    """Over whole retailers: outcomes of the pipeline's own trials less the truth of the arm, lots and later mailings included."""
    residuals: dict[str, list[float]] = {}
    for seed in range(12):
        for name, values in surprises(seed, tmp_path / str(seed)).items():
            residuals.setdefault(name, []).extend(values)
    assert len(residuals) == 4
    for name, values in residuals.items():
        mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(mean) < 4 * error, name
        # Tight enough to tell the arms apart, which differ by some 17 USD and 0.9 visits.
        assert error < {"purchase_amount": 6, "purchase_count": 0.3}[name[2:]]


def test_lots_are_drawn_with_their_chance(world):
    campaigns = world.tables["campaigns"].set_index("campaign_id")["campaign_type"]
    share = world.tables["campaign_targets"].groupby("campaign_id").size() / SMALL.households
    for kind, chance in LOT_CHANCE.items():
        mean = share[campaigns[share.index] == kind]
        assert abs(mean.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / SMALL.households / len(mean))
