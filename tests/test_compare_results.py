"""The comparison of a run with the committed numbers."""

import pytest

from scripts.compare_results import differences


def test_equal_files_agree():
    assert differences("metrics/a.json", '{"n": 3, "x": {"y": 0.5}}', '{"x": {"y": 0.5}, "n": 3}') == []
    assert differences("plots/a.csv", "name,x\nall,0.1\n", "name,x\nall,0.1\n") == []
    assert differences("params.yaml", "seed: 1\n", "seed: 1\n") == []


@pytest.mark.parametrize(
    ("old", "new", "agree"), [(1e6, 1e6 + 0.5, True), (1e6, 1e6 + 2, False), (-3e-8, 2e-17, False), (1e-17, -2e-16, True)]
)
def test_numbers_may_differ_by_one_part_in_a_million(old, new, agree):
    assert (differences("metrics/a.json", f'{{"x": {old}}}', f'{{"x": {new}}}') == []) == agree
    assert (differences("plots/a.csv", f"x\n{old}\n", f"x\n{new}\n") == []) == agree


def test_differences_say_where():
    assert differences("metrics/a.json", '{"x": {"y": 1}}', '{"x": {"y": 2}}') == ["metrics/a.json, x.y: 1 is now 2"]
    assert differences("plots/a.csv", "k,v\n1,2\n3,4\n", "k,v\n1,2\n3,5\n") == ["plots/a.csv, row 2, column v: 4 is now 5"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("metrics/a.json", '{"chosen": "x"}', '{"chosen": "dr"}'),
        ("metrics/a.json", '{"x": 1}', '{"x": 1, "y": 2}'),
        ("metrics/a.json", '{"x": 1, "y": 2}', '{"x": 1}'),
        ("metrics/a.json", '{"x": null}', '{"x": 0}'),
        ("plots/a.csv", "x\n1\n", "x\n1\n2\n"),
        ("plots/a.csv", "x\n1\n", 'x\n""\n'),
        ("plots/a.csv", "x\n1\n", "y\n1\n"),
        ("params.yaml", "seed: 1\n", "seed:  1\n"),
    ],
)
def test_everything_else_must_be_equal(name, old, new):
    assert differences(name, old, new)
