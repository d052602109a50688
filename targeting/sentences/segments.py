"""What the rules for the numbers of factors and segments recommend, in words."""

from targeting.segments.factor_selection import FactorChoice, FactorRule
from targeting.segments.grouping import METHODS, ClusterChoice
from targeting.words.numbers import number, percent


def factor_words(choice: FactorChoice, enough: float) -> str:
    """Why this number of factors; `enough` is the share of variance that the rule asks for."""
    why = {
        FactorRule.FEWEST: f"the fewest that explain {percent(enough)} or more with every factor found again in resamples",
        FactorRule.MOST_EXPLAINED: f"none explains {percent(enough)} stably; of those found again, the most",
        FactorRule.MOST_STABLE: "no number is found again in resamples; the most stable",
    }[choice.rule]
    found = f"explained {number(choice.explained_variance, 3)}, worst matched cosine {number(choice.stability_worst)}"
    return f"{why} ({found})"


def cluster_words(choice: ClusterChoice, smallest: float, stable: float) -> str:
    """Which method and number of segments, why, and how those in use compare; `smallest` and `stable` are the rule's limits."""
    best, used = choice.best, choice.used
    stability = number(best["ari_mean"])
    rule = f"the most stable (bootstrap ARI {stability}): none is both large enough and stable"
    if choice.separated:
        rule = (
            f"the lowest Davies-Bouldin index ({number(best['davies_bouldin'])}) where no segment is below {percent(smallest)} "
            f"of households and the bootstrap ARI is {number(stable)} or more ({stability})"
        )
    words = f"{METHODS[choice.method]} with {choice.k} segments has {rule}"
    if (choice.method, choice.k) == (used["method"], used["k"]):
        return f"{words}; it is the one in use."
    compared = ("Davies-Bouldin", "davies_bouldin"), ("bootstrap ARI", "ari_mean"), ("silhouette", "silhouette")
    indices = ", ".join(f"{name} {number(used[column])}" for name, column in compared)
    return (
        f"{words}; in use are {used['k']} by {METHODS[used['method']]} ({indices}): {_picture(int(used['k']), choice.k)} is a "
        "choice, not what the rule says."
    )


def _picture(used: int, recommended: int) -> str:
    """What is chosen with other segments than the recommended ones."""
    if used == recommended:
        return "the other method"
    return "the finer picture" if used > recommended else "the coarser picture"
