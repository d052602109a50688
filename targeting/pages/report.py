"""The report of a run as one page: what its template is filled with, from metrics, tables and the rows' evidence."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup

from targeting.base.left_out import LEFT_OUT
from targeting.figures.effects import forest_spec
from targeting.figures.event_time import weeks_spec
from targeting.figures.experiment import power_spec
from targeting.figures.nuisance import AS_THEY_ARE, WEIGHTED, love_spec, propensity_spec, propensity_table
from targeting.figures.policy import roi_spec, roi_words
from targeting.figures.positioning import axes, positioning_spec
from targeting.figures.segment_effects import segment_effects_spec, segment_effects_words
from targeting.figures.vega import Spec, png
from targeting.pages import charts
from targeting.pages.rendering import render
from targeting.pages.what_if import embedded, slider, stops
from targeting.policy.lookup import Lookup
from targeting.sentences import campaigns, decision
from targeting.sentences import report as sentences
from targeting.sentences.glossary import glossary
from targeting.sentences.heterogeneity import ranked_by
from targeting.sentences.overlap import overlap_words
from targeting.sentences.policy_names import whom
from targeting.sentences.refutation import CHECK_WORDS, verdict_words
from targeting.sentences.truth import claims_in_words, truth_sentences
from targeting.words.changes import change
from targeting.words.estimators import PLAIN_TELLS, decided_by, names
from targeting.words.features import covariate_words
from targeting.words.money import amount, currency, margin_words, sign
from targeting.words.outcomes import one_of, outcome_words
from targeting.words.people import page_of_customers

Tables = Mapping[str, pd.DataFrame]
CURVE = {
    "share": "share",
    "profit": "profit",
    "profit_ci_lower": "lower",
    "profit_ci_upper": "upper",
    "profit_plugin": "promised",
}


@cache
def vega() -> Markup:
    """Vega, Vega-Lite and vega-embed as one script, from vl-convert; no `</script>` in it ends its element."""
    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"))  # noqa: S704 - a library's own code


def table_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries; what is missing is None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def flat(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested parameters as dotted names and values in words."""
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def with_worth(segments: pd.DataFrame, effects: pd.DataFrame, policy: Mapping[str, Any], outcome: str) -> pd.DataFrame:
    """The table plots/segments.csv with the effect of plots/segment_effects.csv and what mailing one household earns by it.

    Columns profit, profit_ci_lower and profit_ci_upper, in USD at the average cost: margin times the overlap-weighted effect,
    less the cost. Missing where a segment has no effect.
    """
    columns = {"ato": "profit", "ato_ci_lower": "profit_ci_lower", "ato_ci_upper": "profit_ci_upper"}
    own = effects.loc[effects["outcome"] == outcome, ["segment", *columns]]
    worth = own.assign(**{name: policy["margin"] * own[column] - policy["cost"] for column, name in columns.items()})
    return segments.merge(worth, on="segment", how="left", validate="one_to_one")


def tenths(curve: pd.DataFrame) -> pd.DataFrame:
    """The curve's points at every tenth of households, with the number of each among all `points`."""
    return curve.assign(point=range(len(curve)))[(100 * curve["share"]).round().astype(int).to_numpy() % 10 == 0]


def no_tills(metrics: Mapping[str, Any]) -> bool:
    """Whether the run is of a table of customers, of whom nobody knows how they shop."""
    return LEFT_OUT in metrics["segment"]


def decided_in(metrics: Mapping[str, Any], arms: pd.DataFrame) -> str:
    """What decided who was mailed, as `decided_by` has it."""
    return decided_by("balance_p" in metrics["nuisance"], arms["propensity"].round(6).nunique())


def has_segments(tables: Tables) -> bool:
    """Whether there are segments to compare; a table of customers need name none."""
    return bool(tables["segment_effects"]["segment"].nunique() > 1)


def outcomes_in(tables: Tables) -> list[str]:
    """The run's outcomes, in the order of plots/ate.csv."""
    return list(dict.fromkeys(tables["ate"]["outcome"]))


def drawn_curve(curves: pd.DataFrame, order: str) -> pd.DataFrame:
    """What plots/roi_curve_learners.csv has of the order of one learner, by the names of CURVE."""
    return curves[curves["learner"] == order].rename(columns=CURVE)[list(CURVE.values())]


def has_weeks(metrics: Mapping[str, Any]) -> bool:
    """Whether the effect is told week by week."""
    return metrics["nuisance"]["answers"] != "nothing" and "during" in metrics["ate"].get("by_week", {})


