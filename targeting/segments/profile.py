"""What tells segments apart: differences by feature with effect sizes, tiers of value, and demographics where they are known."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.oneway import anova_oneway, convert_effectsize_fsqu

# Tiers by rank of revenue: share of households from the top at which each ends.
TIERS = {"top 20%": 0.2, "next 30%": 0.5, "lower 50%": 1.0}
KEY = "household_id"


def feature_differences(features: pd.DataFrame, segments: NDArray[np.int64]) -> pd.DataFrame:
    """One row per feature, the most telling first: feature, F of a one-way analysis of variance, p_value, and eta_squared.

    `eta_squared` is the share of the feature's variance that lies between segments: 0.01 is small, 0.06 medium, 0.14 large (Cohen
    1988). Segments were made to differ in these features, so the p-values are no evidence that segments exist. A feature
    without spread inside the segments or at all is left out.
    """
    rows = []
    for name in features:
        groups = [values.to_numpy(dtype=float) for _, values in features[name].groupby(segments)]
        if all(np.ptp(group) == 0 for group in groups):
            continue
        test = anova_oneway(groups, use_var="equal")
        effect = convert_effectsize_fsqu(f2=test.statistic * test.df_num / test.df_denom)
        rows.append({"feature": name, "f": test.statistic, "p_value": test.pvalue, "eta_squared": effect.eta2})
    table = pd.DataFrame(rows, columns=["feature", "f", "p_value", "eta_squared"])
    return table.sort_values(["eta_squared", "feature"], ascending=[False, True], ignore_index=True)


def value_tiers(revenue: pd.Series, segments: NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    """One row a tier of household revenue and segment: tier, segment, name, n, share (of the tier), share_revenue (of all).

    The rows of segment 0, "all segments", hold the tiers themselves; their share is of all households. Households with the same
    revenue are ranked in the order in which they come.
    """
    rank = revenue.rank(method="first", ascending=False) / len(revenue)
    tiers = pd.cut(rank, [0.0, *TIERS.values()], labels=list(TIERS))
    rows = []
    for tier in TIERS:
        inside = (tiers == tier).to_numpy()
        whole = {"tier": tier, "segment": 0, "name": "all segments", "n": inside.sum(), "share": inside.mean()}
        rows.append({**whole, "share_revenue": revenue[inside].sum() / revenue.sum()})
        for number, name in enumerate(names):
            members = inside & (segments == number)
            rows.append(
                {
                    "tier": tier,
                    "segment": number + 1,
                    "name": name,
                    "n": members.sum(),
                    "share": members.sum() / max(inside.sum(), 1),
                    "share_revenue": revenue[members].sum() / revenue.sum(),
                }
            )
    return pd.DataFrame(rows)


def demographics(households: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Who is in a segment, where the retailer knows it: one row per segment, demographic and value.

    `households` has household_id and the demographics, missing where unknown; `assigned` household_id, segment, name. Columns:
    segment, name, demographic, value, n, share (of the segment's households whose value is known), share_all (of all households
    whose value is known), coverage (the share of the segment's households whose value is known).
    """
    columns = [name for name in households if name != KEY]
    everyone = assigned.merge(households, on=KEY, how="left", validate="one_to_one")
    rows = []
    for demographic in columns:
        overall = everyone[demographic].value_counts(normalize=True)
        for (segment, name), members in everyone.groupby(["segment", "name"]):
            known = members[demographic].dropna()
            counts = known.value_counts().reindex(overall.index, fill_value=0).sort_index()
            for value, n in counts.items():
                rows.append(
                    {
                        "segment": segment,
                        "name": name,
                        "demographic": demographic,
                        "value": value,
                        "n": n,
                        "share": n / len(known) if len(known) else np.nan,
                        "share_all": overall[value],
                        "coverage": len(known) / len(members),
                    }
                )
    return pd.DataFrame(rows, columns=["segment", "name", "demographic", "value", "n", "share", "share_all", "coverage"])
