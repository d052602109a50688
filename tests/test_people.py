"""Words for customers in the place of households: in what a page shows, and never in the user's own names or in code."""

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


def test_of_a_page_its_words_and_charts_are_changed_and_no_code_nor_data():
    code = '<script>own.household = households(1)</script><script type="application/json" id="lookup">{"household": 1}</script>'
    page = '<html data-one="household"><p>per household</p><script type="application/json" id="charts">{"title": "per household"}'
    shown = page_of_customers(page + "</script>" + code, [])
    assert shown == page.replace("household", "customer") + "</script>" + code
