"""The trimming path."""

from dataclasses import replace

import numpy as np
import pytest

from targeting.effects.estimators import ADJUSTED, aipw
from targeting.effects.trimming import trimming_table
from targeting.nuisance.overlap import crump_threshold
from tests.test_effects import world


def test_each_threshold_keeps_its_rows():
    data = world()
    crump = crump_threshold(data.propensity)
    table = trimming_table(data, "purchase_amount", crump, thresholds=(0.0, 0.3)).set_index(["rule", "threshold", "method"])
    inside = (data.propensity >= 0.3) & (data.propensity <= 0.7)
    row = table.loc[("fixed", 0.3, "aipw")]
    assert (row["n"], row["n_treated"]) == (inside.sum(), data.treated[inside].sum())
    assert row["estimate"] == pytest.approx(data.score[inside].mean())
    assert table.loc[("fixed", 0.0, "aipw"), "estimate"] == pytest.approx(aipw(data).value)
    assert len(table) == 3 * len(ADJUSTED)
    assert table.index[-1][:2] == ("crump", crump)


def test_a_threshold_that_empties_an_arm_is_left_out():
    data = world()
    apart = replace(data, propensity=np.where(data.treated == 1, 0.8, 0.2))
    table = trimming_table(apart, "purchase_amount", 0.0, thresholds=(0.0, 0.3))
    assert set(table.loc[table["rule"] == "fixed", "threshold"]) == {0.0}
