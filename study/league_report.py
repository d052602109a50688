"""Sum up the league, draw its picture, write docs/league.md; `make league` runs this last."""

from pathlib import Path

import pandas as pd

from scripts.render_readme import text_environment
from study.league import HOUSEHOLDS, PLAYED, RETAILERS
from study.league_figure import CELL_NAMES, NAMES, league_chart
from study.league_play import CELLS, STRATEGIES
from study.league_retailer import CAMPAIGNS, PAST
from study.league_summary import LATE, by_campaign, by_strategy
from study.league_verdicts import FEWEST, LEAST_ORACLE, shares_say, verdicts
from targeting.base.outputs import write_csv, write_figure

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN_TABLE = Path("study/league_campaigns.csv")
TABLE = Path("study/league.csv")
PICTURE = Path("study/league.png")
PAGE = Path("docs/league.md")
TEMPLATE = "league.md.jinja"


def main() -> None:
    """Read what was played; write two tables, the picture and the page."""
    played = pd.read_csv(PLAYED)
    campaigns = by_campaign(played)
    write_csv(campaigns, CAMPAIGN_TABLE)
    write_csv(by_strategy(played), TABLE)
    write_figure(league_chart(campaigns), PICTURE)
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """The page's text, every figure in it from the stored table."""
    table = pd.read_csv(ROOT / TABLE)
    cells = {cell: table[table["cell"] == cell].set_index("strategy").to_dict("index") for cell in CELLS}
    sizes = {"n": int(table["n"].min()), "retailers": RETAILERS, "kinds": table["cell"].nunique()}
    sizes |= {"households": HOUSEHOLDS, "campaigns": CAMPAIGNS, "past": PAST}
    words = {"names": NAMES, "cell_names": CELL_NAMES, "verdicts": verdicts(table)}
    rules = {"fewest": FEWEST, "least_oracle": LEAST_ORACLE, "shares_say": shares_say}
    return (
        text_environment()
        .get_template(TEMPLATE)
        .render(cells=cells, settings=CELLS, strategies=STRATEGIES, late=LATE, **words, **rules, **sizes)
    )


if __name__ == "__main__":
    main()
