"""How every stage script runs: one exit for errors that the user can mend."""

import sys
from collections.abc import Callable

from targeting.base.errors import DataError


def run(name: str, main: Callable[[], None]) -> None:
    """Call `main`; a DataError becomes the last line on stderr and exit code 1, any other exception its traceback."""
    try:
        main()
    except DataError as error:
        print(f"{name}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
