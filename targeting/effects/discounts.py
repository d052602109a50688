"""What a mailing's coupons take off: the discounts that it causes, beside those that its households would have had anyway."""

from dataclasses import replace

import pandas as pd

from targeting.base.columns import DISCOUNTS, discounts_of
from targeting.effects.estimators import ato, ato_terms, effect_data, owate_terms
from targeting.stats.estimates import Estimate

MEANING = "{} that a mailing causes, in the overlap population: households that were not mailed use coupons too"


def discount_effects(panel: pd.DataFrame, nuisance: pd.DataFrame) -> pd.DataFrame:
    """The effect of a mailing on each discount in the overlap population, in USD per contact, with its interval.

    A row per discount: discount, estimate, se, ci_lower, ci_upper. Of a discount that nobody got none is caused, which is known.
    """
    got = discounts_of(panel.columns)
    effects = {name: ato(effect_data(panel, nuisance, name)) if name in got else Estimate(0.0, 0.0) for name in DISCOUNTS}
    return pd.DataFrame([{"discount": name, "estimate": found.value, **found.columns()} for name, found in effects.items()])


def caused_costs(effects: pd.DataFrame, n: int) -> pd.DataFrame:
    """The table of `discount_effects` of `n` rows as rows of plots/costs.csv (see `cost_table`): basis caused_DISCOUNT."""
    rows = effects.rename(columns={"estimate": "cost"}).assign(campaign_id="all", n=n)
    rows["basis"] = "caused_" + rows["discount"]
    rows["meaning"] = [MEANING.format(name.replace("_", " ")) for name in rows["discount"]]
    return rows[["campaign_id", "basis", "n", "cost", "se", "ci_lower", "ci_upper", "meaning"]]


def profit_terms(panel: pd.DataFrame, nuisance: pd.DataFrame, sales: str) -> pd.DataFrame:
    """Per row what effects on `sales` and on the discounts are sums of: household_id, and METHOD_weight and METHOD_OUTCOME.

    For the methods ato and owate; an effect is the sum of METHOD_OUTCOME over that of METHOD_weight. All are weighed alike, by
    the variance of sales, so that numerators add up as outcomes do. Without rows where the panel has no such sales.
    """
    table = pd.DataFrame({"household_id": panel["household_id"]})
    if sales not in panel:
        return table.head(0)
    data = {name: effect_data(panel, nuisance, name) for name in (sales, *discounts_of(panel.columns))}
    for method, terms in (("ato", ato_terms), ("owate", owate_terms)):
        for name, own in data.items():
            numerator, weight = terms(replace(own, variance=data[sales].variance))
            table[f"{method}_{name}"], table[f"{method}_weight"] = numerator, weight
    return table
