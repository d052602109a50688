"""Ask the tills what a contact costs, in two ways.

Reads the canonical tables; writes the mean coupon discount by campaign, per household targeted and per household that redeemed.
"""

from pathlib import Path

from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import first_and_last_day
from targeting.trials.contact_costs import cost_table, discounts
from targeting.trials.trials import plan_trials

TABLES = Path("data/tables")
COSTS = Path("plots/costs.csv")
METRICS = Path("metrics/costs.json")


def main() -> None:
    params = load_params("engine", "design")
    design = params["design"]
    with connect(params["engine"]) as backend:
        lines, campaigns, targets, redemptions = read_tables(
            backend, TABLES, "transactions", "campaigns", "campaign_targets", "redemptions"
        )
        rules = (design["campaign_type"], design["post_days"], design["min_follow_up_days"])
        trials = plan_trials(campaigns.execute(), *rules, *first_and_last_day(lines))
        households = [discounts(trial, lines, targets, redemptions).execute() for trial in trials]

    costs = cost_table([trial.campaign_id for trial in trials], households)
    overall = costs[costs["campaign_id"] == "all"].set_index("basis")
    write_metrics({f"{basis}": row["cost"] for basis, row in overall.iterrows()}, METRICS)
    write_csv(costs, COSTS)


if __name__ == "__main__":
    run("costs", main)
