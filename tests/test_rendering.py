"""Pages treat the data's words as text, and numbers arrive in a browser as they were."""

import json
import math
import re

import jinja2
import pytest
from playwright.sync_api import Browser

from scripts.render_readme import rule_words
from targeting.pages.rendering import environment, packed, render
from tests.browser import opened

HOSTILE = "</script><script>window.hurt = 1</script> \" ' & <img src=x onerror='window.hurt=1'>"


def filled(body: str, **context: object) -> str:
    source = '{% extends "base.html.jinja" %}{% block title %}A page{% endblock %}{% block main %}' + body + "{% endblock %}"
    return environment().from_string(source).render(**context)


def test_hostile_words_stay_text(browser: Browser, tmp_path):
    body = '<p id="seen">{{ word }}</p><script type="application/json" id="data">{{ {"word": word} | tojson }}</script>'
    path = tmp_path / "page.html"
    path.write_text(filled(body, word=HOSTILE), encoding="utf-8")
    with opened(browser, path) as page:
        assert page.inner_text("#seen") == HOSTILE
        assert json.loads(page.evaluate("document.getElementById('data').textContent")) == {"word": HOSTILE}
        assert page.evaluate("window.hurt") is None


def test_packed_numbers_are_equal_to_the_last_bit_in_a_browser(browser: Browser, tmp_path):
    values = [0.1, -1 / 3, 1e-300, 12.73, math.nan]
    path = tmp_path / "page.html"
    path.write_text(filled("<script>{{ asset('unpack.js') }}</script>"), encoding="utf-8")
    with opened(browser, path) as page:
        found = page.evaluate("text => Array.from(unpack(text), String)", packed(values))
    assert [float(text) for text in found[:4]] == values[:4]
    assert found[4] == "NaN"


def test_short_whole_numbers_are_equal_in_a_browser_and_others_are_refused(browser: Browser, tmp_path):
    values = [0, 7, 256, 65_535]
    path = tmp_path / "page.html"
    path.write_text(filled("<script>{{ asset('unpack.js') }}</script>"), encoding="utf-8")
    with opened(browser, path) as page:
        assert page.evaluate("text => Array.from(unpack(text, 'Uint16'))", packed(values, "Uint16")) == values
    for wrong in (-1, 0.5, 65_536, math.nan):
        with pytest.raises(ValueError, match="Only whole numbers from 0 to 65535"):
            packed([wrong], "Uint16")


def test_a_missing_name_stops_the_page():
    with pytest.raises(jinja2.UndefinedError, match="nowhere"):
        filled("{{ nowhere }}")


def test_a_number_that_is_none_stops_the_page():
    with pytest.raises(ValueError, match="not JSON compliant"):
        filled("{{ [value] | tojson }}", value=math.nan)


def test_a_page_names_no_other_address():
    assert re.findall(r"https?://[^\s\"']+", filled("")) == []


def test_templates_are_found_by_name():
    with pytest.raises(jinja2.TemplateNotFound):
        render("no_such_page.html.jinja", {})


def test_a_rule_is_told_in_words():
    assert (
        rule_words("monetary_actual > 138.3 and spend_28d <= 4")
        == "revenue after coupons > 138.3 and spend in the last 28 days <= 4"
    )
    assert rule_words("everybody") == "everybody"
