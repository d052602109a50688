"""Fill a page's template: words of the data are escaped, data for scripts are embedded as JSON or as exact numbers."""

import base64
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import ArrayLike

from targeting.words.money import currency, many, money, sign, total
from targeting.words.numbers import number, percent

KINDS = {"Float64": "<f8", "Uint16": "<u2"}
MOST_UINT16 = 65_535


def packed(values: ArrayLike, kind: str = "Float64") -> str:
    """Numbers (n,) as base64 of little-endian 64-bit floats: a script unpacks the very same; missing stays NaN.

    As another of KINDS they are shorter; raises ValueError for what that cannot hold.
    """
    numbers = np.asarray(values)
    if kind == "Uint16" and ((numbers < 0) | (numbers > MOST_UINT16) | (numbers % 1 != 0)).any():
        raise ValueError(f"Only whole numbers from 0 to {MOST_UINT16} can be packed as Uint16.")
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=KINDS[kind]).tobytes()).decode("ascii")


def asset(name: str) -> Markup:
    """One of this package's own scripts or style sheets, to stand inside <script> or <style>; never a word of the data."""
    return Markup(files("targeting.pages").joinpath("assets", name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def ticked(text: str) -> Markup:
    """A sentence whose words between backticks are shown as code; all else of it stays text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


@jinja2.pass_context
def _money(_: jinja2.runtime.Context, value: float, digits: int = 2) -> str:
    """`money`, with a context that it needs not: else Jinja writes constants when it reads a template, in that currency."""
    return money(value, digits)


@cache
def environment() -> jinja2.Environment:
    """The templates of this package: everything put into one is escaped; a name that is missing raises jinja2.UndefinedError.

    In <script type="application/json"> the filter `tojson` writes data so that no `</script>` in them ends the element.
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("targeting.pages"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # A browser's JSON has no NaN: one that got this far is a fault of ours, and stops the page.
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}
    made.filters |= {"money": _money, "total": total, "percent": percent, "number": number, "ticked": ticked}
    made.globals |= {"asset": asset, "sign": sign, "many": many, "currency": currency}
    return made


def render(template: str, context: Mapping[str, Any]) -> str:
    """The page that `template` (a file name in this package's templates) and the context make."""
    return environment().get_template(template).render(**context)
