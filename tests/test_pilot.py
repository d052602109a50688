"""What a pilot is worth: by hand, and against campaigns played out."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from targeting.campaign.pilot import Stakes, best_pilot, may_be_asked, mean_effect, pilot_metrics
from targeting.policy.beliefs import Forecast, level_prior
from targeting.policy.posterior import Belief
from targeting.sentences.experiment import pilot_words


def stakes(mean: float = 40.0, sd: float = 20.0, cost: float = 12.0, campaigns: int = 5, households: int = 1000) -> Stakes:
    return Stakes(Belief(mean, sd), cost, 0.3, households, campaigns, sd=100.0)


def test_deciding_now_and_knowing_all_by_hand():
    # A contact earns 0.3 * 40 - 12 = 0, give or take 6: nothing now, and 6 / sqrt(2 pi) if it were known.
    even = stakes()
    assert even.now == 0
    assert even.perfect_information == pytest.approx(5000 * 6 / np.sqrt(2 * np.pi))
    paying = stakes(mean=50.0)  # 3 a contact
    assert paying.now == 15_000
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


def test_the_best_pilot_is_the_best_of_all_sizes_and_none_where_none_pays():
    at = stakes(mean=35.0)
    n, gain = best_pilot(at)
    every = {size: at.with_pilot(size) - at.now for size in range(2, 1001, 2)}
    assert (n, gain) == (max(every, key=lambda size: every[size]), pytest.approx(max(every.values())))
    assert 0 < gain < at.perfect_information
    # With one campaign nothing learned is used; what is known teaches nothing; and nobody can be asked where nobody is.
    for none in (stakes(campaigns=1), stakes(mean=35.0, sd=0.0), stakes(households=0), stakes(mean=0.0, sd=1.0)):
        assert best_pilot(none) == (0, 0.0)
    many = stakes(mean=35.0, households=1_000_000)
    assert best_pilot(many)[1] == pytest.approx(
        max(many.with_pilot(size) - many.now for size in range(1000, 40_000, 10)), rel=1e-4
    )


def test_more_campaigns_to_come_make_a_larger_pilot():
    sizes = [best_pilot(stakes(mean=35.0, campaigns=number))[0] for number in (2, 4, 8, 16)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_pilot_in_words():
    pays, not_so = pilot_metrics(stakes(mean=35.0)), pilot_metrics(stakes(campaigns=1))
    said = pilot_words(pays, "purchase_amount", None)
    own = f"experiment.households={pays['pilot_n']}"
    for words in ("5 campaigns", f"{pays['pilot_n']:,.0f} households", f"${pays['pilot_gain']:,.0f} more", own):
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
    assert mean_effect(believed, [20.0, 40.0], prior) == Belief(40.0, 4.0)  # 30 and half of 20 more
    assert mean_effect(None, [20.0, 40.0], prior) == prior
