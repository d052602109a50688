"""What a mailing earns: a receipt by hand, the parts against their own estimators, and a retailer whose makers repay."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.columns import DISCOUNTS, discounts_of
from targeting.effects.discounts import caused_costs, discount_effects, profit_terms
from targeting.effects.estimators import ato, effect_data, owate
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.policy.contact_price import causal_cost, cost_of_a_dollar, other_costs, priced, tills_cost
from targeting.policy.net_profit import net_profit_metrics, net_profit_table
from targeting.sources import canonical_tables
from targeting.stats.estimates import Estimate
from targeting.tables.covariates import keep_covariates
from targeting.tables.history import with_history
from targeting.trials.designs import folded_panel
from targeting.trials.lay_out import eligible_rows, planned_trials
from tests.frames import in_pandas
from tests.test_study_retailers import PARAMS

PAID = {"coupon_discount": 0.0, "coupon_match_discount": 1.0}
POLICY = {
    "outcome": "purchase_amount",
    "costs": "tills",
    "cost": 12.73,
    "contact_cost": 0.5,
    "discounts_paid": PAID,
    "margin": 0.3,
}
CAUSED = pd.DataFrame({"discount": list(DISCOUNTS), "estimate": [0.36, 0.07]})


def test_a_receipt_by_hand():
    # An item of 4.00 with a maker's coupon of 1.00 and a match of 0.50: the customer pays 2.50, the maker 1.00.
    sales, goods = 2.50 + 1.00, 0.7 * 4.00
    earned = 0.3 * sales - cost_of_a_dollar("coupon_match_discount", 1.0, 0.3) * 0.50
    assert earned == pytest.approx(sales - goods)
    # Without a maker behind it the retailer does not see the 1.00, which its sales count as received.
    own = earned - cost_of_a_dollar("coupon_discount", 1.0, 0.3) * 1.00
    assert own == pytest.approx(2.50 - goods)
    # A maker that pays half of the match back.
    assert cost_of_a_dollar("coupon_match_discount", 0.5, 0.3) * 0.50 == pytest.approx(0.5 * 0.7 * 0.50)


def test_what_a_contact_costs_by_the_tills():
    assert tills_cost(POLICY, CAUSED) == pytest.approx(0.5 + 0.7 * 0.07)
    own = POLICY | {"discounts_paid": {"coupon_discount": 1.0, "coupon_match_discount": 1.0}}
    assert tills_cost(own, CAUSED) == pytest.approx(0.5 + 0.36 + 0.7 * 0.07)
    # Sales that a match lowered are not known where margins differ: a dollar of it is counted in full.
    assert tills_cost(POLICY | {"margin": {"A": 0.3}}, CAUSED) == pytest.approx(0.57)
    assert causal_cost({"coupon_discount": -5.0}, {"coupon_discount": 1.0}, 0.3) == 0
    assert priced(POLICY, CAUSED)["cost"] == tills_cost(POLICY, CAUSED)
    assert priced(POLICY | {"costs": "published"}, CAUSED)["cost"] == 12.73


def test_the_other_cost_is_the_one_not_decided_by():
    assert other_costs(POLICY, CAUSED, {"per_targeted": 2.9}) == {"cost as published": 12.73, "discount per_targeted": 2.9}
    assert other_costs(POLICY | {"cost": {"A": 3.0}}, CAUSED, {}) == {}
    assert other_costs(POLICY | {"costs": "published"}, CAUSED, {}) == {"cost by the tills": tills_cost(POLICY, CAUSED)}


def coupons(seed: int, n: int = 3000) -> tuple[pd.DataFrame, pd.DataFrame, float, float]:
    """A panel with its true nuisances; the true effect on profit before the contact, by overlap weights, and on the coupons.

    Controls use coupons too, heavy buyers more, and mailing adds to sales, coupons and the match.
    """
    rng = np.random.default_rng(seed)
    size = rng.gamma(2.0, 1.0, n)
    e = 1 / (1 + np.exp(-(size - 2)))
    t = (rng.random(n) < e).astype(float)
    means = {
        "purchase_amount": (100 * size, 20 * size),
        "coupon_discount": (2 * size, 0.5 * size),
        "coupon_match_discount": (0.2 * size, 0.1 * size),
    }
    panel = pd.DataFrame({"household_id": np.arange(n), "campaign_id": 1, "trial": 1, "treated": t, "x_size": size})
    nuisance = pd.DataFrame({"propensity": e, "precision_purchase_amount": e * (1 - e) / (50 * size) ** 2})
    for name, (base, effect) in means.items():
        y = (base + effect * t) * rng.gamma(4.0, 0.25, n)
        panel[name], mu0, mu1 = y, base, base + effect
        nuisance = nuisance.assign(**{f"mean_{name}": base + e * effect, f"mu0_{name}": mu0, f"mu1_{name}": mu1})
        nuisance[f"score1_{name}"] = mu1 + t * (y - mu1) / e
        nuisance[f"score0_{name}"] = mu0 + (1 - t) * (y - mu0) / (1 - e)
    weight = e * (1 - e)
    profit = 0.3 * means["purchase_amount"][1] - 0.7 * means["coupon_match_discount"][1]
    return panel, nuisance, float(np.average(profit, weights=weight)), float(np.average(0.5 * size, weights=weight))


def test_net_profit_is_the_estimate_of_the_combined_outcome():
    panel, nuisance, _, _ = coupons(0)
    table = net_profit_table(profit_terms(panel, nuisance, "purchase_amount"), POLICY, {"margin": 0.3, "cost": 0.55})
    rows = table.set_index(["method", "part"])
    # The receipt's profit as an outcome of its own, with nuisances that add up.
    for name in ("mean", "mu0", "mu1", "score0", "score1"):
        nuisance[f"{name}_profit"] = 0.3 * nuisance[f"{name}_purchase_amount"] - 0.7 * nuisance[f"{name}_coupon_match_discount"]
    panel["profit"] = 0.3 * panel["purchase_amount"] - 0.7 * panel["coupon_match_discount"]
    nuisance["precision_profit"] = nuisance["precision_purchase_amount"]
    for method, estimator in (("ato", ato), ("owate", owate)):
        whole = estimator(effect_data(panel, nuisance, "profit"))
        net = rows.loc[(method, "net profit")]
        assert net[["estimate", "se"]].tolist() == pytest.approx([whole.value - 0.5, whole.se])
        parts = rows.loc[method, "estimate"]
        assert parts["margin on sales"] + parts["discounts paid"] + parts["contact"] == pytest.approx(net["estimate"])
    assert net_profit_metrics(table)["margin_per_contact"] == rows.loc[("ato", "margin on sales"), "estimate"]
    assert net_profit_metrics(table)["net_profit_per_contact"] == rows.loc[("ato", "net profit"), "estimate"]


def test_as_published_discounts_are_in_the_cost_and_counted_once():
    panel, nuisance, _, _ = coupons(1)
    published = POLICY | {"costs": "published"}
    rows = net_profit_table(profit_terms(panel, nuisance, "purchase_amount"), published, {"margin": 0.3, "cost": 12.73})
    parts = rows[rows["method"] == "ato"].set_index("part")["estimate"]
    assert (parts["discounts paid"], parts["contact"]) == (0.0, -12.73)


@pytest.mark.slow
def test_profit_and_caused_coupons_are_covered():
    covered = []
    for seed in range(200):
        panel, nuisance, profit, coupon = coupons(seed, n=600)
        terms = profit_terms(panel, nuisance, "purchase_amount")
        rows = net_profit_table(terms, POLICY, {"margin": 0.3, "cost": 1.0}).set_index(["method", "part"])
        net = rows.loc[("ato", "net profit")]
        caused = discount_effects(panel, nuisance).set_index("discount").loc["coupon_discount"]
        covered.append([net["ci_lower"] <= profit - 0.5 <= net["ci_upper"], caused["ci_lower"] <= coupon <= caused["ci_upper"]])
    assert np.mean(covered, axis=0) == pytest.approx([0.95, 0.95], abs=0.045)


def test_a_discount_that_nobody_got_is_caused_by_nothing():
    panel, nuisance, _, _ = coupons(2)
    found = discount_effects(panel.drop(columns="coupon_match_discount"), nuisance).set_index("discount")
    assert found.loc["coupon_match_discount", ["estimate", "se"]].tolist() == [0, 0]
    rows = caused_costs(found.reset_index(), len(panel))
    assert rows["basis"].tolist() == ["caused_coupon_discount", "caused_coupon_match_discount"]
    assert Estimate(*rows.loc[0, ["cost", "se"]]).lower == pytest.approx(rows.loc[0, "ci_lower"])


def test_without_sales_there_is_no_margin():
    panel, nuisance, _, _ = coupons(3)
    none = profit_terms(panel.drop(columns="purchase_amount"), nuisance, "purchase_amount")
    assert net_profit_table(none, POLICY, {"margin": 0.3, "cost": 1.0}).empty
    visits = POLICY | {"outcome": "purchase_count"}
    assert net_profit_metrics(net_profit_table(profit_terms(panel, nuisance, "purchase_amount"), visits, {})) == {}


@pytest.mark.slow
def test_a_made_up_retailers_coupons_cost_what_its_campaigns_gave(backend):
    data = {"source": "simulated", "first_day": "2016-01-04", "households": 1500, "weeks": 40, "seed": 5}
    tables = canonical_tables(backend, data | {"overlap": "good", "effect": "constant"})
    design = PARAMS["design"]
    known, trials = with_history(backend, tables), planned_trials(tables, design)
    covariates = keep_covariates(backend, known, [trial.time_zero for trial in trials], design["recent_days"])
    panel = folded_panel(eligible_rows(known, covariates, trials, design), 4, seed=1)
    measured = ("purchase_amount", *discounts_of(panel.columns))
    assert measured[1:] == ("coupon_discount",)  # nobody matches
    predictions, _ = cross_fit(nuisance_tasks(panel, measured), panel, ["linear"], 4, 1, 1)
    nuisance = nuisance_table(panel, predictions, 0.01, measured)
    caused = discount_effects(panel, nuisance)
    # What the campaigns' own coupons took off, of the households that they reached, as overlap weights count these.
    lines, coupons, used = (in_pandas(tables[name]) for name in ("transactions", "coupons", "redemptions"))
    used = used[used["campaign_id"].isin(panel["campaign_id"])].merge(coupons, on=["campaign_id", "coupon_upc"])
    own = lines.merge(used, on=["household_id", "product_id", "day"])
    taken = own.groupby(["campaign_id", "household_id"])["coupon_discount"].sum().rename("taken")
    rows = panel[panel["treated"] == 1].join(taken, on=["campaign_id", "household_id"]).fillna({"taken": 0.0})
    truth = np.average(rows["taken"], weights=1 - nuisance.loc[rows.index, "propensity"])
    found = caused.set_index("discount").loc["coupon_discount"]
    assert abs(found["estimate"] - truth) < 2 * found["se"]
    assert found["estimate"] > 4 * found["se"]
    # Its makers pay coupons back: a contact costs its sending alone.
    assert tills_cost(POLICY, caused) == pytest.approx(POLICY["contact_cost"])
