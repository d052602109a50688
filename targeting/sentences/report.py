"""What the report says in words, each sentence chosen by a written rule from the run's numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import CUSTOMERS
from targeting.sentences.campaigns import after_sentence
from targeting.sentences.halves import people_move
from targeting.sentences.heterogeneity import heterogeneity_words, ranked_by
from targeting.sentences.overlap import overlap_words
from targeting.sentences.refutation import verdict_words
from targeting.stats.estimates import SIGNIFICANCE
from targeting.words.changes import change
from targeting.words.estimators import NAMES
from targeting.words.money import amount, money
from targeting.words.numbers import number, p_value, percent
from targeting.words.outcomes import outcome_words

Metrics = Mapping[str, Any]
READ_FIRST = "ato"  # the estimator of the population that the data speak of
OF_TRIALS = "Effects are of a campaign that reaches a household, first or again, on purchases inside the outcome window only."
OF_A_TABLE = "Effects are of a campaign as it was, on the outcomes as the table has them."
CLEARLY = 0.05  # of silhouette: draws without groups differ among themselves, and a hair above their mean says nothing


def pooled(effects: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Each estimator's effect on `outcome` over all trials, of plots/ate.csv."""
    return effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")]


def read_first(effects: pd.DataFrame, outcome: str) -> pd.Series:
    """The row of plots/ate.csv that is read first: over all trials, of the population that the data speak of."""
    return pooled(effects, outcome).set_index("method").loc[READ_FIRST]


def interval(lower: float, upper: float, outcome: str) -> str:
    """95% interval of an effect on `outcome`, which the sentence has named, in words."""
    return f"95% interval {change(lower, outcome)} to {change(upper, outcome)}"


def sign_in_words(lower: float, upper: float) -> str:
    """What an interval says of the sign: beyond chance above or below zero, or neither."""
    if lower > 0:
        return "more than chance would give"
    if upper < 0:
        return "a loss beyond chance"
    return "which may well be nothing"


def effect_sentence(effects: pd.DataFrame, outcome: str) -> str:
    """The pooled effect on `outcome` of the estimator that is read first; `effects` is plots/ate.csv."""
    row = read_first(effects, outcome)
    ends = row["ci_lower"], row["ci_upper"]
    return (
        f"A mailed campaign changed a household's {outcome_words(outcome)} by {change(row['estimate'], outcome)} "
        f"({interval(*ends, outcome)}; {NAMES[READ_FIRST]}), {sign_in_words(*ends)}."
    )


def two_errors(effects: pd.DataFrame, outcome: str) -> str:
    """What that effect's standard error is made of where models were learned from a sample of the households; else nothing."""
    row = read_first(effects, outcome)
    if "se_learning" not in row:
        return ""
    return (
        f"Models were learned from a sample of the households, and the effect is of all of them: its standard error is "
        f"{amount(row['se_sampling'], outcome)} by which households the data have, {amount(row['se_learning'], outcome)} by "
        f"which of them were learned from, and {amount(row['se'], outcome)} in all."
    )


def refutation_sentence(refutation: pd.DataFrame) -> str:
    """How many refutations pass; `refutation` is plots/refutation.csv, where only rows that pass or fail count."""
    judged = refutation[refutation["passed"].notna()]
    own = judged[judged["estimator"] == READ_FIRST]
    counts = [(int(table["passed"].sum()), len(table)) for table in (judged, own)]
    if judged.empty:
        return "No attempt to refute the effects could be run."
    (passed, total), (own_passed, own_total) = counts
    if passed == total:
        return f"All {total} attempts to refute the effects failed to."
    return (
        f"{total - passed} of {total} checks of the effects failed; of the estimator that is read first ({NAMES[READ_FIRST]}) "
        f"{own_total - own_passed} of {own_total}."
    )


