"""Work in processes: the results of a plain loop, in its order, drawn as needed, and no processes within processes."""

import os
import time
from functools import partial
from itertools import starmap

import pytest
from joblib import cpu_count

from targeting.base.errors import DataError
from targeting.base.parallel import CORES, in_processes


@pytest.fixture(params=["1", "2"])
def cores(request, monkeypatch):
    monkeypatch.setenv(CORES, request.param)
    return min(int(request.param), os.cpu_count() or 1)


def scaled(factor: int, value: int, pause: float) -> int:
    time.sleep(pause)
    return factor * value


def fails_at_two(value: int) -> int:
    if value == 2:
        raise DataError("no luck")
    return value


def where_and_how_many() -> tuple[int, int]:
    return os.getpid(), cpu_count()


def test_results_are_those_of_a_loop_whichever_is_ready_first(cores):
    jobs = [(number, 0.02 * (number % 2 == 0)) for number in range(9)]
    assert list(in_processes(partial(scaled, 3), jobs)) == list(starmap(partial(scaled, 3), jobs))
    assert list(in_processes(scaled, [])) == []


def test_arguments_are_drawn_as_cores_become_free(cores):
    drawn = []

    def jobs():
        for number in range(50):
            drawn.append(number)
            yield (1, number, 0.0)

    results = in_processes(scaled, jobs())
    assert next(results) == 0
    assert len(drawn) <= 2 * cores + 1
    results.close()


def test_an_error_is_the_callers(cores):
    results = in_processes(fails_at_two, ((number,) for number in range(4)))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataError, match="no luck"):
        next(results)


def test_processes_begin_none_of_their_own(cores):
    if cores < 2:
        pytest.skip("one core: everything runs in this process")
    [(process, own_cores)] = in_processes(where_and_how_many, [()])
    assert process != os.getpid()
    assert own_cores == 1
