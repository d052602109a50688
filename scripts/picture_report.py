"""Take the README's picture of the report, its first screen: `python -m scripts.picture_report`.

Reads plots/report/index.html; writes docs/report.png. Needs Chromium, so it is taken by hand and no run waits for it.
"""

from pathlib import Path

from playwright.sync_api import Browser

from scripts.browser import chromium

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "plots" / "report" / "index.html"
PICTURE = ROOT / "docs" / "report.png"
WIDTH = 1280  # pixels


def take(browser: Browser, report: Path, picture: Path) -> None:
    """Write the picture of a report's page."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, reduced_motion="reduce")
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("#chart-roi svg, #chart-roi canvas")
    end = page.evaluate("document.querySelector('header').getBoundingClientRect().bottom")
    page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": end})
    page.close()


if __name__ == "__main__":
    with chromium() as started:
        take(started, REPORT, PICTURE)