def all_charts(
    metrics: Mapping[str, Any], tables: Tables, arms: pd.DataFrame, curve: pd.DataFrame, parameters: Mapping[str, Any]
) -> dict[str, Spec]:
    """Every chart of the page by the name of its place."""
    outcome, power = parameters["policy"]["outcome"], parameters["experiment"]["power"]
    by_segment = tables["segment_effects"]
    outcomes = outcomes_in(tables)
    propensities = propensity_table(arms["treated"].to_numpy(), arms["propensity"].to_numpy())
    breakevens = {outcome: metrics["policy"]["breakeven"]}

    def in_segments(name: str) -> Spec:
        return segment_effects_spec(by_segment[by_segment["outcome"] == name], name, breakevens.get(name))

    return {
        "roi": roi_spec(curve, metrics["nuisance"]["overlap_share"]),
        **({} if no_tills(metrics) else {"positioning": positioning_spec(tables["segments"])}),
        **({f"segment_effects_{name}": in_segments(name) for name in outcomes} if has_segments(tables) else {}),
        "policies": charts.policies_spec(policies_in_words(tables["policies"])),
        **({"weeks": weeks_spec(tables["event_time"])} if has_weeks(metrics) else {}),
        "propensity": propensity_spec(propensities, AS_THEY_ARE),
        "propensity_weighted": propensity_spec(propensities, WEIGHTED),
        "love": love_spec(tables["balance"]),
        "forest": forest_spec(sentences.pooled(tables["ate"], outcomes[0]), outcomes[0], decided_in(metrics, arms)),
        "power": power_spec(tables["power"], amount(metrics["experiment"]["effect"], outcome), power),
    }


def pictures(metrics: Mapping[str, Any], tables: Tables, outcome: str) -> tuple[bytes, bytes]:
    """For people without the page: profit by share contacted, and the effect on `outcome` by segment."""
    policy, order = metrics["policy"], metrics["policy"]["order_shown"]
    shown = drawn_curve(tables["roi_curve_learners"], order)
    words = roi_words(shown, ranked_by(order), margin_words(policy["margin"], outcome), policy["cost"])
    effects, breakeven = tables["segment_effects"].query("outcome == @outcome"), policy["breakeven"]
    by_segment = segment_effects_spec(effects, outcome, breakeven)
    return (
        png(roi_spec(shown, metrics["nuisance"]["overlap_share"]), *words, sign=sign()),
        png(by_segment, *segment_effects_words(effects, outcome, breakeven), sign=sign()),
    )


def truth_in_words(metrics: Mapping[str, Any], truth: pd.DataFrame) -> dict[str, Any]:
    """What the part on the truth says, of plots/truth.csv; empty where nobody knows it."""
    if not metrics["truth"]["known"]:
        return {}
    return {"sentences": truth_sentences(metrics, truth), "claims": claims_in_words(truth)}


def segment_cards(metrics: Mapping[str, Any], tables: Tables, outcome: str) -> list[dict[str, Any]]:
    """The segments with what mailing one household earns, where the arms compare; none without tills."""
    if no_tills(metrics):
        return []
    segments = with_worth(tables["segments"], tables["segment_effects"], metrics["policy"], outcome)
    if metrics["nuisance"]["answers"] == "nothing":
        segments = segments.assign(ato=np.nan, profit=np.nan)
    return table_rows(segments)


def past_campaigns(metrics: Mapping[str, Any], tables: Tables, outcome: str) -> dict[str, Any]:
    """What the part on past campaigns says; empty where the arms do not compare."""
    if metrics["nuisance"]["answers"] == "nothing":
        return {}
    profits = campaigns.campaign_profits(tables["ate"], tables["trials"], metrics["policy"], outcome, sentences.READ_FIRST)
    # What one campaign did is what all did.
    rows = profits if len(tables["trials"]) > 1 else profits[profits["campaign"] != "all"]
    return {
        "rows": table_rows(rows),
        "sentence": campaigns.campaigns_sentence(profits),
        "wear_out": campaigns.wear_out_sentence(metrics["ate"][outcome], outcome),
        "weeks": campaigns.weeks_sentence(metrics["ate"].get("by_week", {}), tables["event_time"]),
        "after": campaigns.after_sentence(metrics["ate"]["after_campaign"]),
    }


