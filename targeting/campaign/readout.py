"""What a campaign drawn by lot did: was the draw as logged, what it changed, and what observed campaigns had said before it.

Treated are those on whom the lot fell, whether or not the mailing reached them (intention to treat).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import fisher_exact, norm
from statsmodels.stats.multitest import multipletests

from targeting.base.columns import outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.effects.adaptive import over_campaigns, stable_weights
from targeting.effects.by_segment import FEWEST
from targeting.effects.estimators import EffectData, aipw, aipw_terms, ato_terms, effect_data, ipw
from targeting.effects.pooling import joint_ratios
from targeting.nuisance.lots import balance_p_value
from targeting.nuisance.models import with_logs
from targeting.nuisance.overlap import SUSPECT, inverse_propensity_weights, standardised_mean_differences
from targeting.nuisance.scores import effect_scores
from targeting.policy.posterior import Belief, combined, level_prior
from targeting.stats.estimates import Estimate, SkewedEstimate
from targeting.stats.joined import join
from targeting.stats.lots import sample_ratio_p
from targeting.trials.panel import household_covariates

Mask = NDArray[np.bool_]
NET_PROFIT, EVERYBODY = "net_profit", "all"
MISMATCH = 0.001  # a draw as odd as this is a fault of the draw or its files, and hardly chance (Fabijan et al. 2019)
SEVERAL = 2  # campaigns by lot from which on they are read together too
COLUMNS = ["campaign_id", "evidence", "outcome", "segment", "adjusted", "estimate", "se", "ci_lower", "ci_upper", "p", "p_holm"]
COLUMNS += ["n", "n_mailed", "srm_p", "predicted", "error", "error_p"]


@dataclass(frozen=True)
class ProfitTerms:
    """What net profit is made of: margin per unit of `outcome`, cost per contact; and the rule's `prudence` and prior.

    `effect_spread` is the prior's, in means of the outcome.
    """

    outcome: str
    cost: float
    margin: float
    prudence: float
    effect_spread: float


class Unread(StrEnum):
    """Why a campaign whose lots were given back is no trial, and cannot be read."""

    OTHER_TYPE = "other_type"  # than design.campaign_type
    TOO_SHORT = "too_short"  # the tills say too little of the days before it, or after it began
    ONE_ARM = "one_arm"  # of those who had bought before, the lot mailed all or none


@dataclass(frozen=True)
class Readout:
    """One row per campaign by lot, evidence, outcome and segment (COLUMNS), and by campaign the numbers that sentences need."""

    table: pd.DataFrame
    campaigns: Mapping[Any, Mapping[str, Any]]

    def named(self, key: pd.DataFrame) -> "Readout":
        """The same with campaigns as their user calls them, by data/tables/identifiers.parquet."""
        table = self.table.assign(campaign_id=own_identifiers(self.table["campaign_id"], "campaign", key))
        return Readout(table, by_own_name(self.campaigns, key))


def by_own_name(campaigns: Mapping[Any, Any], key: pd.DataFrame) -> dict[str, Any]:
    """What there is by campaign, under the campaigns' own names as text."""
    names = own_identifiers(pd.Series(list(campaigns)), "campaign", key).astype(str)
    return dict(zip(names, campaigns.values(), strict=True))


