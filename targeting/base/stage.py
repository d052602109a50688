"""How every stage script runs: one exit for errors that the user can mend, and for a machine that is too small."""

import errno
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool

from targeting.base.errors import DataError

NO_DISK = "the disk is full. Make room and start again: what was finished before is kept"
NO_MEMORY = "memory ran out. Close other programs, or take a machine with more"
ENGINE_NO_MEMORY = "the tables need more memory than engine.memory_limit. Raise it, or lower engine.threads"
OFFLOAD = "failed to offload data block"  # DuckDB, once its spill has filled the disk


def run(name: str, main: Callable[[], None]) -> None:
    """Call `main`; a DataError, a full disk and a lack of memory become the last line on stderr and exit code 1.

    Any other exception keeps its traceback.
    """
    try:
        main()
    except Exception as error:
        reason = shortage(error) or (str(error) if isinstance(error, DataError) else None)
        if reason is None:
            raise
        print(f"{name}: {reason}", file=sys.stderr)
        raise SystemExit(1) from None


def shortage(error: BaseException | None) -> str | None:
    """What the machine lacked, in a sentence, if `error`, or what it was raised for, comes of that; else None."""
    while error is not None:
        text = str(error)
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in text or OFFLOAD in text:
            place = getattr(error, "filename", None)
            return f"{NO_DISK}." if place is None else f"{NO_DISK} (no room for {place})."
        if isinstance(error, (MemoryError, BrokenProcessPool)):  # the system ends a worker process where memory runs out
            return f"{NO_MEMORY}."
        if type(error).__name__ == "OutOfMemoryException":  # DuckDB's; importing it takes longer than many a stage
            return f"{ENGINE_NO_MEMORY}."
        error = error.__cause__ or error.__context__
    return None
