"""What a pilot is worth: by hand, and against campaigns played out."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from targeting.campaign.pilot import Stakes, best_pilot, in_pilot, may_be_asked, pilot_metrics, stakes_of
from targeting.policy.beliefs import Forecast
from targeting.policy.posterior import Belief, Posterior, level_prior
from targeting.sentences.experiment import pilot_words


def stakes(mean: float = 40.0, sd: float = 20.0, cost: float = 12.0, campaigns: int = 5, households: int = 1000) -> Stakes:
    """Households that are all alike."""
    return Stakes(Posterior(Belief(mean, sd), Belief(0.0, 0.0)), np.zeros(households), cost, 0.3, campaigns, sd=100.0)


def test_deciding_now_and_knowing_all_by_hand():
    # A contact earns 0.3 * 40 - 12 = 0, give or take 6: nothing now, and 6 / sqrt(2 pi) if it were known.
    even = stakes()
    assert even.now == 0
    assert even.perfect_information == pytest.approx(5000 * 6 / np.sqrt(2 * np.pi))
    paying = stakes(mean=50.0)  # 3 a contact
    assert paying.now == pytest.approx(15_000)
    assert paying.perfect_information == pytest.approx(5000 * (6 * norm.pdf(0.5) - 3 * norm.cdf(-0.5)))


def test_a_pilot_is_worth_what_campaigns_played_out_earn():
    at, n, rng = stakes(mean=35.0), 200, np.random.default_rng(1)
    effect = rng.normal(35.0, 20.0, 400_000)
    seen = effect + rng.normal(0, np.sqrt(4 * 100.0**2 / n), len(effect))
    kept = 20.0**2 / (20.0**2 + 4 * 100.0**2 / n)
    mails = 0.3 * (35.0 + kept * (seen - 35.0)) - 12.0 > 0
    earned = 0.3 * effect - 12.0
    # The pilot mails 100; mailing does not pay by today's belief, so that the first campaign's others are left out.
    played = 100 * earned + 4 * 1000 * mails * earned
    assert at.with_pilot(n) == pytest.approx(played.mean(), abs=4 * played.std() / np.sqrt(len(effect)))


def test_where_effects_differ_a_pilot_is_worth_what_campaigns_played_out_earn():
    centred, n, cost, margin, prudence = np.array([-60.0, -20.0, 0.0, 10.0, 30.0, 50.0]).repeat(20), 30, 12.0, 0.3, 0.5
    at = Stakes(Posterior(Belief(20.0, 8.0), Belief(0.6, 0.4), None, 5.0), centred, cost, margin, 4, 60.0, prudence)
    rng, worlds = np.random.default_rng(2), 20_000
    draws = np.column_stack([rng.normal(20.0, 8.0, worlds), rng.normal(0.6, 0.4, worlds)])
    design = np.column_stack([np.ones(len(centred)), centred - 5.0])
    effect, asked = draws @ design.T, np.isin(np.arange(len(centred)), at.order[:n])
    measured = design[asked].mean(axis=0)
    seen = draws @ measured + rng.normal(0, np.sqrt(4 * 60.0**2 / n), worlds)
    # The textbook's update of two normal numbers by one linear measurement.
    before = np.diag([8.0**2, 0.4**2])
    gain = before @ measured / (measured @ before @ measured + 4 * 60.0**2 / n)
    after = before - np.outer(gain, measured @ before)
    believed = (np.array([20.0, 0.6]) + (seen - np.array([20.0, 0.6]) @ measured)[:, None] * gain) @ design.T
    doubt = np.sqrt(np.einsum("np,pq,nq->n", design, after, design))
    now = margin * (20.0 + 0.6 * (centred - 5.0)) - cost > prudence * margin * np.hypot(8.0, 0.4 * (centred - 5.0))
    first = np.where(asked, 0.5, now)
    later = margin * believed - cost > prudence * margin * doubt
    played = ((first + 3 * later) * (margin * effect - cost)).sum(axis=1)
    assert at.with_pilot(n) == pytest.approx(played.mean(), abs=4 * played.std() / np.sqrt(worlds))
    decided = (4 * now * (margin * effect - cost)).sum(axis=1)
    assert at.now == pytest.approx(decided.mean(), abs=4 * decided.std() / np.sqrt(worlds))
    known = (4 * np.maximum(margin * effect - cost, 0)).sum(axis=1)
    assert at.now + at.perfect_information == pytest.approx(known.mean(), abs=4 * known.std() / np.sqrt(worlds))


def test_a_pilot_asks_those_first_whom_a_lot_costs_least():
    # Of a contact's 30% and 12 USD: expected profits -6, 0.6, 9 and -0.6; nobody is mailed who is not expected to earn 1.5.
    at = Stakes(Posterior(Belief(30.0, 10.0), Belief(1.0, 0.0)), np.array([-10.0, 12.0, 40.0, 8.0]), 12.0, 0.3, 3, 50.0, 0.5)
    np.testing.assert_allclose(at.profit, [-6.0, 0.6, 9.0, -0.6])
    assert at.contacts.tolist() == [False, False, True, False]
    assert at.order.tolist() == [1, 3, 0, 2]  # half of -0.6, 0.6, 6 and 9 is given up
    # Those whom it costs alike are asked by lot.
    firsts = {Stakes(at.posterior, np.zeros(8), 12.0, 0.3, 3, 50.0, 0.5, seed).order[0] for seed in range(60)}
    assert len(firsts) == 8


def test_the_best_pilot_is_the_best_of_all_sizes_and_none_where_none_pays():
    at = stakes(mean=35.0, households=400)
    n, gain = best_pilot(at)
    every = {size: at.with_pilot(size) - at.now for size in range(30, 401, 2)}
    assert (n, gain) == (max(every, key=lambda size: every[size]), pytest.approx(max(every.values())))
    assert 0 < gain < at.perfect_information
    # With one campaign nothing learned is used; what is known teaches nothing; and fewer than 30 correct no belief.
    for none in (
        stakes(campaigns=1),
        stakes(mean=35.0, sd=0.0),
        stakes(households=0),
        stakes(mean=35.0, households=29),
        stakes(mean=0.0, sd=1.0),
    ):
        assert best_pilot(none) == (0, 0.0)
    many = stakes(mean=35.0, households=100_000)
    found = max(many.with_pilot(size) - many.now for size in range(500, 10_000, 50))
    assert best_pilot(many)[1] == pytest.approx(found, rel=1e-4)


def test_more_campaigns_to_come_make_a_larger_pilot():
    sizes = [best_pilot(stakes(mean=35.0, campaigns=number))[0] for number in (2, 4, 8, 16)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_pilot_asks_the_few_for_whom_a_mailing_may_pay_where_it_loses_on_average():
    # On average a mailing loses 7.5 USD; the best tenth are expected to lose 1.5, give or take 8.
    centred = np.array([0.0] * 900 + [60.0] * 100)
    at = Stakes(Posterior(Belief(15.0, 5.0), Belief(1 / 3, 0.4)), centred, 12.0, 0.3, 10, 100.0)
    n, gain = best_pilot(at)
    assert gain > 0
    assert n <= 100
    assert (at.order[:n] >= 900).all()
    alike = Stakes(at.posterior, np.full(1000, 6.0), 12.0, 0.3, 10, 100.0)  # the same level, and nobody stands out
    assert best_pilot(alike) == (0, 0.0)


def test_the_households_of_the_best_pilot():
    at, ids = stakes(mean=35.0, households=300), pd.Series(np.arange(1, 301))
    chosen = in_pilot(at, best_pilot(at)[0], ids)
    assert len(chosen) == best_pilot(at)[0] > 0
    assert chosen.is_unique
    none = stakes(campaigns=1, households=300)
    assert in_pilot(none, best_pilot(none)[0], ids).empty


def test_a_pilot_in_words():
    pays, not_so = (pilot_metrics(at, *best_pilot(at)) for at in (stakes(mean=35.0), stakes(campaigns=1)))
    said = pilot_words(pays, "purchase_amount", None)
    for words in ("5 campaigns", f"{pays['pilot_n']:,.0f} households", f"${pays['pilot_gain']:,.0f} more", "assignment.csv"):
        assert words in said
    assert "no pilot is expected to earn more" in pilot_words(not_so, "purchase_amount", None)
    unknown = pilot_words(pays, "purchase_amount", Belief(0.0, 50.0))
    assert unknown.endswith(said)
    assert "$98.00" in unknown  # 1.96 standard deviations


def test_where_nothing_is_believed_all_may_be_asked_by_the_prior():
    predicted = pd.DataFrame({"propensity": [0.05, 0.5, 0.95], "outside_range": "", "unlike": ""})
    believed = Forecast.of(level=30.0, level_sd=4.0, slope=0.5, slope_sd=0.0, centre=10.0)
    prior = level_prior([100.0, -300.0], 0.1)  # a tenth of 200
    assert prior == Belief(0.0, 20.0)
    assert may_be_asked(believed, predicted, (0.1, 0.9)).tolist() == [False, True, False]
    assert may_be_asked(None, predicted, (0.1, 0.9)).all()
    households = predicted.assign(household_id=[7, 8, 9], ranking=[0.0, 20.0, 40.0])
    everywhere, others = households.assign(propensity=0.5), ((0.1, 0.9), prior, (12.0, 0.3), 4, 100.0, 0.5, 1)
    asked, at = stakes_of(believed, households, *others)
    assert asked.tolist() == [8]
    np.testing.assert_allclose(at.profit, [0.3 * 35 - 12])
    np.testing.assert_allclose(stakes_of(believed, everywhere, *others)[1].profit, [0.3 * x - 12 for x in (25, 35, 45)])
    asked, at = stakes_of(None, households, *others)
    assert asked.tolist() == [7, 8, 9]
    np.testing.assert_allclose(at.profit, [-12, -12, -12])
    nobody = stakes_of(believed, households.head(1), *others)[1]
    assert pilot_metrics(nobody, *best_pilot(nobody)) == {}
    assert pilot_words({}, "purchase_amount", None) == ""
