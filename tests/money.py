"""Money in words of a page: whether a currency is named that is not the run's."""

import re

SCRIPT = re.compile(r"<(script|style)(?![^>]*application/json)[^>]*>.*?</\1>", re.DOTALL)
# To d3 "$" is the page's currency, whichever that is; Vega names its own schema by it.
NO_MONEY = re.compile(r'"\$(schema|,[^"]*)"')
PACKED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")  # numbers as base64, in which any letters may meet


def foreign_money(page: str, *names: str) -> list[str]:
    """Where a page's text or the data of its charts have one of these signs or codes; scripts and styles do not count."""
    told = PACKED.sub("", NO_MONEY.sub('""', SCRIPT.sub("", page)))
    return [told[max(0, found.start() - 40) : found.end() + 40] for name in names for found in re.finditer(re.escape(name), told)]
