"""Keep two pages in git that open without a run: `python -m scripts.sample_pages`, after `dvc repro` and `make demo`.

Reads the last run's report and the demo's game; writes docs/sample_report.html and docs/game.html, whose links lead to each
other.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT, GAME = Path("plots/report/index.html"), Path("demo/plots/report/game.html")
# Each page, its copy, and what its links become: the copies lie in docs/.
SAMPLES = {
    REPORT: (
        Path("docs/sample_report.html"),
        {
            'href="../../data/': 'href="../data/',
            '<header><div>\n<p class="muted">': '<header><div>\n<p class="muted">A sample: its files come with your own run. ',
        },
    ),
    GAME: (
        Path("docs/game.html"),
        {
            '<a href="index.html">The report of this run</a>': (
                'A made-up shop, whose truth is known. Then play <a href="../plots/report/game.html">the data of your own run</a>'
                ', or read a <a href="sample_report.html">sample report</a>'
            )
        },
    ),
}


def relinked(text: str, links: dict[str, str]) -> str:
    """The page's text with other links; raises ValueError for a link that it does not have, as its template has changed."""
    for old, new in links.items():
        if old not in text:
            raise ValueError(f"The page has no {old}: say here what became of it.")
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    for page, (copy, links) in SAMPLES.items():
        (ROOT / copy).write_text(relinked((ROOT / page).read_text(encoding="utf-8"), links), encoding="utf-8")
