"""Mail partly by lot, so that the next campaign can be learned from: every household gets a known chance of being mailed.

With a chance strictly between 0 and 1 for everybody, what a campaign does can be estimated for everybody by its logged chances,
whatever decided; without exploration a rule mails some always and others never, and nobody can be compared with anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtr

from targeting.nuisance.overlap import WIDE, in_overlap
from targeting.policy.economics import Economics
from targeting.stats.estimates import Z, mean_estimate

Vector = NDArray[np.float64]
EPSILONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
TEMPERATURES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # USD
# Softmax alone gives chances too small to learn from wherever a contact promises a large loss: a coin bounds them.
SOFTMAX_EPSILON = 0.1
LEAST = 0.001  # of a lot's chance under thompson: with less, one household that is drawn would outweigh all others
SIMULATED_EPSILONS, N_CAMPAIGNS, N_WORLDS = (0.0, 0.1, 0.3), 6, 100


@dataclass(frozen=True)
class Exploration:
    """How to explore: `method` epsilon_greedy, softmax or thompson.

    `epsilon` lies in [0, 1], `temperature` in USD of profit above 0; `floor` is the least chance of either arm under thompson,
    where as much is at stake over the `campaigns` to come.
    """

    method: str
    epsilon: float
    temperature: float
    floor: float = 0.05
    campaigns: int = 4

    def propensity(self, policy: ArrayLike, profit: ArrayLike, spread: ArrayLike) -> Vector:
        """Each household's chance of being mailed (n,), by the policy, or by the profit of a contact, expected and its spread."""
        if self.method == "softmax":
            return softmax(profit, self.temperature, self.epsilon)
        if self.method == "thompson":
            return thompson(profit, spread, self.floor, self.campaigns)
        return epsilon_greedy(policy, self.epsilon)


def epsilon_greedy(policy: ArrayLike, epsilon: float) -> Vector:
    """Chances (n,) that follow `policy` (0, 1 or between), but with chance `epsilon` toss a fair coin instead.

    They lie in [epsilon / 2, 1 - epsilon / 2]. Source: Sutton & Barto (2018), Reinforcement Learning, 2nd edition, section 2.2.
    """
    return (1 - epsilon) * np.asarray(policy, dtype=float) + epsilon / 2


def softmax(profit: ArrayLike, temperature: float, epsilon: float = 0.0) -> Vector:
    """Chances (n,) that rise with the `profit` in USD that a contact promises: exp(profit / temperature) against exp(0).

    Over mailing and not mailing they sum to 1; at a profit of 0 both are even. A coin tossed with chance `epsilon` bounds them,
    as above. Source: Sutton & Barto (2018), section 2.8.
    """
    return epsilon_greedy(expit(np.asarray(profit, dtype=float) / temperature), epsilon)


