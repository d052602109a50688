"""Why each household is mailed next or not, in words."""

from typing import Any

import numpy as np
import pandas as pd

from targeting.campaign.mailing import DECISION, Ground, NextCampaign
from targeting.policy.value import BEST_BETS
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.words.features import covariate_words
from targeting.words.money import amount
from targeting.words.numbers import number


def list_with_reasons(table: pd.DataFrame, campaign: NextCampaign) -> pd.DataFrame:
    """The mailing list as people read it: of the table of `mailing_list` the decision, and the column reason."""
    ranked = int(table["rank"].notna().sum())
    return table[DECISION].assign(reason=[_reason(row, campaign, ranked) for row in table.itertuples()])


def _reason(row: Any, campaign: NextCampaign, ranked: int) -> str:
    mailed = "Mailed" if row.mail else "Not mailed"
    match row.ground:
        case Ground.NO_HISTORY:
            return "Not eligible: no purchase yet, so nothing is known of it."
        case Ground.TARGETED_BEFORE:
            return (
                f"Not eligible: a campaign of type {campaign.campaign_type} mailed it before, and the trials say only what a "
                "first one does."
            )
        case Ground.RUNNING:
            return f"Not eligible: an earlier campaign of type {campaign.campaign_type} still runs for it."
        case Ground.LOT:
            way = "Mailed" if row.mail else "Left out"
            reason = f"{way} by lot, to learn from it (chance of being mailed {number(row.propensity, 3)})"
        case Ground.NOBODY:
            reason = "Not mailed: no policy is expected to earn more than mailing nobody"
        case _:
            whom = f"{campaign.policy} ({POLICY_WORDS[campaign.policy]})"
            reason = f"{mailed} by policy {whom}: {_what_the_policy_goes_by(row, campaign)}"
    return ". ".join([reason, *_place(row, campaign, ranked), *_marks(row)]) + "."


def _place(row: Any, campaign: NextCampaign, ranked: int) -> list[str]:
    """Where a household stands if some must be mailed, and by what; nothing where no household is ranked."""
    if pd.isna(row.rank):
        return []
    by = "expected effect" if np.ndim(campaign.economics.breakeven) == 0 else "expected effect for its cost"
    behind = "" if row.in_overlap else ", behind all in the overlap,"
    return [f"Rank {number(row.rank, 0)} of {number(ranked, 0)}{behind} by {by} ({amount(row.cate, campaign.outcome)})"]


def _what_the_policy_goes_by(row: Any, campaign: NextCampaign) -> str:
    effect, sd, breakeven = (amount(value, campaign.outcome) for value in (row.cate, row.uncertainty, row.breakeven))
    room = f" and {campaign.prudence:g} times that as room" if campaign.policy in BEST_BETS and campaign.prudence else ""
    return f"its expected effect is {effect}, give or take {sd}, breakeven {breakeven}{room}"


def _marks(row: Any) -> list[str]:
    """What makes a prediction doubtful."""
    marks = []
    if not row.in_overlap:
        often, past = "hardly any" if row.past_propensity < 0.5 else "nearly all", number(row.past_propensity)
        carried = ", so that its effect is what is believed of others, with more doubt" if row.reach else ""
        marks.append(f"Outside the overlap: past campaigns mailed {often} households like it (propensity {past}){carried}")
    if row.unlike:
        marks.append(f"Unlike any household that the effect was learned from: {_named(row.unlike)}")
    elif row.outside_range:
        marks.append(f"Beyond all that the effect was learned from, and taken to be at its edge: {_named(row.outside_range)}")
    return marks


def _named(covariates: str) -> str:
    """Columns of covariates, as `Past.outside_range` joins them, in words."""
    return ", ".join(map(covariate_words, covariates.split(", ")))
