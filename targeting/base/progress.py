"""Progress of long work: a bar where a person watches, one quiet line where none does."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items, drawing a bar on a terminal and printing one line at the start elsewhere."""
    if not sys.stderr.isatty():
        print(f"{description} ...", file=sys.stderr, flush=True)
    yield from tqdm(items, desc=description, total=total, disable=None, leave=False)
