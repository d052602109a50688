"""The study's alarms of the refutation checks: what a world gives, and how worlds are summed up."""

import numpy as np
import pandas as pd
import pytest

from study.refutations import CASES, alarm_summary, alarms


def test_the_summary_of_four_worlds_by_hand():
    key = {"check": "placebo_false_alarms", "setting": "effect 0"}
    ours = pd.DataFrame({"estimator": "ato", "alarm": [0.0, 0.2, 0.0, 0.2]}).assign(**key)
    others = ours.assign(estimator="aipw", alarm=1.0)
    table = alarm_summary(pd.concat([ours, others])).set_index("estimator")
    assert table.loc["ato", ["n", "share"]].tolist() == [4, pytest.approx(0.1)]
    # A deviation of 0.1 from the mean in each, three degrees of freedom, four worlds.
    assert table.loc["ato", "share_se"] == pytest.approx(np.sqrt(4 * 0.1**2 / 3) / np.sqrt(4))
    assert table.loc["aipw", ["n", "share", "share_se"]].tolist() == [4, 1, 0]


def test_settings_keep_their_order():
    rows = pd.DataFrame({"check": "c", "setting": ["s 3", "s 3", "s 15", "s 15"], "estimator": "ato", "alarm": 0.0})
    assert alarm_summary(rows)["setting"].tolist() == ["s 3", "s 15"]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.varied)
def test_a_world_gives_each_estimator_an_alarm(case):
    strongest = alarms(case, case.strengths[-1], seed=0)
    assert set(strongest["setting"]) == {f"{case.varied} {case.strengths[-1]}"}
    assert sorted(set(strongest["estimator"])) == ["aipw", "ato"]
    own = strongest[strongest["check"] != "placebo_false_alarms"]
    assert own["alarm"].tolist() == [1, 1]  # the strongest setting hides in hardly any world
    assert strongest["alarm"].between(0, 1).all()
