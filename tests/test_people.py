"""Words for customers in the place of households: in what a page shows, and never in the user's own names or in code."""

import numpy as np
import pandas as pd
import pytest

from targeting.figures.experiment import power_words
from targeting.figures.intervals import effect_title
from targeting.figures.learners import distribution_chart
from targeting.figures.people import speak_of
from targeting.figures.policy import roi_words
from targeting.pages.report import own_names
from targeting.words.people import as_customers, page_of_customers


def test_households_become_customers_whatever_their_form():
    said = "Households: 2 household-trials of a household's; per household, the households'."
    assert as_customers(said, []) == "Customers: 2 rows of a customer's; per customer, the customers'."
    assert as_customers("household_id and households_seen", []) == "household_id and households_seen"


def test_names_that_the_table_brought_stay():
    said = "household size and Household & garden of a household; household sizes"
    own = ["household size", "Household & garden", "income"]
    assert as_customers(said, own) == "household size and Household & garden of a customer; household sizes"
    assert as_customers("<b>Household &amp; garden</b>", own) == "<b>Household &amp; garden</b>"


def test_coupons_become_mailings_and_who_mailed_need_be_no_retailer():
    said = "A coupon costs $2: what the retailer did, as the retailer did; coupons of a couponing retailer, discounts.coupon_used"
    words = "A mailing costs $2: what was done, as was done; mailings of a couponing retailer, discounts.coupon_used"
    assert as_customers(said, []) == words
    assert as_customers("Coupons for coupon clubs", ["coupon clubs"]) == "Mailings for coupon clubs"


def test_names_of_parameters_stay():
    own = own_names(
        {
            "balance": pd.DataFrame({"covariate": ["x_age"]}),
            "segment_effects": pd.DataFrame({"name": ["Web"]}),
            "ate": pd.DataFrame({"outcome": ["visits"]}),
        },
        {"sample": {"households": None}, "data": {"path": "my households.csv"}},
    )
    said = "sample.households, my households.csv, 3 households"
    assert as_customers(said, own) == "sample.households, my households.csv, 3 customers"


@pytest.fixture
def speaking():
    """`speak_of`, undone at the end."""
    yield speak_of
    speak_of("completejourney")


@pytest.mark.parametrize(
    ("source", "word", "other"), [("panel", "customer", "household"), ("canonical", "household", "customer")]
)
def test_pictures_name_people_as_the_source_has_them(speaking, source, word, other):
    speaking(source)
    curve = pd.DataFrame({"share": [0, 0.5], "profit": [0.0, 2.0], "lower": [0.0, 1.0]})
    effects = pd.DataFrame({"cate_purchase_amount": np.arange(9.0)})
    figure = distribution_chart({"one": effects, "two": 2 * effects}, ["purchase_amount"])
    said = [
        effect_title("purchase_amount")[0],
        effect_title("purchase_count")[0],
        roi_words(curve, "one", "30%", 1.0)[0],
        power_words("$3.00", 0.8, 100, 200, 300)[0],
        figure.get_suptitle(),
        figure.get_supxlabel(),
        figure.get_axes()[0].get_xlabel(),
    ]
    for text in said:
        assert word in text
        assert other not in text


def test_of_a_page_its_words_and_charts_are_changed_and_no_code_nor_data():
    code = '<script>own.household = households(1)</script><script type="application/json" id="lookup">{"household": 1}</script>'
    page = '<html data-one="household"><p>per household</p><script type="application/json" id="charts">{"title": "per household"}'
    shown = page_of_customers(page + "</script>" + code, [])
    assert shown == page.replace("household", "customer") + "</script>" + code
