"""What whole made-up retailers say of learners, the rule that chooses one, and the recommendation, with Monte Carlo errors."""

import numpy as np
import pandas as pd

from study.retailer import CHOSEN
from study.summary import CELL, with_share_error
from targeting.base.columns import COMBINED
from targeting.validation.selection import NESTED, USED

ALL = "all"  # in place of an overlap: retailers of every overlap together
HINDSIGHT = "best_in_hindsight"  # of each world, by each measure: the single learner that only the truth can point out
WORLD = [*CELL, "world"]
MUCH = 0.25  # USD per row


def single(learners: pd.Series) -> pd.Series:
    """Which names are learners of their own: neither combinations, nor what the rule makes of them."""
    return ~learners.isin([*COMBINED, CHOSEN, NESTED, USED, HINDSIGHT])


def choice_summary(worlds: pd.DataFrame, learners: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, and one an effect over all overlaps (overlap `all`).

    Columns: n (retailers), n_rows, propensity_auc, overlap_share, answers_* (share by verdict), shown (share in which
    heterogeneity is claimed), average_share (of rows that get the average effect), recommends and loses (shares in which a policy
    is recommended, and one that truly loses), loses_much (more than MUCH), profit (off-policy, of the recommendation),
    expected_profit, true_profit, applied_profit (of the rule as a next campaign follows it), all_profit, current_profit,
    oracle_profit, inside_oracle_profit (of an oracle that keeps to the overlap), plugin_profit (of mailing whoever's effect
    exceeds the breakeven by the learner that the rule puts first), regret and plugin_regret (the oracle's profit less
    applied_profit, and less plugin_profit), saved (their difference) and overclaimed (expected_profit less true_profit).
    Shares asked about have *_se and Wilson's interval, money (USD per row) *_se.
    """
    plugin = learners.loc[learners["learner"] == CHOSEN, [*WORLD, "plugin_profit"]]
    answers = pd.get_dummies(worlds["answers"], dtype=float).reindex(columns=["everybody", "overlap", "nothing"], fill_value=0.0)
    table = worlds.join(answers.add_prefix("answers_")).merge(plugin, on=WORLD, validate="one_to_one")
    table = table.assign(
        n_rows=table["n"],
        recommends=table["recommended"] != "none",
        loses=table["applied_profit"] < 0,
        loses_much=table["applied_profit"] < -MUCH,
        regret=table["oracle_profit"] - table["applied_profit"],
        plugin_regret=table["oracle_profit"] - table["plugin_profit"],
    )
    table["saved"] = table["plugin_regret"] - table["regret"]
    table["overclaimed"] = table["expected_profit"] - table["true_profit"]
    shares = ["shown", "recommends", "loses", "loses_much"]
    kinds = ("expected", "true", "applied", "all", "current", "oracle", "inside_oracle", "plugin")
    money = [f"{name}_profit" for name in kinds] + ["regret", "plugin_regret", "saved", "overclaimed"]
    seen = ["n_rows", "propensity_auc", "overlap_share", *(f"answers_{name}" for name in answers), "average_share", "profit"]
    groups = _with_all(table).astype(dict.fromkeys(shares, float)).groupby(CELL, sort=False)
    errors = groups[money].sem().add_suffix("_se")
    summary = groups[[*seen, *shares, *money]].mean().join(errors)
    summary = summary.join(groups.size().rename("n")).reset_index()
    for share in shares:
        summary = with_share_error(summary, share)
    return summary


def learner_summary(worlds: pd.DataFrame, learners: pd.DataFrame) -> pd.DataFrame:
    """One row per cell (and an effect over all overlaps) and name of the learners' table, and the best single one in hindsight.

    Columns: n (retailers in which it did not fail), rank_correlation with the true effect, pehe (USD), plugin_regret (USD a
    row), each the mean with *_se; rank_lead and pehe_lead, by how much the rule's first learner is better than it, retailer by
    retailer, with *_se; and first, the share of retailers in which the rule puts it first (missing where that
    says nothing).
    """
    table = learners.merge(worlds[[*WORLD, "best", "oracle_profit"]], on=WORLD, validate="many_to_one")
    table = table.assign(
        plugin_regret=table["oracle_profit"] - table["plugin_profit"], first=(table["learner"] == table["best"]).astype(float)
    )
    table.loc[table["learner"].isin([CHOSEN, NESTED, USED]), "first"] = np.nan
    groups = table[single(table["learner"])].groupby(WORLD, sort=False)
    best = groups.agg(rank_correlation=("rank_correlation", "max"), pehe=("pehe", "min"), plugin_regret=("plugin_regret", "min"))
    table = pd.concat([table, best.reset_index().assign(learner=HINDSIGHT)], ignore_index=True)
    chosen = table.loc[table["learner"] == CHOSEN, [*WORLD, "rank_correlation", "pehe"]]
    table = table.merge(chosen, on=WORLD, suffixes=("", "_chosen"), validate="many_to_one")
    table["rank_lead"] = table["rank_correlation_chosen"] - table["rank_correlation"]
    table["pehe_lead"] = table["pehe"] - table["pehe_chosen"]
    measures = ["rank_correlation", "pehe", "plugin_regret", "rank_lead", "pehe_lead"]
    groups = _with_all(table).groupby([*CELL, "learner"], sort=False)
    shares = groups.agg(n=("world", "size"), first=("first", "mean"))
    return groups[measures].mean().join(groups[measures].sem().add_suffix("_se")).join(shares).reset_index()


def _with_all(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.assign(overlap=ALL)], ignore_index=True)
