"""Time and memory of a call and of a command, as lines of a table."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Row:
    """A line of the table: seconds by the clock and, of commands, `cpu` seconds of all processors together and `peak` GB."""

    what: str
    seconds: float
    cpu: float | None = None
    peak: float | None = None

    def __str__(self) -> str:
        """Columns of fixed width."""
        cells = ("" if value is None else f"{value:.3f}" for value in (self.seconds, self.cpu, self.peak))
        return f"{self.what:<66}" + "".join(f"{cell:>10}" for cell in cells)


def median_seconds(call: Callable[[], Any], times: int = 5) -> float:
    """The median time that a call takes."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2]


def measured(what: str, project: Path, *command: str) -> Row:
    """Time of a command in the project, with the peak of the resident memory of all its processes together.

    Its processor seconds are the larger of two sums: what ended processes report, which leaves out those that outlive who started
    them, as Spark's does, and what was last seen of each, which leaves out the short ones.
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    start, used, peak = time.perf_counter(), _processor_seconds(), 0
    seen: dict[psutil.Process, float] = {}
    process = psutil.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _resident(process, seen))
        time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {project}")
    return Row(what, time.perf_counter() - start, max(_processor_seconds() - used, sum(seen.values())), peak / 1e9)


def _processor_seconds() -> float:
    """What this process's children that ended, and theirs, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident(process: psutil.Process, seen: dict[psutil.Process, float]) -> int:
    """Bytes of a process and its descendants; `seen` is told the processor seconds of each so far."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it ended between being listed and being asked
            total += member.memory_info().rss
            times = member.cpu_times()
            seen[member] = times.user + times.system
    return total