def refutation_original(refutation: pd.DataFrame, effects: pd.DataFrame, outcome: str) -> str:
    """By how much the effect that the refutations try to refute differs from the one that is read first, and why."""
    own = refutation[(refutation["estimator"] == READ_FIRST) & (refutation["outcome"] == outcome)]
    if own.empty or pd.isna(read_first(effects, outcome)["estimate"]):
        return ""
    original, first = own.iloc[0]["original"], read_first(effects, outcome)["estimate"]
    return (
        f"Checks refit hundreds of times, so by lighter models: the original effect on {outcome_words(outcome)} that they "
        f"compare with is {amount(original, outcome)} ({NAMES[READ_FIRST]}), where the effect above is {amount(first, outcome)}."
    )


def doubts(
    metrics: Metrics, effects: pd.DataFrame, refutation: pd.DataFrame, concurrent: pd.DataFrame, outcome: str
) -> list[str]:
    """What stands against trusting the recommendation's numbers, gravest first; `outcome` is the one that profits are of.

    The tables are plots/ate.csv, refutation.csv and concurrent_effects.csv.
    """
    found = []
    if metrics["nuisance"]["answers"] != "everybody":
        found.append(overlap_words(metrics["nuisance"]))
    judged = refutation[(refutation["estimator"] == READ_FIRST) & (refutation["outcome"] == outcome)]
    failed = judged[judged["passed"].eq(False)]
    control = failed[failed["check"] == "negative_control"]
    found += [f"Purchases before the campaign. {verdict_words(row)}" for _, row in control.iterrows()]
    if metrics["ate"]["after_campaign"].get("alarm", False):
        found.append(after_sentence(metrics["ate"]["after_campaign"]))
    found += mailed_again(concurrent, outcome)
    others = failed[failed["check"] != "negative_control"]
    if len(others):
        found.append(f"Of the other checks of the effect on {outcome_words(outcome)} {len(others)} failed; see below.")
    row = read_first(effects, outcome)
    if row["ci_lower"] <= 0 <= row["ci_upper"]:
        found.append("The average effect cannot be told from none.")
    if not metrics["validate"]["heterogeneity"]:
        found.append(heterogeneity_words(metrics["validate"]))
    return found


def mailed_again(concurrent: pd.DataFrame, outcome: str) -> list[str]:
    """What later mailings put into the effect, where without them it would have the other sign."""
    own = concurrent[(concurrent["outcome"] == outcome) & (concurrent["method"] == READ_FIRST)].set_index("effect")
    mailed, censored = (own["estimate"].get(name, np.nan) for name in ("as_mailed", "censored"))
    if not mailed * censored < 0:
        return []
    ends = interval(own.loc["censored", "ci_lower"], own.loc["censored", "ci_upper"], outcome)
    return [
        (
            "Many were mailed again by another campaign inside the window, which the effect keeps: had nobody been, it would be "
            f"an estimated {change(censored, outcome)} ({ends}) in place of {change(mailed, outcome)}."
        )
    ]


def loss_of_mailing_everybody(answers: str, policies: pd.DataFrame) -> str:
    """Where mailing everybody is shown to lose, said of those of whom the data speak; empty where it is not shown.

    `answers` is metrics/nuisance.json's, `policies` plots/policies.csv. Beyond the overlap the models extrapolate and no interval
    counts their error, so there nothing is shown of everybody.
    """
    row = policies.set_index("policy").loc["all"]
    if answers == "everybody":
        return "Mailing everybody loses money beyond chance." if row["profit_ci_upper"] < 0 else ""
    if row["profit_overlap_ci_upper"] < 0:
        return (
            "Mailing everybody in the overlap, where alike households were both mailed and not, loses money beyond chance; of "
            "the others the data cannot tell."
        )
    return ""


def experiment_settles(metrics: Metrics, outcome: str) -> str:
    """What the designed experiment can tell of `outcome` (that of the policies), and what it cannot."""
    if "half_width_adjusted" not in metrics["experiment"]:  # nobody can take part
        return "An experiment needs households that no campaign of this type has mailed yet, such as new customers."
    if "balance_p" in metrics.get("nuisance", {}):
        return (
            "These data are such an experiment already: another one tells of other customers, or of another time, or makes the "
            "interval narrower."
        )
    breakeven = metrics["policy"]["breakeven"]
    needed = breakeven + metrics["experiment"]["half_width_adjusted"]
    return (
        "The experiment measures, without confounding, one average effect of the households eligible next: whether that is "
        f"nothing or as large as breakeven ({amount(breakeven, outcome)}). Mailing them is shown to pay if it finds more than "
        f"{amount(needed, outcome)}. It tests no choice of whom to mail."
    )


