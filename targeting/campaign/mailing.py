"""The mailing list: whether each household is mailed next, with which chance, and what decided, for a spreadsheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.errors import DataError
from targeting.campaign.exploration import Exploration, draw
from targeting.nuisance.overlap import comparable
from targeting.policy.beliefs import Forecast
from targeting.policy.economics import Economics
from targeting.policy.policies import POLICIES, Budget, PolicyData
from targeting.policy.posterior import Belief
from targeting.policy.value import BEST_BETS
from targeting.stats.estimates import Z
from targeting.stats.units import rounded, unit_of

Vector = NDArray[np.float64]
DECISION = ["household_id", "segment", "cate", "lower", "upper", "in_overlap", "mail", "propensity", "rank"]
# What a reason speaks of besides the decision, missing for those not eligible; past_propensity is of a past campaign.
FACTS = ["past_propensity", "outside_range", "unlike", "breakeven", "uncertainty", "reach"]
NO_BUDGET = Budget()
NEXT = ("none", "all", "inside", *BEST_BETS)  # policies that need no more than what is known of new households


class Ground(StrEnum):
    """What decided on a household."""

    NO_HISTORY = auto()
    TARGETED_BEFORE = auto()
    RUNNING = auto()  # an earlier campaign, for this household
    LOT = auto()  # against what the policy says
    NOBODY = auto()  # no policy is recommended
    POLICY = auto()


@dataclass(frozen=True)
class NextCampaign:
    """The next campaign: its type, the policy to follow, what a contact costs and earns, on which outcome, and the overlap.

    Where `economics` differ by household, they have the order of the households that a function gets with the campaign.
    """

    campaign_type: str
    policy: str
    economics: Economics
    outcome: str
    overlap: Sequence[float]
    prudence: float = 0.0
    budget: Budget = NO_BUDGET


def known_by(predictions: pd.DataFrame, forecast: Forecast | None, bounds: Sequence[float]) -> pd.DataFrame:
    """Predictions of households (ranking, the effect by the learner that ranks) with what is believed of their effects.

    Adds in_overlap, by the overlap's `bounds`; expected and uncertainty, mean and standard deviation of the effect, missing
    without a forecast; and of whom that is believed (reach): of nobody who is `unlike` all that was learned from.
    """
    overlap = comparable(predictions, predictions["propensity"], bounds)
    if forecast is None:
        return predictions.assign(in_overlap=overlap, expected=np.nan, uncertainty=np.nan, reach=False)
    expected, uncertainty = forecast.effects(predictions["ranking"], overlap)
    reach = forecast.posterior.speaks_of(overlap) & (predictions["unlike"] == "").to_numpy()
    return predictions.assign(in_overlap=overlap, expected=expected, uncertainty=uncertainty, reach=reach)


def seen_by_policy(campaign: NextCampaign, households: pd.DataFrame, seed: int) -> PolicyData:
    """What policies may see of `households` (n,), which have household_id and the columns of `known_by`."""
    return PolicyData(
        cate=households["expected"].to_numpy(),
        overlap=(households["in_overlap"] & (households["unlike"] == "")).to_numpy(),
        treated=np.zeros(len(households)),
        breakeven=campaign.economics.breakeven,
        household_id=households["household_id"].to_numpy(),
        seed=seed,
        expected=households["expected"].to_numpy(),
        uncertainty=households["uncertainty"].to_numpy(),
        reach=households["reach"].to_numpy(),
        prudence=campaign.prudence,
        cost=campaign.economics.cost,
        budget=campaign.budget,
    )


def mailed_by_policy(policy: str, data: PolicyData) -> Vector:
    """What the recommended policy says to each household (n,), 1 to mail.

    Raises DataError for a policy that has no rule for new households.
    """
    if policy not in NEXT:
        raise DataError(f"No rule for new households by policy {policy!r}; there is one by {', '.join(NEXT)}.")
    return POLICIES[policy](data)


def ranks(data: PolicyData) -> Vector:
    """Whom to mail first if some must be mailed: 1 to n, in the order of the policy `budget`; missing where nothing is believed.

    Those inside the overlap come first, then the larger expected effect (per breakeven where costs differ), then the lot.
    """
    if data.expected is None or np.isnan(data.expected).any():
        return np.full(len(data.cate), np.nan)
    rank = np.empty(len(data.cate))
    rank[data.queue.order] = np.arange(1, len(rank) + 1)
    return rank


def expected_profits(campaign: NextCampaign, households: pd.DataFrame) -> Vector:
    """What contacting each household is expected to earn (n,), in USD; columns as in `known_by`.

    Where nothing is believed of its effect a contact brings nothing, and costs what it costs.
    """
    return campaign.economics.margin * households["expected"].fillna(0.0).to_numpy() - campaign.economics.cost


def mailing_list(
    candidates: pd.DataFrame, predictions: pd.DataFrame, campaign: NextCampaign, exploration: Exploration, seed: int
) -> pd.DataFrame:
    """One row per household of `candidates`, in its order, with DECISION, ground (a `Ground`) and FACTS.

    `candidates` has household_id, segment (text, missing without a history), has_history, running and eligible; `predictions`,
    of those eligible in the same order, household_id, propensity (that a past campaign would have reached it), outside_range and
    unlike (covariates outside the range of the training rows and far outside, as text), and the columns of `known_by`. cate is
    the expected effect, lower and upper its 95% credible interval, rank whom to mail first (see `ranks`). Effects and overlap
    are missing for those not eligible, who are not mailed: no trial speaks of them.
    """
    eligible = candidates["eligible"]
    expected = candidates.loc[eligible, "household_id"].tolist()
    if predictions["household_id"].tolist() != expected:
        raise DataError(
            f"{len(predictions)} predictions for {len(expected)} eligible households: run `dvc repro` to rebuild them."
        )
    known = predictions.reset_index(drop=True)
    seen = seen_by_policy(campaign, known, seed)
    policy = mailed_by_policy(campaign.policy, seen)
    # Nothing is believed of whom no belief reaches, whatever the numbers say.
    believed = known.assign(**known[["expected", "uncertainty"]].where(known["reach"]))
    spread = campaign.economics.margin * believed["uncertainty"].to_numpy()
    chance = exploration.propensity(policy, expected_profits(campaign, believed), spread)
    mail = draw(chance, known["household_id"], seed)

    # To cents, or finer where effects are of cents.
    unit = min(1.0, unit_of(np.append(known["expected"].fillna(0.0), 0.0)))
    table = candidates[["household_id"]].assign(segment=candidates["segment"].fillna(""))
    for name, reach in (("cate", 0.0), ("lower", -Z), ("upper", Z)):
        table.loc[eligible, name] = rounded(known["expected"] + reach * known["uncertainty"], unit)
    table["in_overlap"] = pd.array([pd.NA] * len(table), dtype="Int64")
    table.loc[eligible, "in_overlap"] = known["in_overlap"].astype(int).to_numpy()
    table["mail"], table["propensity"] = 0, 0.0
    table.loc[eligible, "mail"], table.loc[eligible, "propensity"] = mail, chance.round(6)
    table["rank"] = pd.array([pd.NA] * len(table), dtype="Int64")
    table.loc[eligible, "rank"] = pd.array(ranks(seen), dtype="Int64")
    table["ground"] = Ground.POLICY
    table.loc[eligible, "ground"] = _grounds(campaign.policy, policy, mail)
    table.loc[~eligible, "ground"] = Ground.TARGETED_BEFORE
    table.loc[candidates["running"], "ground"] = Ground.RUNNING
    table.loc[~candidates["has_history"], "ground"] = Ground.NO_HISTORY
    facts = known.assign(breakeven=campaign.economics.breakeven).rename(columns={"propensity": "past_propensity"})
    facts = facts[["household_id", *FACTS]]
    return table.merge(facts, on="household_id", how="left", validate="one_to_one")


def _grounds(name: str, policy: Vector, mail: NDArray[np.int64]) -> NDArray[np.object_]:
    """What decided on each eligible household (n,), of which `policy` says `policy` and the lot `mail`."""
    grounds = np.full(len(mail), Ground.NOBODY if name == "none" else Ground.POLICY, dtype=object)
    grounds[mail != policy.round()] = Ground.LOT
    return grounds


def list_metrics(
    table: pd.DataFrame, candidates: pd.DataFrame, known: pd.DataFrame, campaign: NextCampaign, forecast: Forecast | None
) -> Mapping[str, float]:
    """Counts of a mailing list, and what it is expected to earn in all, in USD, by its chances of mailing.

    expected_profit with the ends of its 95% credible interval, and chance_of_loss; missing without a forecast, or anybody
    eligible.
    """
    eligible = candidates["eligible"]
    chance = table.set_index("household_id")["propensity"].reindex(known["household_id"]).to_numpy()
    counts = {
        "n_households": len(table),
        "n_eligible": int(eligible.sum()),
        "n_no_history": int((~candidates["has_history"]).sum()),
        "n_set_aside": int((candidates["has_history"] & ~eligible).sum()),
        "n_in_overlap": int(table["in_overlap"].sum()),
        "n_within_reach": int(known["reach"].sum()),
        "n_outside_range": int((known["outside_range"] != "").sum()),
        "n_unlike": int((known["unlike"] != "").sum()),
        "n_mailed": int(table["mail"].sum()),
        "n_mailed_outside": int((table["mail"] * (table["in_overlap"] == 0)).sum()),
        "expected_mailed": float(table["propensity"].sum()),
    }
    if forecast is None or known.empty:
        return counts
    # A contact of whom nothing is believed brings nothing, and costs what it costs.
    reach = known["reach"].to_numpy()
    believed = forecast.profit(chance * reach, known["ranking"], known["in_overlap"].to_numpy(), campaign.economics)
    profit = Belief(believed.mean - float(np.mean(chance * ~reach * campaign.economics.cost)), believed.sd)
    lower, upper = profit.interval
    each = {"expected_profit": profit.mean, "expected_profit_lower": lower, "expected_profit_upper": upper}
    return {**counts, **{name: value * len(known) for name, value in each.items()}, "chance_of_loss": profit.chance_below_zero}
