"""A real browser for tests of pages: Chromium, offline, watched for errors, requests and faults of accessibility."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from scripts.browser import NoBrowserError, chromium

WIDTHS = (1280, 375, 1920)


def start() -> Iterator[Browser]:
    """A browser for a fixture; the test is skipped where none is installed."""
    try:
        with chromium() as browser:
            yield browser
    except NoBrowserError as error:
        pytest.skip(str(error))


@contextmanager
def opened(browser: Browser, path: Path, width: int = WIDTHS[0], script: str = "") -> Iterator[Page]:
    """A page from a file, at this width; at the end it must have asked the network for nothing and raised no error.

    `script` runs before the page's own.
    """
    with browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce") as context:
        page = context.new_page()
        errors: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        if script:
            page.add_init_script(script)
        address = path.resolve().as_uri()
        page.goto(address)
        yield page
        assert errors == []
        assert [url for url in requests if url.split("#")[0] != address and not url.startswith("data:")] == []


def no_sideways_scroll(page: Page) -> bool:
    """Whether the page fits the window's width."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def cut_tables(page: Page) -> list[str]:
    """The names of the tables that are wider than their box, and therefore cut."""
    script = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.ariaLabel)"
    return list(page.locator(".scroll").evaluate_all(script))


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical: rule and element."""
    found = Axe().run(page).response["violations"]
    faults = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in faults for node in rule["nodes"]]