def nobody_left(metrics: Metrics) -> str:
    """That the recommendation meets nobody, where campaigns have reached everybody; else empty."""
    if metrics["experiment"]["n_eligible"]:
        return ""
    return (
        "Nobody is left to mail: all that bought were mailed a campaign of this type before, and the trials say only what a "
        "first one does. The next mailing list is empty; what is said here holds for new customers like them."
    )


def confidence(metrics: Metrics, against: Sequence[str], policies: pd.DataFrame) -> str:
    """How sure one may be of the recommendation, by the `doubts` against it and what plots/policies.csv says of everybody."""
    if metrics["nuisance"]["answers"] == "nothing":
        return "These data cannot say whom to mail: those mailed and those not mailed cannot be compared."
    if metrics["policy"]["recommended"] == "none":
        loss = loss_of_mailing_everybody(metrics["nuisance"]["answers"], policies)
        if loss:
            return f"{loss} Nor can they tell whether mailing a better-chosen group would pay."
        return "That mailing is not expected to pay is what these data say; that it would not pay they do not say."
    count = "One doubt stands" if len(against) == 1 else f"{len(against)} doubts stand"
    if not metrics["policy"]["shown"]:
        stands = f" {count} against it." if against else ""
        return f"It is the best bet, and that it pays is not shown.{stands} Test it on a part of the households first."
    if against:
        return f"The profit is above zero beyond chance, but {count[0].lower()}{count[1:]} against it: test it on a part first."
    return "The profit is above zero beyond chance, and no check stands against it."


def effect_in_margin(metrics: Metrics, effects: pd.DataFrame, outcome: str) -> str:
    """How the effect that is read first compares with what a mailing is expected to bring; empty where nothing is expected."""
    policy = metrics["policy"]
    if not policy["belief"]:
        return ""
    row, expected = read_first(effects, outcome), policy["margin"] * policy["expected_effect"]
    brought = policy["margin"] * row["estimate"]
    if pd.isna(brought) or money(brought) == money(expected):
        return ""
    return (
        f"At this run's margin that is {money(brought)}; the {money(expected)} at the top of the page is what is expected of "
        "everybody in the overlap, each counted alike, where this counts most those as likely to be mailed as not."
    )


def lot_sentence(data: Metrics, nuisance: Metrics) -> str:
    """What the effects rest on; `data` is the section of params.yaml, which of a made-up retailer tells how it mails."""
    if "balance_p" in nuisance:
        return "Lots decided who was mailed: effects are right if these lots, and all that were drawn, are in the table."
    if data["source"] != "simulated":
        return "Nobody was mailed by lot: effects are right if all that decides both mailing and buying is among the covariates."
    if data["overlap"] == "randomised":
        return "This made-up retailer mailed by lot, so the arms differ by chance alone; a real one's seldom do."
    return (
        "This made-up retailer mails by what it saw before a campaign, and the covariates come from the same tills: of a real "
        "one nobody knows that all that decides both mailing and buying is among them."
    )


def limits(metrics: Metrics, data: Metrics) -> list[str]:
    """What the numbers cannot say, whatever they are; and what this run's, on `data` of params.yaml, cannot say."""
    nuisance, experiment = metrics["nuisance"], metrics["experiment"]
    always = [
        lot_sentence(data, nuisance),
        OF_A_TABLE if data["source"] == CUSTOMERS else OF_TRIALS,
        "Profit is margin times the effect, less the cost of contact; the margin is an assumption, not a measurement.",
        "Intervals take the fitted models as given; refitting them with other households widens some of them.",
    ]
    own = []
    if nuisance["answers"] != "everybody":
        reached = "no policy that is recommended contacts them"
        if metrics["policy"]["belief"].get("extrapolation") is not None:
            reached = "the best bet mails whom it mails there by what is believed of others, with more doubt"
        own.append(
            f"{percent(1 - nuisance['overlap_share'])} of the household-trials lie outside the overlap: of them the data say "
            f"next to nothing, and {reached}."
        )
    if "balance_p" not in nuisance and 0 < experiment["n_eligible"] < experiment["n_total_adjusted"]:
        own.append(
            f"The next campaign's {number(experiment['n_eligible'], 0)} eligible households are fewer than the "
            f"{number(experiment['n_total_adjusted'], 0)} that an experiment needs."
        )
    return own + till_limits(metrics["ingest"]) + always


