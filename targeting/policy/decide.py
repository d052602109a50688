"""Whom each policy contacts on a panel, what that earns, which policy to use, and all that is said of it.

The one path from effects to a recommendation: the stage, the study and the tests take it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, effect_columns
from targeting.base.lots import drawn_by_lot
from targeting.nuisance.overlap import comparable
from targeting.policy.beliefs import BELIEVED, COMPARED, Beliefs, belief_metrics, believed_profits, learn_beliefs
from targeting.policy.contact_price import PUBLISHED_COST, TILLS_COST
from targeting.policy.economics import Economics
from targeting.policy.learner_curves import learner_curves, order_shown
from targeting.policy.lookup import Lookup, look_up, slider_steps
from targeting.policy.policies import Budget, PolicyData, assign, unavailable
from targeting.policy.value import (
    BEST_BETS,
    Evidence,
    best_candidate,
    evidence_of,
    extrapolated,
    measured_part,
    profits,
    recommend,
    value_table,
    with_absent,
)
from targeting.policy.value_checks import check_table
from targeting.policy.what_if import (
    at_economics,
    breakeven_scenarios,
    confounding_table,
    cost_margin_grid,
    segment_what_if,
    turning_shifts,
)


@dataclass(frozen=True)
class PolicyInputs:
    """What policies are chosen by; frames have the panel's rows in its order.

    panel: household_id, campaign_id, treated, fold and the outcome.
    nuisance: propensity, and mu0_*, mu1_*, score0_*, score1_*, precision_* of the outcome, cross-fitted.
    effects: out-of-fold cate_* of the outcome in USD and, where known, lower_*, by the learner that decides.
    ranking: the same by the learner that ranks best, whether or not it is shown to rank: what beliefs start from.
    economics: cost and margin. settings: the section `policy` of the parameters: outcome, prudence, effect_spread,
    extrapolation, caution, budget_usd, budget_contacts.
    bounds: of the overlap's propensities. answers: what the overlap allows to be said (everybody, overlap or nothing).
    shifts: what learning from a sample leaves uncertain (see targeting.effects.learning). after: what purchases after each
    campaign say of a bias (`after_campaign`). segments: segment and name at time zero. tree: policy_tree (0/1) and promised
    (USD). Policies that need what is absent have no decision.
    """

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    effects: pd.DataFrame
    ranking: pd.DataFrame
    economics: Economics
    settings: Mapping[str, Any]
    bounds: Sequence[float]
    answers: str
    seed: int
    shifts: pd.DataFrame | None = None
    after: pd.DataFrame | None = None
    segments: pd.DataFrame | None = None
    tree: pd.DataFrame | None = None

    @property
    def comparable(self) -> bool:
        """Whether the arms compare at all: where they do not, no profit is evidence and nobody is to be mailed."""
        return self.answers != "nothing"


@dataclass(frozen=True)
class PolicyChoice:
    """The policies on one panel: what they see, what values them, decisions (rows, a column per policy), values, choice.

    `beliefs` are about effects, None where the arms do not compare or too few do; `valued` is the table of `value_table` with
    what policies are believed to earn, `recommended` the name of a policy, `none` where no other is expected to pay.
    """

    data: PolicyData
    evidence: Evidence
    beliefs: Beliefs | None
    decisions: pd.DataFrame
    valued: pd.DataFrame
    recommended: str


@dataclass(frozen=True)
class PolicyResults:
    """What the stage `policy` writes: metrics (but for the choice itself and its sentence), what the sliders look up, and tables.

    assignments: keys, cate, and a column per policy (0/1). evidence: what decided and values policies. Both per row of the panel.
    policies, curve, learner_curves, learner_peaks, grid, scenarios, by_segment, confounding: the tables under plots/.
    """

    metrics: dict[str, Any]
    assignments: pd.DataFrame
    evidence: pd.DataFrame
    lookup: Lookup
    policies: pd.DataFrame
    curve: pd.DataFrame
    learner_curves: pd.DataFrame
    learner_peaks: pd.DataFrame
    grid: pd.DataFrame
    scenarios: pd.DataFrame
    by_segment: pd.DataFrame
    confounding: pd.DataFrame


def choose_policy(inputs: PolicyInputs) -> PolicyChoice:
    """Decide by every policy that the inputs allow, value each off-policy, and choose."""
    outcome = inputs.settings["outcome"]
    overlap = comparable(inputs.panel, inputs.nuisance["propensity"], inputs.bounds)
    evidence = evidence_of(inputs.panel, inputs.nuisance, outcome, overlap, inputs.shifts, inputs.after)
    effect = inputs.ranking[effect_columns(outcome)[0]].to_numpy(dtype=float)
    weight = inputs.nuisance[f"precision_{outcome}"].to_numpy(dtype=float)
    spread, (fold, trial) = inputs.settings["effect_spread"], (inputs.panel[name].to_numpy() for name in ("fold", "trial"))
    extrapolation = inputs.settings["extrapolation"]
    beliefs = None
    if inputs.comparable:  # else no score is evidence of an effect
        beliefs = learn_beliefs(effect, weight, fold, trial, evidence, spread, drawn_by_lot(inputs.panel), extrapolation)
    data = policy_data(inputs, evidence, beliefs)
    decisions = assign(data)
    promised = {}
    if data.segment_profit is not None:
        promised["segment"] = decisions["segment"].to_numpy() * data.segment_profit
    if inputs.tree is not None:
        promised["policy_tree"] = inputs.tree["promised"].to_numpy()
    if beliefs is not None:
        promised |= {
            # Of whom nothing is believed nobody is contacted, and no profit is promised.
            name: profits(measured_part(name, decisions[name], overlap), np.nan_to_num(beliefs.expected), inputs.economics)
            for name in BEST_BETS
            if name in decisions
        }
    values = value_table(decisions, data.cate, evidence, inputs.economics, promised, inputs.seed, data.alike)
    believed = believed_profits(beliefs, decisions, overlap, inputs.economics)
    values = values.merge(believed, on="policy", validate="one_to_one")
    return PolicyChoice(data, evidence, beliefs, decisions, values, recommend(values, inputs.comparable))


def policy_data(inputs: PolicyInputs, evidence: Evidence, beliefs: Beliefs | None) -> PolicyData:
    """What the policies may see."""
    panel, effects, settings = inputs.panel, inputs.effects, inputs.settings
    cate, lower, _ = effect_columns(settings["outcome"])
    seen = PolicyData(
        cate=effects[cate].to_numpy(),
        overlap=evidence.overlap,
        treated=evidence.treated,
        breakeven=inputs.economics.breakeven,
        household_id=evidence.household_id,
        seed=inputs.seed,
        caution=settings["caution"],
        lower=effects[lower].to_numpy() if lower in effects else None,
        tree=None if inputs.tree is None else inputs.tree["policy_tree"].to_numpy(dtype=float),
        expected=None if beliefs is None else beliefs.expected,
        uncertainty=None if beliefs is None else beliefs.uncertainty,
        reach=None if beliefs is None else beliefs.forecast.posterior.speaks_of(evidence.overlap),
        prudence=settings["prudence"],
        fold=panel["fold"].to_numpy(),
        cost=inputs.economics.cost,
        campaign_id=panel["campaign_id"].to_numpy(),
        budget=Budget(settings["budget_usd"], settings["budget_contacts"]),
    )
    if inputs.segments is None:
        return seen
    return at_economics(seen, inputs.economics, evidence, panel["fold"].to_numpy(), inputs.segments["segment"].to_numpy())


def policy_results(
    inputs: PolicyInputs,
    chosen: PolicyChoice,
    effects: Mapping[str, pd.DataFrame],
    validation: Mapping[str, Any],
    other_costs: Mapping[str, float],
    omitted: pd.DataFrame,
) -> PolicyResults:
    """All that is said of a choice. Raises ValueError without segments.

    `effects` are the tables of all learners by name, that of `settings["learner"]` among them, `validation` the metrics of their
    judgement, `other_costs` costs per contact worth a look by name, `omitted` the rows of the omitted-variable analysis (see
    `confounding_table`).
    """
    if inputs.segments is None:
        raise ValueError("Without segments there is no table by segment.")
    settings, economics, seed = inputs.settings, inputs.economics, inputs.seed
    outcome, learner = settings["outcome"], settings["learner"]
    data, evidence, values = chosen.data, chosen.evidence, chosen.valued
    fold, segment = inputs.panel["fold"].to_numpy(), inputs.segments["segment"].to_numpy()

    cates = {name: rows[f"cate_{outcome}"].to_numpy() for name, rows in effects.items()}
    curves, learners = learner_curves(cates, learner, data, evidence, economics)
    order = order_shown(learner, validation, cates)
    shown = effects[order][effect_columns(outcome)].set_axis(["cate", "lower", "upper"], axis=1)
    peak = learners.set_index("learner").loc[order, [f"profit_peak_{end}" for end in ("share", "share_lower", "share_upper")]]
    checks = check_table(chosen.decisions, evidence, economics)
    drawn = curves[curves["learner"] == order]
    cate = pd.Series(data.cate, name="cate")
    measured = pd.DataFrame({name: measured_part(name, own, evidence.overlap) for name, own in chosen.decisions.items()})
    return PolicyResults(
        metrics=headline(values, chosen.recommended)
        | peak.to_dict()
        | {"order_shown": order}
        | belief_metrics(chosen.beliefs, evidence),
        assignments=pd.concat([inputs.panel[KEYS], cate, chosen.decisions.astype("int8")], axis=1),
        evidence=evidence_table(inputs, chosen, shown),
        lookup=look_up(
            data,
            shown["cate"].to_numpy(),
            evidence,
            economics,
            segment,
            slider_steps(economics, outcome, [other_costs[name] for name in (TILLS_COST, PUBLISHED_COST) if name in other_costs]),
            seed,
            chosen.beliefs,
        ),
        policies=with_absent(
            values.merge(checks, on="policy").assign(extrapolated=extrapolated(values, inputs.answers)), unavailable(data)
        ),
        curve=drawn[[name for name in curves if not name.startswith("over_chosen") and name != "learner"]],
        learner_curves=curves,
        learner_peaks=learners,
        grid=cost_margin_grid(data, evidence, economics, fold, segment, seed, chosen.beliefs),
        scenarios=breakeven_scenarios(data, evidence, economics, other_costs, chosen.beliefs),
        by_segment=segment_what_if(inputs.segments, data.cate, evidence, economics),
        confounding=confounding_table(turning_shifts(values, measured, chosen.recommended, economics), omitted, outcome),
    )


def headline(values: pd.DataFrame, recommended: str) -> dict[str, Any]:
    """What is said of the recommended policy, of the best there is, of the breakeven rule, and of contacting everybody.

    What is not known of them is left out, as what is believed of them where nothing is. The best is the recommended policy, or
    where that is nobody the candidate with the largest off-policy profit.
    """
    by_policy = values.set_index("policy")
    interval = ["profit", "profit_ci_lower", "profit_ci_upper"]
    best = best_candidate(values) if recommended == "none" else recommended
    said = [*interval, *BELIEVED, "shown"]
    of_choice = ["n", "share", "share_outside", *interval, "total_profit", "optimism", *BELIEVED, COMPARED, "shown"]
    known = {
        **by_policy.loc[recommended, of_choice].to_dict(),
        "best_policy": best,
        **by_policy.loc[best, said].add_prefix("best_").to_dict(),
        **by_policy.loc["breakeven", interval].add_prefix("breakeven_").to_dict(),
        **by_policy.loc["all", interval].add_prefix("all_").to_dict(),
    }
    return {name: value for name, value in known.items() if pd.notna(value)}


def evidence_table(inputs: PolicyInputs, chosen: PolicyChoice, shown: pd.DataFrame) -> pd.DataFrame:
    """What decided and values policies, one row per row of the panel.

    `shown` are the effects with their intervals (cate, lower, upper; rows,) in whose order the curve is drawn. What is expected
    is missing in rows of which nothing is believed.
    """
    data, evidence = chosen.data, chosen.evidence
    return inputs.panel[KEYS].assign(
        fold=data.fold,
        segment=None if inputs.segments is None else inputs.segments["segment"],
        overlap=data.overlap,
        treated=evidence.treated,
        propensity=evidence.propensity,
        score=evidence.score,
        cate=data.cate,
        lower=data.lower,
        policy_tree=data.tree,
        ranking=inputs.ranking[effect_columns(inputs.settings["outcome"])[0]],
        expected=_where_believed(data.expected, data.reach),
        uncertainty=_where_believed(data.uncertainty, data.reach),
        shown_cate=shown["cate"],
        shown_lower=shown["lower"],
        shown_upper=shown["upper"],
        shown_rank=np.argsort(replace(data, cate=shown["cate"].to_numpy()).order),
        cost=inputs.economics.cost,
        margin=inputs.economics.margin,
    )


def _where_believed(values: NDArray[np.float64] | None, reach: NDArray[np.bool_] | None) -> NDArray[np.float64] | None:
    return None if values is None or reach is None else np.where(reach, values, np.nan)