def read_out(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    segment: ArrayLike,
    lots: pd.DataFrame,
    targets: pd.DataFrame,
    terms: ProfitTerms,
    seed: int,
) -> Readout:
    """Read every campaign of the panel that was drawn by lot.

    `nuisance` and `segment` (rows,) follow the panel; `lots` is the table of assignments, `targets` campaign_id and household_id
    of all who were mailed; a campaign by lot without any is of a table of customers, and its rows are the draw.
    `seed` is of the lots that the test of balance draws. Without lots the table has no rows; with several campaigns by lot, its
    last ones are of all together, as campaign EVERYBODY.
    """
    tables, campaigns = [pd.DataFrame(columns=COLUMNS)], {}
    contacts: dict[int, float] = {}
    for campaign in panel.loc[panel["by_lot"] == 1, "campaign_id"].unique():
        own = (panel["campaign_id"] == campaign).to_numpy()
        drawn = lots[lots["campaign_id"] == campaign]
        reached = drawn["household_id"].isin(targets.loc[targets["campaign_id"] == campaign, "household_id"]).to_numpy()
        if drawn.empty:
            drawn = _table_as_lots(panel[own])
            reached = drawn["mailed"].to_numpy() == 1
        draw = draw_checks(panel[own], nuisance.loc[own, "propensity"], drawn, reached, seed)
        contacts[campaign] = _contacts(drawn, reached)
        rows = _effects(panel, nuisance, own, np.asarray(segment), contacts[campaign], terms)
        table = pd.DataFrame(rows).assign(campaign_id=campaign, n_mailed=draw["n_mailed"], srm_p=draw.get("srm_p", np.nan))
        tables.append(_compared(table)[COLUMNS])
        campaigns[int(campaign)] = draw
        if draw["as_logged"]:  # else nothing follows
            campaigns[int(campaign)] = draw | _decision(tables[-1], panel[own], contacts[campaign], terms)
    tables.append(_together(panel, nuisance, contacts, terms))
    filled = [table for table in tables if len(table)] or tables
    return Readout(pd.concat(filled, ignore_index=True), campaigns)


def unread_lots(
    lots: pd.DataFrame, calendar: pd.DataFrame, laid_out: ArrayLike, read: ArrayLike, own_type: str
) -> dict[int, Unread]:
    """The campaigns of `lots` that are not among those `read`, in order, and why.

    `calendar` has campaign_id and campaign_type, `laid_out` are the campaigns that were trials before arms were looked at,
    `own_type` is the type that trials are of.
    """
    types = calendar.set_index("campaign_id")["campaign_type"]
    found = {}
    for campaign in np.setdiff1d(lots["campaign_id"], read):
        late = Unread.ONE_ARM if np.isin(campaign, laid_out) else Unread.TOO_SHORT
        found[int(campaign)] = late if types[campaign] == own_type else Unread.OTHER_TYPE
    return found