def said(metrics: Mapping[str, Any], tables: Tables, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The sentences of templates/index.html.jinja, by the names that it has for them."""
    order, outcome = metrics["policy"]["order_shown"], parameters["policy"]["outcome"]
    peak, refutation, policies = tables["roi_learners"].set_index("learner").loc[order], tables["refutation"], tables["policies"]
    outcomes = outcomes_in(tables)
    doubts = sentences.doubts(metrics, tables["ate"], refutation, tables["concurrent_effects"], outcome)
    return {
        "order": ranked_by(order),
        "decision": decision.decision_headline(metrics, policies),
        "key_numbers": decision.key_numbers(metrics, policies, tables["ate"], outcome),
        "next_reach": decision.next_reach(metrics),
        "confidence": sentences.confidence(metrics, doubts, policies),
        "doubts": doubts,
        "nobody_left": sentences.nobody_left(metrics),
        "experiment_settles": sentences.experiment_settles(metrics, outcome),
        "best_share": sentences.best_share_sentence(order, peak, metrics["nuisance"]["answers"]),
        "decisions": []
        if no_tills(metrics)
        else decision.decision_rows(tables["breakeven"], metrics, parameters["policy"]["contact_cost"]),
        "two_numbers": decision.believed_and_measured(metrics, policies),
        "effect": sentences.effect_sentence(tables["ate"], outcomes[0]),
        "two_errors": sentences.two_errors(tables["ate"], outcomes[0]),
        # Else they stand beside the segments'.
        "other_effects": []
        if has_segments(tables)
        else [sentences.effect_sentence(tables["ate"], name) for name in outcomes[1:]],
        "effect_in_margin": sentences.effect_in_margin(metrics, tables["ate"], outcome) if outcome == outcomes[0] else "",
        "overlap": overlap_words(metrics["nuisance"]),
        "refutation": sentences.refutation_sentence(refutation),
        "refutation_original": sentences.refutation_original(refutation, tables["ate"], outcome),
        "segments_note": "" if no_tills(metrics) else sentences.segments_note(metrics, tables["segment_transitions"]),
        "segments_indices": "" if no_tills(metrics) else sentences.segments_indices(metrics),
        "segments_differ": {name: sentences.segments_sentence(metrics["segment_effects"], name) for name in outcomes},
        "limits": sentences.limits(metrics, parameters["data"]),
        "everybody": decision.EVERYBODY.get(metrics["nuisance"]["answers"], ""),
    }


def report_page(context: Mapping[str, Any]) -> str:
    """The page as HTML, of what `report_context` gives; of customers where the run is of a table of them."""
    page = render("index.html.jinja", context)
    if context["tills"]:
        return page
    return page_of_customers(page, context["own_names"])


def policies_in_words(policies: pd.DataFrame) -> pd.DataFrame:
    """The table plots/policies.csv with whom each policy mails (mails), and no interval where its profit is extrapolated."""
    ends, beyond = ["profit_ci_lower", "profit_ci_upper"], policies["extrapolated"].eq(True)
    table = policies.assign(extrapolated=beyond, **policies[ends].mask(beyond))
    return table.assign(mails=[whom(*row) for row in zip(table["policy"], table["lottery"].eq(True), strict=True)])


def own_names(tables: Tables, parameters: Mapping[str, Any]) -> list[str]:
    """What stays as it is written: covariates in words, segments, outcomes, and parameters with their values."""
    covariates = tables["balance"]["covariate"].map(covariate_words)
    outcomes = map(outcome_words, outcomes_in(tables))
    return [*covariates, *tables["segment_effects"]["name"].astype(str), *outcomes, *chain(*flat(parameters))]


def report_context(
    metrics: Mapping[str, Any],
    tables: Tables,
    arms: pd.DataFrame,
    lookup: Lookup,
    parameters: Mapping[str, Any],
    revision: str,
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """What templates/index.html.jinja needs, by stage names (`metrics`) and names of plots/*.csv (`tables`).

    `arms` has treated and propensity of the panel's rows, `lookup` is what the sliders look up, `parameters` all of params.yaml.
    """
    policy, order, outcome = metrics["policy"], metrics["policy"]["order_shown"], parameters["policy"]["outcome"]
    curves, refutation, policies = tables["roi_curve_learners"], tables["refutation"], tables["policies"]
    curve = drawn_curve(curves, order)
    outcomes = outcomes_in(tables)
    first, decided, tills = outcomes[0], decided_in(metrics, arms), not no_tills(metrics)
    return {
        "metrics": metrics,
        "outcome": outcome,
        **said(metrics, tables, parameters),
        "data_name": parameters["data"]["source"],
        "campaign_type": parameters["design"]["campaign_type"],
        "power": parameters["experiment"]["power"],
        "tenths": table_rows(tenths(curve)),
        "tills": tills,
        "own_names": own_names(tables, parameters),
        "outcomes": {name: outcome_words(name) for name in outcomes},
        "first": first,
        "others": outcomes[1:],
        "segments": segment_cards(metrics, tables, outcome),
        "segment_effects": table_rows(tables["segment_effects"]),
        "policies": table_rows(policies_in_words(policies)),
        "effects": table_rows(sentences.pooled(tables["ate"], first)),
        "estimator_names": names(decided),
        "plain_tells": PLAIN_TELLS[decided],
        "amount": amount,
        "change": change,
        "refutations": table_rows(refutation.assign(verdict=[verdict_words(row, tills) for _, row in refutation.iterrows()])),
        "check_words": CHECK_WORDS,
        "past": past_campaigns(metrics, tables, outcome),
        "truth": truth_in_words(metrics, tables["truth"]),
        "parameters": list(flat(parameters)),
        "revision": revision,
        "versions": versions,
        "axes": axes(tables["segments"]) if tills else {},
        "sliders": {name: slider(lookup, name, policy[name]) for name in ("cost", "margin")},
        "has_segments": has_segments(tables),
        "counted": one_of(outcome),
        "margin_unit": "share of sales" if outcome == "purchase_amount" else f"{currency()} per {one_of(outcome)}",
        "ticks": decision.ticks(stops(lookup, "cost"), metrics),
        "glossary": glossary(names(decided)),
        "charts": all_charts(metrics, tables, arms, curve, parameters),
        "lookup": embedded(lookup, len(arms), outcome, metrics["nuisance"]["answers"], tills),
        "vega": vega(),
    }
