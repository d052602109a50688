"""Decide whom each policy would contact, value every policy off-policy, and say which to use.

Reads the panel's arms, the nuisances' scores, the effects, whether a learner ranks, the segments at time zero and the tree's
decisions; writes every policy's decision, and what the policies saw and are valued by, one row per row of the panel; and what the
report looks up at other costs and margins.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.lots import evidence_kind
from targeting.base.outputs import read_metrics, write_outputs, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_effects, require_usable
from targeting.policy.contact_price import other_costs, tills_cost
from targeting.policy.decide import PolicyInputs, choose_policy, policy_results
from targeting.policy.economics import economics_of_rows
from targeting.policy.net_profit import net_profit_metrics, net_profit_table
from targeting.sentences.policy import choice_words
from targeting.trials.panel import read_aligned
from targeting.words.money import speak_in

LEARNERS, ENSEMBLES, LOOKUP = Path("data/cate"), Path("data/ensemble"), Path("data/policy/lookup")


def main() -> None:
    params = load_params("data", "policy", "nuisance", "design", "learners", "seed")
    speak_in(params["data"]["currency"])
    settings, learner = params["policy"], params["policy"]["learner"]
    columns = [*KEYS, "trial", "treated", "fold", "by_lot", settings["outcome"]]
    panel = pd.read_parquet("data/trials/panel.parquet", columns=columns)
    effects, left_out = read_effects(params["learners"]["names"], LEARNERS, ENSEMBLES, panel)
    effects["selected"] = read_aligned(panel, "data/validate/selected.parquet")
    require_usable(learner, left_out)
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    overlap, costs_shown = read_metrics("metrics/nuisance.json"), read_metrics("metrics/trials.json")["costs"]

    inputs = PolicyInputs(
        panel=panel,
        nuisance=read_aligned(panel, "data/trials/nuisance.parquet"),
        effects=effects[learner],
        ranking=pd.read_parquet("data/validate/nested.parquet") if learner == "selected" else effects[learner],
        economics=economics_of_rows(params, caused, panel, key),
        settings=settings,
        bounds=params["nuisance"]["overlap"],
        answers=overlap["answers"],
        seed=params["seed"],
        shifts=pd.read_parquet("data/effects/shifts.parquet"),
        after=read_aligned(panel, "data/effects/after.parquet"),
        segments=read_aligned(panel, "data/segments/time_zero.parquet"),
        tree=read_aligned(panel, "data/policy/tree.parquet"),
    )
    chosen, others = choose_policy(inputs), other_costs(settings, caused, costs_shown)
    validation, confounders = read_metrics("metrics/validate.json"), pd.read_csv("data/sensitivity/confounders.csv")
    found = policy_results(inputs, chosen, effects, validation, others, confounders)
    net_profit = net_profit_table(pd.read_parquet("data/effects/terms.parquet"), settings, inputs.economics.averages())

    choice = {"recommended": chosen.recommended, "evidence": str(evidence_kind(panel["by_lot"] == 1))}
    said = choice_words(chosen, found.scenarios, overlap, settings["costs"], params["data"]["source"])
    costs = {"costs": settings["costs"], "tills_cost": tills_cost(settings, caused), **net_profit_metrics(net_profit)}
    write_outputs(
        {
            "metrics/policy.json": inputs.economics.averages() | choice | said | costs | found.metrics,
            "data/policy/assignments.parquet": found.assignments,
            "data/policy/evidence.parquet": found.evidence,
            "data/policy/values.parquet": found.policies,
            "plots/policies.csv": found.policies,
            "plots/roi_curve.csv": found.curve,
            "plots/roi_curve_learners.csv": found.learner_curves,
            "plots/roi_learners.csv": found.learner_peaks,
            "plots/cost_margin.csv": found.grid,
            "plots/breakeven.csv": found.scenarios.assign(outcome=settings["outcome"]),
            "plots/what_if.csv": found.by_segment,
            "plots/policy_confounding.csv": found.confounding,
            "plots/net_profit.csv": net_profit,
        }
    )
    for name, table in vars(found.lookup).items():
        write_parquet(table, LOOKUP / f"{name}.parquet")


if __name__ == "__main__":
    run("policy", main)
