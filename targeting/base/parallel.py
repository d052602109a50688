"""Work spread over processes, one per core. Each is single-threaded: no number depends on how many run at once."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import starmap
from typing import Any

from joblib import cpu_count

# The limit on cores that joblib, too, obeys.
CORES = "LOKY_MAX_CPU_COUNT"
_given: list[Callable[..., Any]] = []


def in_processes(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """What `function` returns for each tuple of arguments, in their order; both must be what pickle can store.

    Where processes fork, they begin at once with all that is loaded and share the memory of `function`: what all calls have in
    common is best bound to it by functools.partial, and is then copied to no process. Arguments are drawn as cores become free.
    Calls within a call run in its own process.
    """
    cores = cpu_count()
    if cores == 1:
        yield from starmap(function, arguments)
        return
    waiting: deque[Future[Any]] = deque()
    with ProcessPoolExecutor(cores, initializer=_begin, initargs=(function,)) as pool:
        for own in arguments:
            waiting.append(pool.submit(_call, own))
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(function: Callable[..., Any]) -> None:
    os.environ[CORES] = "1"
    _given[:] = [function]


def _call(arguments: tuple[Any, ...]) -> Any:
    return _given[0](*arguments)