def till_limits(ingest: Metrics) -> list[str]:
    """What the lines of the tills cannot say of households, by metrics/ingest.json; empty where nothing stands out."""
    found = [
        f"Household {household} holds {percent(share, 1)} of all sales: if it is a card that tills lend to anybody, it is no "
        "household, and its lines should stay out."
        for household, share in sorted(ingest["guest_cards"].items(), key=lambda card: -card[1])
    ]
    if ingest.get("n_without_household"):
        found.append(
            f"{number(ingest['n_without_household'], 0)} lines name no household and are left out, with "
            f"{money(ingest['sales_without_household'])} of sales: what these customers buy, no number here says."
        )
    return found


def best_share_sentence(order: str, peak: Mapping[str, float], answers: str) -> str:
    """Where profit peaks in the order of a learner: plots/roi_learners.csv's row of it; `answers` as in metrics/nuisance.json."""
    if answers == "nothing":
        return "Those mailed and those not mailed do not compare, so no profit here is evidence."
    share, lower, upper = (peak[f"profit_peak_{name}"] for name in ("share", "share_lower", "share_upper"))
    return (
        f"At the run's own cost and margin, in the order of {ranked_by(order)}, profit is highest when {percent(share)} are "
        f"contacted; the data allow anything from {percent(lower)} to {percent(upper)}."
    )


def beyond_a_continuum(segment: Metrics, stability: Metrics) -> bool:
    """Whether segments separate better than those of households without groups do, by both indices and not by a hair."""
    closer = segment["davies_bouldin"] < stability["davies_bouldin_ungrouped"]
    return bool(closer and segment["silhouette"] > stability["silhouette_ungrouped"] + CLEARLY)


def segments_note(metrics: Metrics, moves: pd.DataFrame) -> str:
    """How many segments there are, whether they lie apart, and who stays in one; `moves` is plots/segment_transitions.csv."""
    segment, stability = metrics["segment"], metrics["stability"]
    further = "further" if beyond_a_continuum(segment, stability) else "no further"
    return (
        f"{segment['k']} segments: they lie {further} apart than the parts of a continuum. "
        f"And people move: {people_move(moves, stability['halves_same'])}. A household's segment says what it did lately, "
        "not what it is."
    )


def segments_indices(metrics: Metrics) -> str:
    """The indices behind `segments_note`: how well segments are found again, and how far apart they lie."""
    segment, stability = metrics["segment"], metrics["stability"]
    return (
        f"Drawn again from other households the segments are found with an adjusted Rand index of {number(segment['ari_mean'])} "
        f"(1 is the same, 0 is chance), with every step refitted of {number(stability['ari_all_mean'])}. Their silhouette is "
        f"{number(segment['silhouette'])}; that of households with the same correlations but no groups is "
        f"{number(stability['silhouette_ungrouped'])}."
    )


def segments_sentence(segment_effects: Metrics, outcome: str) -> str:
    """Whether segments differ in the effect, the test of all at once first: metrics/segment_effects.json."""
    found = segment_effects[outcome]
    if not found:
        return "Too few segments have households enough in both arms: whether segments differ in the effect cannot be said."
    differing, p = found["n_differing"], found["differ_p"]
    p_words = p_value(p)
    alone = f"{differing or 'none'} {'differ' if differing > 1 else 'differs'} from the rest after Holm's adjustment"
    if p < SIGNIFICANCE:
        return f"Segments differ in the effect ({p_words} for all at once); {alone}."
    if differing:
        return f"That segments differ in the effect is not shown for all at once ({p_words}), though one by one {alone}."
    return f"That segments differ in the effect is not shown ({p_words} for all at once)."
