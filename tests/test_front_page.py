"""The pages that people read first: the README is its template's, and every link and picture leads to something in git."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.render_readme import ROOT, render

PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def text(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names by which links reach the page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_what_its_template_gives():
    assert (ROOT / "README.md").read_text(encoding="utf-8") == render(), "README.md is written by `make readme`"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_what_is_in_git(page):
    for link in LINK.findall(text(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        # A picture that git ignores is there on the author's machine alone.
        ignored = subprocess.run(["git", "check-ignore", "--quiet", str(target)], cwd=ROOT, check=False).returncode == 0
        assert not ignored, f"git ignores {link}"
        assert not anchor or anchor in anchors(target), link
