"""What a pilot is worth: mail some by lot, read what a mailing brings, then decide for the campaigns to come.

Every household that the data speak of is mailed or none is, by what is believed of their mean effect. A pilot costs what half of
its households lose when they are mailed against one's belief, or left out, and makes later campaigns choose better.
Where nothing is believed, as observed campaigns do not compare, it is worth what it is by the prior, and asks all: a lot compares
by itself.
Source: Feit & Berman (2019), Test & Roll: profit-maximizing A/B tests, Marketing Science 38, 1038-1058; with a normal belief as
in Raiffa & Schlaifer (1961), Applied Statistical Decision Theory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.nuisance.overlap import comparable
from targeting.policy.beliefs import Forecast
from targeting.policy.posterior import Belief

SIZES = 1000  # of pilots that are compared, at most
FEWEST = 2  # households of the smallest pilot, one per arm


@dataclass(frozen=True)
class Stakes:
    """What is at stake: the belief about the mean effect of a mailing, cost and margin, and whom it is about.

    effect: in units of the outcome. cost: USD per contact, margin: USD per unit of the outcome. households: that a campaign can
    reach, campaigns: to come, the pilot's among them. sd: of the outcome within an arm, after adjustment.
    """

    effect: Belief
    cost: float
    margin: float
    households: int
    campaigns: int
    sd: float

    @property
    def profit(self) -> float:
        """What a contact is expected to earn, in USD."""
        return self.margin * self.effect.mean - self.cost

    @property
    def now(self) -> float:
        """What all campaigns are expected to earn, in USD, if it is decided now to mail all households or none."""
        return self.campaigns * self.households * max(self.profit, 0.0)

    @property
    def perfect_information(self) -> float:
        """What knowing the effect beforehand would add to that, in USD."""
        return self.campaigns * self.households * Belief(self.profit, self.margin * self.effect.sd).expected_gain - self.now

    def with_pilot(self, n: int) -> float:
        """What all campaigns are expected to earn, in USD, with a pilot of `n` households in the first one, half of them mailed.

        The first campaign's other households are decided now, the later campaigns by what is believed after the pilot.
        """
        variance = self.effect.sd**2
        learned = variance / np.sqrt(variance + 4 * self.sd**2 / n) if variance > 0 else 0.0
        first = n / 2 * self.profit + (self.households - n) * max(self.profit, 0.0)
        later = Belief(self.profit, self.margin * float(learned)).expected_gain
        return first + (self.campaigns - 1) * self.households * later


def may_be_asked(forecast: Forecast | None, predicted: pd.DataFrame, bounds: Sequence[float]) -> NDArray[np.bool_]:
    """Which households of `predicted` (see `predict_next`) a pilot may draw (n,), `bounds` being the overlap's.

    Those inside the overlap, of whom something is believed; all where nothing is (`forecast` None).
    """
    if forecast is None:
        return np.ones(len(predicted), dtype=bool)
    return comparable(predicted, predicted["propensity"], bounds)


def mean_effect(forecast: Forecast | None, ranking: ArrayLike, prior: Belief) -> Belief:
    """What is believed of the mean effect of households with these effects by the learner (n,): the prior without a forecast."""
    return prior if forecast is None else forecast.average(ranking)


def best_pilot(stakes: Stakes) -> tuple[int, float]:
    """How many households the best pilot has, and what it is expected to add to deciding now, in USD; 0 and 0 if none pays."""
    sizes = _sizes(stakes.households)
    if not len(sizes):
        return 0, 0.0
    gains = [stakes.with_pilot(int(n)) - stakes.now for n in sizes]
    best = int(np.argmax(gains))
    return (int(sizes[best]), gains[best]) if gains[best] > 0 else (0, 0.0)


def pilot_metrics(stakes: Stakes) -> dict[str, float]:
    """In USD over all campaigns: value_of_deciding_now, value_of_perfect_information and pilot_gain; and pilot_n, households."""
    n, gain = best_pilot(stakes)
    return {
        "value_of_deciding_now": stakes.now,
        "value_of_perfect_information": stakes.perfect_information,
        "pilot_n": n,
        "pilot_gain": gain,
        "campaigns": stakes.campaigns,
    }


def _sizes(households: int) -> NDArray[np.int64]:
    """Even sizes of pilots (sizes,), ascending, evenly spread by ratio where there are too many."""
    if households // 2 <= SIZES:
        return np.arange(FEWEST, households + 1, 2)
    return np.unique(2 * np.rint(np.geomspace(1, households // 2, SIZES)).astype(np.int64))
