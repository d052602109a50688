"""Decide whom each policy would contact, value every policy off-policy, and say which to use.

Reads the panel's arms, the nuisances' scores, the effects, whether a learner ranks, the segments at time zero and the tree's
decisions; writes every policy's decision, and what the policies saw and are valued by, one row per row of the panel; and what the
report looks up at other costs and margins.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import CUSTOMERS, KEYS
from targeting.base.errors import DataError
from targeting.base.lots import evidence_kind
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_effects
from targeting.policy.contact_price import other_costs, priced, tills_cost
from targeting.policy.decide import PolicyInputs, choose_policy, policy_results
from targeting.policy.economics import load_economics
from targeting.policy.net_profit import net_profit_metrics, net_profit_table
from targeting.sentences.overlap import overlap_words
from targeting.sentences.policy import decisions_by_cost_words, recommendation_words
from targeting.trials.panel import require_aligned
from targeting.words.money import speak_in
from targeting.words.people import as_customers

TERMS = Path("data/effects/terms.parquet")
CAUSED = Path("data/effects/discounts.parquet")
SHIFTS = Path("data/effects/shifts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
NESTED = Path("data/validate/nested.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
TREE = Path("data/policy/tree.parquet")
CONFOUNDERS = Path("data/sensitivity/confounders.csv")
OVERLAP = Path("metrics/nuisance.json")
VALIDATION = Path("metrics/validate.json")
TRIALS = Path("metrics/trials.json")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
LOOKUP = Path("data/policy/lookup")
VALUES = Path("data/policy/values.parquet")
POLICIES = Path("plots/policies.csv")
CURVE = Path("plots/roi_curve.csv")
LEARNER_CURVES = Path("plots/roi_curve_learners.csv")
LEARNER_PEAKS = Path("plots/roi_learners.csv")
GRID = Path("plots/cost_margin.csv")
SCENARIOS = Path("plots/breakeven.csv")
WHAT_IF = Path("plots/what_if.csv")
CONFOUNDING = Path("plots/policy_confounding.csv")
NET_PROFIT = Path("plots/net_profit.csv")
METRICS = Path("metrics/policy.json")


def main() -> None:
    params = load_params("data", "policy", "nuisance", "design", "learners", "seed")
    speak_in(params["data"]["currency"])
    settings, learner = params["policy"], params["policy"]["learner"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "trial", "treated", "fold", "by_lot", settings["outcome"]])
    nuisance, segments, tree = (pd.read_parquet(path) for path in (NUISANCE, SEGMENTS, TREE))
    effects, left_out = read_effects(params["learners"]["names"], EFFECTS, ENSEMBLES, panel)
    effects["selected"] = pd.read_parquet(SELECTED)
    for rows, path in ((nuisance, NUISANCE), (segments, SEGMENTS), (tree, TREE), (effects["selected"], SELECTED)):
        require_aligned(panel, rows, str(path))
    if learner in left_out:
        raise DataError(f"policy.learner is {learner}, and {left_out[learner]}: choose another one, or `selected`.")
    overlap, validation, trials = (json.loads(path.read_text(encoding="utf-8")) for path in (OVERLAP, VALIDATION, TRIALS))
    caused = pd.read_parquet(CAUSED)

    inputs = PolicyInputs(
        panel=panel,
        nuisance=nuisance,
        effects=effects[learner],
        ranking=pd.read_parquet(NESTED) if learner == "selected" else effects[learner],
        economics=load_economics(
            priced(settings, caused), panel[KEYS], params["design"]["campaign_type"], pd.read_parquet(IDENTIFIERS)
        ),
        settings=settings,
        bounds=params["nuisance"]["overlap"],
        answers=overlap["answers"],
        seed=params["seed"],
        shifts=pd.read_parquet(SHIFTS),
        segments=segments,
        tree=tree,
    )
    chosen = choose_policy(inputs)
    others = other_costs(settings, caused, trials["costs"])
    found = policy_results(inputs, chosen, effects, validation, others, pd.read_csv(CONFOUNDERS))
    net_profit = net_profit_table(pd.read_parquet(TERMS), settings, inputs.economics.averages())

    words, by_cost = f"Mail nobody. {overlap_words(overlap)}", {}
    if inputs.comparable:
        words = recommendation_words(chosen.valued, chosen.recommended)
        by_cost = decisions_by_cost_words(found.scenarios, settings["costs"], params["data"]["source"] != CUSTOMERS)
    said = {"recommendation": words, **by_cost}
    if params["data"]["source"] == CUSTOMERS:
        said = {name: as_customers(sentence, []) for name, sentence in said.items()}
    choice = {"recommended": chosen.recommended, "evidence": str(evidence_kind(panel["by_lot"] == 1)), **said}
    costs = {"costs": settings["costs"], "tills_cost": tills_cost(settings, caused), **net_profit_metrics(net_profit)}
    write_metrics(inputs.economics.averages() | choice | costs | found.metrics, METRICS)
    write_parquet(found.assignments, ASSIGNMENTS)
    write_parquet(found.evidence, EVIDENCE)
    for name, looked_up in vars(found.lookup).items():
        write_parquet(looked_up, LOOKUP / f"{name}.parquet")
    write_parquet(found.policies, VALUES)
    write_csv(found.policies, POLICIES)
    write_csv(found.curve, CURVE)
    write_csv(found.learner_curves, LEARNER_CURVES)
    write_csv(found.learner_peaks, LEARNER_PEAKS)
    write_csv(found.grid, GRID)
    write_csv(found.scenarios.assign(outcome=settings["outcome"]), SCENARIOS)
    write_csv(found.by_segment, WHAT_IF)
    write_csv(found.confounding, CONFOUNDING)
    write_csv(net_profit, NET_PROFIT)


if __name__ == "__main__":
    run("policy", main)
