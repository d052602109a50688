"""A real browser for tests of pages: Chromium, offline, watched for errors, requests and faults of accessibility."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1280, 375)
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def executable() -> str | None:
    """The browser that is installed, if one is."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def start() -> Iterator[Browser]:
    """A browser for a fixture; the test is skipped where none is installed."""
    found = executable()
    if found is None:
        pytest.skip(f"No browser is installed ({', '.join(NAMES)}); Debian's is: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


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
    """Whether the page fits the window's width; tables may scroll inside their own box."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical: rule and element."""
    found = Axe().run(page).response["violations"]
    faults = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in faults for node in rule["nodes"]]
