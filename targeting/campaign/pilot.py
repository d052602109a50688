"""What a pilot is worth: mail some by lot, read what a mailing brings, then decide for the campaigns to come.

A household is mailed or not by what is believed of its effect, now and after the pilot alike: where the expected effect, less so
many of its standard deviations as `policy.prudence` says, exceeds the breakeven. A pilot costs what half of its households lose
when they are mailed against that, or left out, and makes later campaigns choose better. It asks those first whom a lot costs
least, which are those nearest to the breakeven: they are also those on whom the answer decides.
Where nothing is believed, as observed campaigns do not compare, all are alike by the prior, and anybody may be asked: a lot
compares by itself.
Source: Feit & Berman (2019), Test & Roll: profit-maximizing A/B tests, Marketing Science 38, 1038-1058, of households who are
all alike; with a normal belief as in Raiffa & Schlaifer (1961), Applied Statistical Decision Theory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from targeting.nuisance.overlap import comparable
from targeting.policy.beliefs import Forecast
from targeting.policy.posterior import FEWEST, Belief, Posterior

Vector = NDArray[np.float64]
SIZES = 200  # of pilots that are compared, at most


@dataclass(frozen=True)
class Stakes:
    """What is at stake: what is believed of each household's effect, and what a contact costs and earns.

    posterior, centred (n,): what is believed of effects, in units of the outcome, and the households' effects by the learner less
    the centre. cost: USD per contact, margin: USD per unit of the outcome. campaigns: to come, the pilot's among them. sd: of the
    outcome within an arm, after adjustment. prudence: as of policy.prudence. seed: of the lot between households whom asking
    costs alike.
    """

    posterior: Posterior
    centred: Vector
    cost: float
    margin: float
    campaigns: int
    sd: float
    prudence: float = 0.0
    seed: int = 0

    @cached_property
    def profit(self) -> Vector:
        """What a contact of each household is expected to earn (n,), in USD."""
        return self.margin * self.posterior.mean(self.centred) - self.cost

    @cached_property
    def contacts(self) -> NDArray[np.bool_]:
        """Who is mailed if it is decided now (n,)."""
        return self.profit > self.prudence * self.margin * self._sd

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """In which order a pilot asks the households: their places (n,), those first whom a lot costs least."""
        lot = np.random.default_rng(self.seed).permutation(len(self.centred))
        return np.lexsort((lot, self._asking))

    @property
    def now(self) -> float:
        """What all campaigns are expected to earn, in USD, if it is decided now."""
        return self.campaigns * self._first

    @property
    def perfect_information(self) -> float:
        """What knowing each household's effect beforehand would add to that, in USD."""
        return self.campaigns * self._chosen(self.margin * self._sd, np.zeros(len(self.centred))) - self.now

    def with_pilot(self, n: int) -> float:
        """What all campaigns are expected to earn, in USD, with a pilot of `n` households in the first one, half of them mailed.

        The first campaign's other households are decided now, the later campaigns by what is believed after the pilot: a normal
        belief in level and slope, of which it measures the mean effect of those whom it asks.
        """
        along, level, slope = self._along, self.posterior.level.sd**2, self.posterior.slope.sd**2
        asked = float(along[self.order[:n]].mean())
        measured = level + slope * asked**2 + 4 * self.sd**2 / n
        learned = np.abs(level + slope * asked * along) / np.sqrt(measured) if measured > 0 else np.zeros(len(along))
        left = np.sqrt(np.maximum(self._sd**2 - learned**2, 0.0))
        later = self._chosen(self.margin * learned, self.prudence * self.margin * left)
        return self._first - float(self._asking[self.order[:n]].sum()) + (self.campaigns - 1) * later

    @cached_property
    def _along(self) -> Vector:
        return self.posterior.along(self.centred)

    @cached_property
    def _sd(self) -> Vector:
        return self.posterior.sd(self.centred, np.ones(len(self.centred), dtype=bool))

    @cached_property
    def _asking(self) -> Vector:
        """What drawing a lot for each household costs (n,), in USD: half of what the decision now is expected to earn by it."""
        return np.where(self.contacts, self.profit, -self.profit) / 2

    @cached_property
    def _first(self) -> float:
        """What one campaign is expected to earn, in USD, if it is decided now."""
        return float(self.profit[self.contacts].sum())

    def _chosen(self, spread: Vector, least: Vector) -> float:
        """What mailing those earns, in USD, whose profit is found above `least` (n,).

        Profits found are normal with this `spread` (n,) around today's: the mean of such a number where it exceeds another.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(spread > 0, (self.profit - least) / spread, np.where(self.profit > least, np.inf, -np.inf))
        return float((self.profit * ndtr(z) + spread * np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)).sum())


def may_be_asked(forecast: Forecast | None, predicted: pd.DataFrame, bounds: Sequence[float]) -> NDArray[np.bool_]:
    """Which households of `predicted` (see `predict_next`) a pilot may draw (n,), `bounds` being the overlap's.

    Those inside the overlap, of whom something is believed; all where nothing is (`forecast` None).
    """
    if forecast is None:
        return np.ones(len(predicted), dtype=bool)
    return comparable(predicted, predicted["propensity"], bounds)


def stakes_of(
    forecast: Forecast | None,
    predicted: pd.DataFrame,
    bounds: Sequence[float],
    prior: Belief,
    economics: tuple[float, float],
    campaigns: int,
    sd: float,
    prudence: float,
    seed: int,
) -> tuple[pd.Series, Stakes]:
    """Whom of `predicted` a pilot may draw (n,), and what is at stake with them: all alike by the prior without a forecast.

    `bounds` are as of `may_be_asked`, `economics` cost and margin, the others as of `Stakes`.
    """
    asked = predicted[may_be_asked(forecast, predicted, bounds)]
    posterior, centred = Posterior(prior, Belief(0.0, 0.0)), np.zeros(len(asked))
    if forecast is not None:
        posterior, centred = forecast.posterior, asked["ranking"].to_numpy(dtype=float) - forecast.centre
    return asked["household_id"], Stakes(posterior, centred, *economics, campaigns, sd, prudence, seed)


def best_pilot(stakes: Stakes) -> tuple[int, float]:
    """How many households the best pilot has, and what it is expected to add to deciding now, in USD; 0 and 0 if none pays."""
    sizes = _sizes(len(stakes.centred))
    if not len(sizes):
        return 0, 0.0
    gains = [stakes.with_pilot(int(n)) - stakes.now for n in sizes]
    best = int(np.argmax(gains))
    return (int(sizes[best]), gains[best]) if gains[best] > 0 else (0, 0.0)


def in_pilot(stakes: Stakes, n: int, household_id: pd.Series) -> pd.Series:
    """The households of a pilot of `n`, of those at stake (households,)."""
    return household_id.iloc[stakes.order[:n]]


def pilot_metrics(stakes: Stakes, n: int, gain: float) -> dict[str, float]:
    """In USD: value_of_deciding_now, value_of_perfect_information, pilot_gain, over pilot_campaigns campaigns; and pilot_n.

    `n` and `gain` are the `best_pilot`; without households at stake nothing is said.
    """
    if not len(stakes.centred):
        return {}
    return {
        "value_of_deciding_now": stakes.now,
        "value_of_perfect_information": stakes.perfect_information,
        "pilot_n": n,
        "pilot_gain": gain,
        "pilot_campaigns": stakes.campaigns,
    }


def _sizes(households: int) -> NDArray[np.int64]:
    """Even sizes of pilots (sizes,), ascending, evenly spread by ratio where there are too many.

    Not below FEWEST, as fewer lots correct nothing that is believed.
    """
    if households < FEWEST:
        return np.empty(0, dtype=np.int64)
    if (households - FEWEST) // 2 < SIZES:
        return np.arange(FEWEST, households + 1, 2)
    return np.unique(2 * np.rint(np.geomspace(FEWEST // 2, households // 2, SIZES)).astype(np.int64))