def thompson(profit: ArrayLike, spread: ArrayLike, floor: float, campaigns: int) -> Vector:
    """The chance (n,) that a contact pays, by what is believed: normal with mean `profit` and this `spread`, in USD.

    That is how often a draw from the belief would mail the household. What is believed to be wrong has a chance of `floor` at
    least, so that everybody stays comparable; but never more than is `repaid` in the later of the `campaigns`, and never less
    than LEAST, as no lot has a chance of 0 or 1. Where nothing is believed (a missing spread) the chance is `floor`, or LEAST
    in the last campaign.
    Sources: Thompson (1933), Biometrika 25, 285-294; Hadad, Hirshberg, Zhan, Wager & Athey (2021), Confidence intervals for
    policy evaluation in adaptive experiments, PNAS 118(15), for why chances need a floor.
    """
    mean, sd = np.asarray(profit, dtype=float), np.asarray(spread, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = np.where(sd > 0, ndtr(-np.abs(mean) / sd), 0.0)
    chance = np.clip(np.minimum(np.maximum(wrong, floor), repaid(mean, sd, campaigns)), LEAST, 0.5)
    unknown = floor if campaigns > 1 else LEAST
    return np.where(np.isnan(sd), unknown, np.where(mean > 0, 1 - chance, chance))


def repaid(profit: ArrayLike, spread: ArrayLike, campaigns: int) -> Vector:
    """The largest chance (n,) of doing what is believed to be wrong that what it teaches can repay; may be above 1.

    Doing so with a chance c costs c |profit|. Knowing would bring the expected gain of perfect information in each of the
    `campaigns` to come but the first, whose list is drawn now (Raiffa & Schlaifer 1961): c is this gain, as often as it comes,
    over |profit|. Where nothing is at stake it has no bound.
    """
    mean, sd = np.abs(np.asarray(profit, dtype=float)), np.asarray(spread, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(sd > 0, mean / sd, np.inf)
        gain = np.where(sd > 0, sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) - mean * ndtr(-z), 0.0)
        return np.where(mean > 0, (campaigns - 1) * gain / mean, np.inf)


def draw(propensity: ArrayLike, household_id: ArrayLike, seed: int) -> NDArray[np.int64]:
    """Who is mailed (n,), 0 or 1, by these chances; depends on the set of households and the seed, not on their order.

    Households must be distinct, in any order. A chance of 0 is never drawn, one of 1 always.
    """
    households = np.asarray(household_id)
    # The k-th smallest household gets the k-th number.
    uniform = np.random.default_rng(seed).random(len(households))[np.argsort(np.argsort(households))]
    return (uniform < np.asarray(propensity, dtype=float)).astype(np.int64)


def expected_effective_sizes(propensity: ArrayLike) -> tuple[float, float]:
    """Kish's effective sizes of both arms (mailed, not mailed), as expected under these chances, over the number of households.

    With weights 1 / p the mailed have sum n and sum of squares sum(1 / p) in expectation: n / sum(1 / p), the harmonic mean of
    the chances. Zero where any household has no chance of that arm: then nothing weighs up to everybody.
    """
    p = np.asarray(propensity, dtype=float)
    with np.errstate(divide="ignore"):
        return float(1 / np.mean(1 / p)), float(1 / np.mean(1 / (1 - p)))


def exploration_table(
    policy: ArrayLike,
    expected: ArrayLike,
    score: ArrayLike,
    household_id: ArrayLike,
    overlap: NDArray[np.bool_],
    economics: Economics,
    residual_sd: float,
    uncertainty: ArrayLike,
    floor: float,
    campaigns: int,
) -> pd.DataFrame:
    """What exploring costs and buys, one row per setting, per row of the panel; rows (n,) have the effect expected and scored.

    thompson goes by what is expected and its `uncertainty` (n,), missing where nothing is believed, by `floor` and `campaigns`.
    Columns: method, setting (epsilon, temperature in USD beside an epsilon of 0.1, or floor), share_mailed; profit, off-policy
    against mailing nobody; given_up with its 95% interval: how much less that is than following the policy; given_up_inside: the
    part of it inside the `overlap`, as the lot reaches outside too, where scores are extrapolated and an interval is too short;
    given_up_plugin, the whole by the expected effects; smallest_chance: of the arm that a household is least likely to get;
    ess_mailed and ess_not_mailed, shares of the rows; and half_width: of the 95% interval for everybody's effect from n rows
    mailed so, if outcomes vary by `residual_sd` around what is predicted (missing where an arm has an effective size of 0).
    """
    greedy = np.asarray(policy, dtype=float)
    promised, earned = (economics.margin * np.asarray(effect, dtype=float) - economics.cost for effect in (expected, score))
    settings = [("epsilon_greedy", epsilon, epsilon_greedy(greedy, epsilon)) for epsilon in EPSILONS]
    settings += [("softmax", temperature, softmax(promised, temperature, SOFTMAX_EPSILON)) for temperature in TEMPERATURES]
    spread = economics.margin * np.asarray(uncertainty, dtype=float)
    settings.append(("thompson", floor, thompson(promised, spread, floor, campaigns)))
    rows = []
    for method, setting, chance in settings:
        given_up = mean_estimate((greedy - chance) * earned, household_id)
        inside = mean_estimate((greedy - chance) * earned * overlap, household_id)
        mailed, others = expected_effective_sizes(chance)
        variance = (1 / mailed + 1 / others) / len(greedy) if min(mailed, others) > 0 else np.nan
        rows.append(
            {
                "method": method,
                "setting": setting,
                "share_mailed": chance.mean(),
                "profit": (chance * earned).mean(),
                "given_up": given_up.value,
                "given_up_ci_lower": given_up.lower,
                "given_up_ci_upper": given_up.upper,
                "given_up_inside": inside.value,
                "given_up_inside_ci_lower": inside.lower,
                "given_up_inside_ci_upper": inside.upper,
                "given_up_plugin": ((greedy - chance) * promised).mean(),
                "smallest_chance": np.minimum(chance, 1 - chance).min(),
                "ess_mailed": mailed,
                "ess_not_mailed": others,
                "half_width": Z * residual_sd * np.sqrt(variance),
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class CustomerBase:
    """A made-up retailer: `households`, effects base + slope * x with x standard normal, and outcomes of this spread, in USD.

    What is sold without a mailing is 5 x. Its first campaign reaches those with a large x: chance expit(steepness * x).
    """

    households: int = 1000
    base: float = 10.0
    slope: float = 30.0
    noise: float = 60.0
    steepness: float = 4.0
    breakeven: float = 20.0


def simulate_campaigns(world: CustomerBase, epsilon: float, campaigns: int, seed: int) -> pd.DataFrame:
    """Successive campaigns in a world with a known truth, each mailing by what those before it taught, and a lot of `epsilon`.

    The first is the retailer's own. Then households are mailed whose effect is above breakeven by a line in x, fitted to the
    inverse-propensity-weighted outcomes of the campaigns that can be learned from (no chance is 0 or 1). One row per campaign:
    campaign; overlap_share (chance in [0.05, 0.95]); ess, the smaller arm's as a share; estimate and half_width of everybody's
    mean effect from all campaigns so far, and whether that interval covers it; and regret: how much less per household it earns
    than mailing those whose true effect is above breakeven, in USD of sales.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=world.households)
    effect = world.base + world.slope * x
    chance = expit(world.steepness * x)
    best = np.maximum(effect - world.breakeven, 0).mean()
    rows: list[dict[str, float]] = []
    learned: list[tuple[Vector, float]] = []
    for campaign in range(1, campaigns + 1):
        mailed = rng.random(world.households) < chance
        outcome = 5 * x + effect * mailed + rng.normal(0, world.noise, world.households)
        mailed_size, other_size = expected_effective_sizes(chance)
        if min(mailed_size, other_size) > 0:
            signal = outcome * np.where(mailed, 1 / chance, -1 / (1 - chance))
            learned.append((signal, 1 / (1 / mailed_size + 1 / other_size)))
        line, estimate, half_width = _learn(learned, x)
        rows.append(
            {
                "campaign": campaign,
                "overlap_share": in_overlap(chance.round(9), WIDE).mean(),
                "ess": min(mailed_size, other_size),
                "estimate": estimate,
                "half_width": half_width,
                "covers": float(abs(estimate - effect.mean()) <= half_width),
                "regret": best - (chance * (effect - world.breakeven)).mean(),
            }
        )
        chance = epsilon_greedy(line > world.breakeven, epsilon)
    return pd.DataFrame(rows)


def simulated_means(seed: int) -> pd.DataFrame:
    """The columns of `simulate_campaigns`, averaged over worlds: one row per epsilon and campaign, ordered by both."""
    worlds = [
        simulate_campaigns(CustomerBase(), epsilon, N_CAMPAIGNS, seed + number).assign(epsilon=epsilon)
        for epsilon in SIMULATED_EPSILONS
        for number in range(N_WORLDS)
    ]
    return pd.concat(worlds).groupby(["epsilon", "campaign"], as_index=False).mean()


def exploration_metrics(table: pd.DataFrame, campaigns: pd.DataFrame) -> dict[str, float]:
    """What an epsilon of 0.1 costs and teaches, of `exploration_table`; beside none in the last campaign of `simulated_means`."""
    tenth = table[(table["method"] == "epsilon_greedy") & np.isclose(table["setting"], 0.1)].iloc[0]
    last = campaigns[campaigns["campaign"] == N_CAMPAIGNS].set_index("epsilon")
    shown = [f"{part}{end}" for part in ("given_up", "given_up_inside") for end in ("", "_ci_lower", "_ci_upper")]
    return {
        **tenth[[*shown, "ess_mailed", "half_width"]].add_suffix("_epsilon_10"),
        "simulated_half_width_without": last.loc[0.0, "half_width"],
        "simulated_half_width_epsilon_10": last.loc[0.1, "half_width"],
    }


def _learn(learned: Sequence[tuple[Vector, float]], x: Vector) -> tuple[Vector, float, float]:
    """The fitted effects at x, their mean and its 95% half-width, campaigns weighed by effective size.

    Those sizes follow from the chances alone: weights estimated from outcomes would favour campaigns that look precise by luck.
    """
    signals = np.array([signal for signal, _ in learned])
    weights = np.array([size for _, size in learned])
    weights = weights / weights.sum()
    design = np.column_stack([np.ones(len(x)), x])
    signal = weights @ signals
    line = design @ np.linalg.lstsq(design, signal, rcond=None)[0]
    return line, float(signal.mean()), float(Z * (signal - line).std(ddof=2) / np.sqrt(len(x)))
