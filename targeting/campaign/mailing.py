"""The mailing list: whether each household is mailed next, with which chance, and why, for a file that a spreadsheet opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.errors import DataError
from targeting.campaign.exploration import Exploration, draw
from targeting.nuisance.overlap import in_overlap
from targeting.policy.economics import Economics
from targeting.policy.policies import POLICIES, Budget, PolicyData, unavailable
from targeting.policy.tree_rule import follow_rule
from targeting.words.money import currency, unit

Vector = NDArray[np.float64]
COLUMNS = ["household_id", "segment", "cate", "lower", "upper", "in_overlap", "mail", "propensity", "reason"]
NO_BUDGET = Budget()


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
    caution: float = 0.0
    budget: Budget = NO_BUDGET


def mailed_by_policy(campaign: NextCampaign, households: pd.DataFrame, supported: NDArray[np.bool_], seed: int) -> Vector:
    """What the recommended policy says to each of `households` (n,), 1 to mail. The one place that knows policies.

    `households` has household_id, cate, lower (the lower end of the effect's interval, missing where the learner has none), and
    what a contact earned in the household's segment and in its leaf of the policy tree: segment_profit (missing for a segment
    that past campaigns leave unknown) and leaf_profit, in USD. `supported` are those inside the overlap and the range of
    covariates: learned policies mail no others. A policy with no rule for new households (see `has_rule`) mails none.
    Raises DataError for an unknown policy.
    """
    if campaign.policy not in POLICIES:
        raise DataError(f"Unknown policy {campaign.policy!r}; known: {', '.join(POLICIES)}.")
    lower = households["lower"].to_numpy(dtype=float)
    data = PolicyData(
        households["cate"].to_numpy(),
        supported,
        np.zeros(len(households)),
        campaign.economics.breakeven,
        households["household_id"].to_numpy(),
        seed,
        caution=campaign.caution,
        lower=None if np.isnan(lower).any() else lower,
        segment_profit=households["segment_profit"].to_numpy(dtype=float),
        tree=(households["leaf_profit"] > 0).to_numpy(dtype=float),
        cost=campaign.economics.cost,
        budget=campaign.budget,
    )
    if not has_rule(campaign.policy) or campaign.policy in unavailable(data):
        return np.zeros(len(households))
    return POLICIES[campaign.policy](data)


def has_rule(policy: str) -> bool:
    """Whether a policy can decide on a household outside the trials: what the retailer did is known, why it did it is not."""
    return policy != "current"


def known_by(
    predictions: pd.DataFrame, households: pd.DataFrame, segment_profit: pd.Series, rule: pd.DataFrame, outcome: str
) -> pd.DataFrame:
    """What new households are decided by, row by row alike: the columns that `mailed_by_policy` asks for, and leaf_rule.

    `predictions` has cate_*, lower_*, upper_* by outcome; `households` the covariates that the tree's `rule` asks about.
    """
    known = predictions.rename(columns=lambda name: name.removesuffix(f"_{outcome}"))
    return pd.concat([known, segment_profit.rename("segment_profit"), follow_rule(rule, households)], axis=1)


def predicted_profits(campaign: NextCampaign, households: pd.DataFrame) -> Vector:
    """What contacting each household promises, in USD, by what the policy decides by; columns as in `decide`.

    A segment that past campaigns leave unknown promises nothing.
    """
    if campaign.policy == "segment":
        return households["segment_profit"].fillna(0.0).to_numpy(dtype=float)
    if campaign.policy == "policy_tree":
        return households["leaf_profit"].to_numpy(dtype=float)
    return campaign.economics.margin * households["cate"].to_numpy() - campaign.economics.cost


def mailing_list(
    candidates: pd.DataFrame, predictions: pd.DataFrame, campaign: NextCampaign, exploration: Exploration, seed: int
) -> pd.DataFrame:
    """One row per household of `candidates`, in its order, with COLUMNS.

    `candidates` has household_id, segment (text, missing without a history), has_history and targeted_before; `predictions`, of
    those eligible (a history, not targeted before) in the same order, household_id, cate, lower, upper, propensity (that a past
    campaign would have reached it), outside_range (covariates outside the range of the training rows, as text), segment_profit
    and leaf_profit as in `decide`, and leaf_rule (what leads to the leaf, in words).
    Effects and overlap are missing for those not eligible, who are not mailed: no trial speaks of them.
    """
    eligible = candidates["has_history"] & ~candidates["targeted_before"]
    expected = candidates.loc[eligible, "household_id"].tolist()
    if predictions["household_id"].tolist() != expected:
        raise DataError(
            f"{len(predictions)} predictions for {len(expected)} eligible households: run `dvc repro` to rebuild them."
        )
    known = predictions.reset_index(drop=True)
    overlap = in_overlap(known["propensity"], campaign.overlap)
    policy = mailed_by_policy(campaign, known, overlap & (known["outside_range"] == "").to_numpy(), seed)
    chance = exploration.propensity(policy, predicted_profits(campaign, known))
    mail = draw(chance, known["household_id"], seed)

    table = candidates[["household_id"]].assign(segment=candidates["segment"].fillna(""))
    for name in ("cate", "lower", "upper"):
        table.loc[eligible, name] = known[name].to_numpy().round(2)
    table["in_overlap"] = pd.array([pd.NA] * len(table), dtype="Int64")
    table.loc[eligible, "in_overlap"] = overlap.astype(int)
    table["mail"], table["propensity"] = 0, 0.0
    table.loc[eligible, "mail"], table.loc[eligible, "propensity"] = mail, chance.round(6)
    table.loc[eligible, "reason"] = reasons(campaign, known.assign(overlap=overlap, policy=policy, chance=chance, mail=mail))
    table.loc[candidates["targeted_before"], "reason"] = (
        f"Not eligible: a campaign of type {campaign.campaign_type} mailed it before, "
        "and the trials say only what a first one does."
    )
    table.loc[~candidates["has_history"], "reason"] = "Not eligible: no purchase yet, so nothing is known of it."
    return table[COLUMNS]


def reasons(campaign: NextCampaign, rows: pd.DataFrame) -> list[str]:
    """Why each eligible household is mailed or not, in words.

    `rows` has the columns of `mailing_list`'s predictions, overlap, and what was decided: policy, chance and mail.
    """
    words = []
    for row in rows.assign(breakeven=campaign.economics.breakeven).itertuples():
        if row.mail != round(row.policy):
            way = "Mailed" if row.mail else "Left out"
            reason = f"{way} by lot, to learn from it (chance of being mailed {row.chance:.3f})"
        elif campaign.policy == "none":
            reason = "Not mailed: no policy is shown to earn more than mailing nobody"
        elif not has_rule(campaign.policy):
            reason = f"Not mailed: policy {campaign.policy} has no rule for households outside the trials"
        else:
            reason = f"{'Mailed' if row.mail else 'Not mailed'} by policy {campaign.policy}: {_ground(campaign, row)}"
        words.append(". ".join([reason, *_marks(row.overlap, row.propensity, row.outside_range)]) + ".")
    return words


def _ground(campaign: NextCampaign, row: Any) -> str:
    """What the policy goes by, in words."""
    if campaign.policy == "segment":
        if np.isnan(row.segment_profit):
            return "past campaigns do not say what a contact earns in its segment"
        return f"in past campaigns a contact earned {row.segment_profit:.2f} {currency()} in its segment"
    if campaign.policy == "policy_tree":
        return f"in past campaigns a contact earned {row.leaf_profit:.2f} {currency()} by the rule: {row.leaf_rule}"
    return f"its predicted effect is {row.cate:.2f} {unit(campaign.outcome)}, breakeven {row.breakeven:.2f}"


def _marks(overlap: bool, propensity: float, outside_range: str) -> list[str]:
    marks = []
    if not overlap:
        often = "hardly any" if propensity < 0.5 else "nearly all"
        marks.append(f"Outside the overlap: past campaigns mailed {often} households like it (propensity {propensity:.2f})")
    if outside_range:
        marks.append(f"Unlike any household that the effect was learned from: {outside_range}")
    return marks


def list_metrics(
    table: pd.DataFrame, candidates: pd.DataFrame, predictions: pd.DataFrame, campaign: NextCampaign
) -> Mapping[str, float]:
    """Counts of a mailing list, and what its contacts promise by the model that chose them (plug-in, in USD)."""
    eligible = candidates["has_history"] & ~candidates["targeted_before"]
    chance = table.set_index("household_id")["propensity"].reindex(predictions["household_id"]).to_numpy()
    promised = chance * predicted_profits(campaign, predictions)
    return {
        "n_households": len(table),
        "n_eligible": int(eligible.sum()),
        "n_no_history": int((~candidates["has_history"]).sum()),
        "n_targeted_before": int((candidates["has_history"] & candidates["targeted_before"]).sum()),
        "n_in_overlap": int(table["in_overlap"].sum()),
        "n_outside_range": int((predictions["outside_range"] != "").sum()),
        "n_mailed": int(table["mail"].sum()),
        "expected_mailed": float(table["propensity"].sum()),
        "expected_profit_plugin": float(promised.sum()),
    }