def _table_as_lots(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of an experiment that a table of customers declares, as the draw they are: treated is on whom the lot fell."""
    return rows[["household_id", "treated", "known_propensity"]].rename(
        columns={"treated": "mailed", "known_propensity": "propensity"}
    )


def draw_checks(rows: pd.DataFrame, propensity: ArrayLike, drawn: pd.DataFrame, reached: Mask, seed: int) -> dict[str, float]:
    """Was the draw as logged, and who was lost: counts, srm_p, attrition_p, the largest imbalance max_smd and its balance_p.

    `rows` are the campaign's rows of the panel, with `propensity` (rows,); `drawn` who took part, and `reached` (drawn,) who was
    mailed. Lost are those that never bought before time zero, of whom the panel knows nothing; attrition_p is Fisher's exact
    test of their share being alike in both arms. balance_p is of all covariates together (see
    `balance_p_value`); as_logged and balanced say what follows from it and from srm_p. What is not defined is left out:
    n_expected, srm_p and balance_p where a chance is not known, max_smd where an arm is too small to have a spread.
    """
    mailed, kept = drawn["mailed"].to_numpy() == 1, drawn["household_id"].isin(rows["household_id"]).to_numpy()
    counts = [[int((kept & arm).sum()), int((~kept & arm).sum())] for arm in (mailed, ~mailed)]
    treated = rows["treated"].to_numpy()
    covariates = rows[household_covariates(rows)].to_numpy(dtype=float)
    covariates = covariates[:, np.ptp(covariates, axis=0) > 0]
    differences = standardised_mean_differences(covariates, treated, inverse_propensity_weights(treated, propensity))
    known = drawn["propensity"].notna().all()
    checks = {
        "n_drawn": len(drawn),
        "n_mailed": int(mailed.sum()),
        "n_expected": float(drawn["propensity"].sum(min_count=len(drawn))),
        "n_not_reached": int((mailed & ~reached).sum()),
        "n_reached_all_the_same": int((~mailed & reached).sum()),
        "n_lost": int((~kept).sum()),
        "srm_p": sample_ratio_p(mailed, drawn["propensity"]),
        "attrition_p": float(fisher_exact(counts).pvalue),
        "max_smd": float(np.abs(differences).max()) if len(differences) else 0.0,
        "balance_p": balance_p_value(with_logs(rows[household_covariates(rows)]), treated, propensity, seed) if known else np.nan,
    }
    # What is not known is no sign of a fault.
    checks |= {"as_logged": not checks["srm_p"] < MISMATCH, "balanced": not checks["balance_p"] < SUSPECT}
    return {name: value for name, value in checks.items() if np.isfinite(value)}


def _contacts(drawn: pd.DataFrame, reached: Mask) -> float:
    """How many contacts more a lot for mailing made, per household `drawn`: 1 where all were mailed as drawn.

    Those with other chances count alike, as they do in the effect: each arm is weighed by one over the chance of being in it.
    """
    mailed, chance = drawn["mailed"].to_numpy() == 1, drawn["propensity"].to_numpy(dtype=float)
    if np.isnan(chance).any():
        chance = np.full(len(drawn), mailed.mean())
    arms = ((mailed, chance), (~mailed, 1 - chance))
    return float(np.subtract(*(np.average(reached[arm], weights=1 / own[arm]) for arm, own in arms)))


def _effects(
    panel: pd.DataFrame, nuisance: pd.DataFrame, own: Mask, segment: NDArray[Any], contacts: float, terms: ProfitTerms
) -> list[dict[str, Any]]:
    """The rows of one campaign: by evidence over everybody, and by lots in each segment."""
    trial = panel["trial"].to_numpy()
    observed = (panel["by_lot"] == 0).to_numpy() & (trial < trial[own].min())
    rows: list[dict[str, Any]] = []
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        found, shared = _by_evidence(data, own, observed)
        found += [("lots", str(name), True, *_in_segment(data, own & (segment == name))) for name in np.unique(segment[own])]
        rows += [_row(outcome, *each) | {"shared": shared} for each in found]
        if outcome == terms.outcome and NET_PROFIT not in panel:
            # Observed campaigns count everybody whom they mailed as contacted.
            for evidence, name, adjusted, effect, n in found:
                cost = terms.cost * (1.0 if evidence == "observed" else contacts)
                row = _row(NET_PROFIT, evidence, name, adjusted, effect.times(terms.margin, cost), n)
                rows.append(row | {"shared": terms.margin**2 * shared})
    return rows


def _together(panel: pd.DataFrame, nuisance: pd.DataFrame, contacts: Mapping[int, float], terms: ProfitTerms) -> pd.DataFrame:
    """The effects over all campaigns by lot whose chances are known, if there are several; a row per outcome.

    `contacts` has by campaign how many contacts more a lot for mailing made.
    """
    known = panel["known_propensity"].notna().to_numpy() & (panel["by_lot"] == 1).to_numpy()
    campaign = panel.loc[known, "campaign_id"]
    if campaign.nunique() < SEVERAL:
        return pd.DataFrame(columns=COLUMNS)
    weights = stable_weights(panel.loc[known, "known_propensity"], campaign)
    made = float(np.average(campaign.map(contacts), weights=weights))
    rows = []
    for outcome in outcomes_of(panel.columns):
        effect = over_campaigns(effect_scores(nuisance[known], outcome), weights, panel.loc[known, "household_id"])
        rows.append(_row(outcome, "lots", EVERYBODY, True, effect, int(known.sum())))
        if outcome == terms.outcome and NET_PROFIT not in panel:
            net = effect.times(terms.margin, terms.cost * made)
            rows.append(_row(NET_PROFIT, "lots", EVERYBODY, True, net, int(known.sum())))
    mailed = int(panel.loc[known, "treated"].sum())
    return pd.DataFrame(rows).assign(campaign_id=EVERYBODY, n_mailed=mailed).reindex(columns=COLUMNS)


def _by_evidence(data: EffectData, own: Mask, observed: Mask) -> tuple[list[tuple[str, str, bool, Estimate, int]], float]:
    """The effects over everybody, and the covariance of the one by lots with the observed one: households are in both."""
    by_lot = data.subset(own)
    adjusted, n = aipw(by_lot), int(own.sum())
    found = [("lots", EVERYBODY, True, adjusted, n), ("lots", EVERYBODY, False, ipw(by_lot), n)]
    if not observed.any():
        return found, 0.0
    both = own | observed
    parts = [own_terms(data.subset(mask)) for own_terms, mask in ((ato_terms, observed), (aipw_terms, own))]
    top, bottom = np.empty(len(own)), np.empty(len(own))
    for mask, (numerator, denominator) in zip((observed, own), parts, strict=True):
        top[mask], bottom[mask] = numerator, denominator
    # Groups are told apart as observed (0) and by lot (1); the pair is turned round for `join`.
    values, covariance = joint_ratios(top[both], bottom[both], own[both].astype(int), data.household_id[both])
    joined = join(values[1], values[0], covariance[::-1, ::-1])
    before = Estimate(float(values[0]), float(np.sqrt(covariance[0, 0])))
    found.append(("observed", EVERYBODY, True, before, int(observed.sum())))
    found.append(("both", EVERYBODY, True, joined.estimate, int(both.sum())))
    return found, float(covariance[0, 1])


def _in_segment(data: EffectData, members: Mask) -> tuple[Estimate, int]:
    """The effect by lots; missing with fewer than FEWEST households in an arm."""
    treated = data.treated[members]
    few = min((treated == 1).sum(), (treated == 0).sum()) < FEWEST
    return (Estimate(np.nan, np.nan) if few else aipw(data.subset(members))), int(members.sum())


def _row(outcome: str, evidence: str, segment: str, adjusted: bool, effect: Estimate, n: int) -> dict[str, Any]:
    # What is believed of both kinds of evidence together has an interval, and no test.
    normal = effect.se > 0 and not isinstance(effect, SkewedEstimate)
    p = float(2 * norm.sf(abs(effect.value) / effect.se)) if normal else np.nan
    names = {"evidence": evidence, "outcome": outcome, "segment": segment, "adjusted": adjusted}
    return names | {"estimate": effect.value, **effect.columns(), "p": p, "n": n}


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """With p_holm, over the segments of an outcome, and what observed campaigns had said: predicted, error, error_p."""
    table = table.assign(p_holm=np.nan, predicted=np.nan, error=np.nan, error_p=np.nan)
    for _, rows in table[table["segment"] != EVERYBODY].dropna(subset="p").groupby("outcome"):
        table.loc[rows.index, "p_holm"] = multipletests(rows["p"], method="holm")[1]
    said = table[table["evidence"] == "observed"].set_index("outcome")
    lots = table[(table["evidence"] == "lots") & (table["segment"] == EVERYBODY) & table["outcome"].isin(said.index)]
    lots = lots[lots["adjusted"]]  # the others' covariance with what had been said is not known
    predicted, se = said["estimate"].reindex(lots["outcome"]).to_numpy(), said["se"].reindex(lots["outcome"]).to_numpy()
    error = predicted - lots["estimate"].to_numpy()
    table.loc[lots.index, "predicted"], table.loc[lots.index, "error"] = predicted, error
    variance = se**2 + lots["se"].to_numpy() ** 2 - 2 * lots["shared"].to_numpy()
    table.loc[lots.index, "error_p"] = 2 * norm.sf(np.abs(error) / np.sqrt(variance))
    return table


def _decision(table: pd.DataFrame, rows: pd.DataFrame, contacts: float, terms: ProfitTerms) -> dict[str, Any]:
    """What is now believed that mailing everybody earns, per household, and whether that pays by the rule.

    A mailing makes as many `contacts` as a lot for it did: its effect is that of meaning to mail. The prior is that of
    `level_prior` by the campaign's own outcomes, the estimate that of net profit's outcome from all evidence. It pays where the
    expected profit less `prudence` times its standard deviation is above nothing.
    """
    own = table[(table["outcome"] == terms.outcome) & (table["segment"] == EVERYBODY) & table["adjusted"]].set_index("evidence")
    if own.empty:
        return {}
    best = own.loc["both" if "both" in own.index else "lots"]
    prior = level_prior(rows[terms.outcome], terms.effect_spread)
    effect = combined(prior, float(best["estimate"]), float(best["se"]) ** 2)
    profit = Belief(terms.margin * effect.mean - terms.cost * contacts, terms.margin * effect.sd)
    lower, upper = profit.interval
    return {
        "evidence": best.name,
        "expected_profit": profit.mean,
        "expected_profit_lower": lower,
        "expected_profit_upper": upper,
        "chance_of_loss": profit.chance_below_zero,
        "pays": bool(profit.mean - terms.prudence * profit.sd > 0),
    }
