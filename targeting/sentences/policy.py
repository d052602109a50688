"""What the policy stage recommends, in words."""

import pandas as pd

from targeting.policy.value import recommendable
from targeting.words.money import money
from targeting.words.numbers import percent


def recommendation_words(table: pd.DataFrame, recommended: str) -> str:
    """The recommendation as a sentence: which policy, how many households, the expected profit, against what."""
    rows = table.set_index("policy")
    compared = table[recommendable(table)]
    if recommended == "none":
        best = "no policy has enough contacts inside the overlap to be judged"
        if not compared.empty:
            top = compared.loc[compared["profit"].idxmax()]
            earns = f"{top['policy']}, earns {_dollars_with_interval(top)} per household"
            best = f"the best of {len(compared)}, {earns}{_together(top, len(compared))}"
            if len(compared) == 1:
                best = f"the only one that can be judged, {earns}"
        return (
            f"Mail nobody: no policy is shown to earn more than that ({best}). An experiment would tell whether mailing pays on "
            "average; it tests no choice of whom to mail."
        )
    row = rows.loc[recommended]
    total = row["n"] / row["share"]
    against = f"{money(row['over_current_ci_lower'])} to {money(row['over_current_ci_upper'])}"
    outside = rows.loc["current", "share_outside"]
    if outside > 0:
        against += f", which does not count what is unknown of its {percent(outside)} of contacts outside the overlap"
    return (
        f"Mail by {recommended}: {row['n']:,.0f} of {total:,.0f} households and campaigns ({row['share']:.0%}), to earn "
        f"{_dollars_with_interval(row)} per household, {money(row['total_profit'])} in all, against mailing nobody"
        f"{_together(row, len(compared))}; against current practice {money(row['over_current'])} per household ({against})."
    )


def _together(row: pd.Series, n: int) -> str:
    """How low its profit may be when intervals are to hold for all `n` policies compared; nothing to add for a single one."""
    if n == 1:
        return ""
    return f"; with {'both' if n == 2 else f'all {n}'} compared at once it may be as low as {money(row['simultaneous_lower'])}"


def _dollars_with_interval(row: pd.Series) -> str:
    ends = f"{money(row['profit_ci_lower'])} to {money(row['profit_ci_upper'])}"
    return f"{money(row['profit'])} (95% interval {ends})"
