"""Effects by segment: hand-worked, clustered, at their level, and why segments may not look past time zero."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from targeting.effects.by_segment import effects_by_segment
from targeting.effects.estimators import EffectData, ato
from targeting.nuisance.scores import dr_scores
from targeting.stats.estimates import mean_estimate
from tests.stored import require_stored


def data_of(outcome, treated, propensity, mu0, mu1, household) -> EffectData:
    y, t, e, m0, m1 = (np.asarray(values, dtype=float) for values in (outcome, treated, propensity, mu0, mu1))
    score = np.diff(dr_scores(y, t, e, m0, m1), axis=1).ravel()
    nothing = np.zeros(len(y))
    return EffectData(
        outcome=y,
        treated=t,
        covariates=nothing[:, None],
        household_id=np.asarray(household),
        trial=np.ones(len(y), dtype=int),
        before=nothing,
        propensity=e,
        mean=e * m1 + (1 - e) * m0,
        mu0=m0,
        mu1=m1,
        score=score,
        variance=np.ones(len(y)),
    )


def world(seed: int, n: int = 600, gains: tuple[float, ...] = (0.0, 0.0, 0.0)) -> tuple[EffectData, np.ndarray]:
    """Households with two rows in segments of their own baseline, which set propensity and effect; noise stays with them."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2), 2)
    segment = rng.integers(0, 3, n)
    propensity = np.array([0.2, 0.5, 0.7])[segment]
    treated = (rng.random(n) < propensity).astype(float)
    effect = np.array(gains)[segment]
    base = 10.0 * segment
    noise = np.repeat(rng.normal(0, 2, n // 2), 2) + rng.normal(0, 2, n)
    return data_of(base + effect * treated + noise, treated, propensity, base, base + effect, household), segment


def test_two_segments_by_hand():
    # Propensities of 1/2 and outcome models of nothing: a score is 2 y for the treated and -2 y for controls, and with equal
    # weights (T - e)^2 = 1/4 the overlap-weighted effect is the same mean.
    data = data_of([3.0, 1, 5, 1, 4, 4, 2, 2], [1, 0, 1, 0] * 2, [0.5] * 8, [0] * 8, [0] * 8, range(8))
    found = effects_by_segment(data, [1] * 4 + [2] * 4, np.arange(8.0), [True] * 4 + [False, True] * 2, fewest=2)
    first, second = found.table.to_dict("records")
    # Scores 6, -2, 10, -2 and 8, -8, 4, -4.
    assert (first["n"], first["n_treated"], first["overlap_share"], first["cate"]) == (4, 2, 1, 1.5)
    assert (second["overlap_share"], second["cate"]) == (0.5, 5.5)
    assert (first["effect"], first["ato"], second["effect"], second["ato"]) == (3, 3, 0, 0)
    se = {name: np.sqrt(4 / 3 * squares) / 4 for name, squares in (("first", 9 + 25 + 49 + 25), ("second", 64 + 64 + 16 + 16))}
    assert (first["se"], second["ato_se"]) == pytest.approx((se["first"], se["second"]))
    assert first["over_rest"] == -second["over_rest"] == 3
    assert first["over_rest_se"] == pytest.approx(np.hypot(*se.values()))
    # Two segments: one test, whichever way; Holm doubles the smaller p and the other can't be below it.
    assert first["p"] == pytest.approx(second["p"])
    assert first["p_holm"] == pytest.approx(min(1, 2 * first["p"]))
    assert found.differ_p == pytest.approx(chi2.sf(9 / np.square(list(se.values())).sum(), 1))
    assert found.differ_p == pytest.approx(first["p"])


def test_each_segment_is_what_its_rows_alone_say():
    data, segment = world(1)
    table = effects_by_segment(data, segment, np.zeros(600), np.ones(600, dtype=bool)).table.set_index("segment")
    for number in range(3):
        rows = segment == number
        everybody, compared = mean_estimate(data.score[rows], data.household_id[rows]), ato(data.subset(rows))
        own = table.loc[number, ["effect", "se", "ato", "ato_se"]].tolist()
        assert own == pytest.approx([everybody.value, everybody.se, compared.value, compared.se])


def test_segments_that_share_households_are_not_independent():
    # Every household is once in each segment, with the same noise: it cancels from the difference, and only the covariance knows.
    rng = np.random.default_rng(0)
    household, segment = np.repeat(np.arange(300), 2), np.tile([0, 1], 300)
    treated = np.repeat(rng.integers(0, 2, 300), 2)
    outcome = np.repeat(rng.normal(0, 5, 300), 2) + rng.normal(0, 0.5, 600)
    data = data_of(outcome, treated, [0.5] * 600, [0] * 600, [0] * 600, household)
    first = effects_by_segment(data, segment, np.zeros(600), np.ones(600, dtype=bool)).table.iloc[0]
    assert first["over_rest_se"] < first["ato_se"] / 3


def test_a_segment_without_both_arms_has_no_effect_and_one_segment_no_test():
    data, segment = world(2)
    segment = np.where((segment == 2) & (data.treated == 1), 1, segment)  # the third keeps controls only
    found = effects_by_segment(data, segment, np.zeros(600), np.ones(600, dtype=bool))
    third = found.table.iloc[2]
    assert third[["effect", "se", "ato", "over_rest", "p", "p_holm"]].isna().all()
    assert third["n_treated"] == 0
    assert found.table.loc[:1, "p_holm"].notna().all()
    alone = effects_by_segment(data, np.ones(600, dtype=int), np.zeros(600), np.ones(600, dtype=bool))
    assert np.isnan(alone.differ_p)
    assert alone.summary() == {}
    assert alone.table["p_holm"].isna().all()


def test_three_mailed_households_are_no_finding():
    """Were they lucky alike, their spread would be small too, and their segment a finding."""
    data, segment = world(3)
    mailed = np.flatnonzero((segment == 0) & (data.treated == 1))[[0, 2, 4]]
    few = np.where((segment == 0) & (data.treated == 1), 1, segment)
    few[mailed] = 0
    found = effects_by_segment(data, few, np.zeros(600), np.ones(600, dtype=bool))
    assert found.table.loc[0, "n_treated"] == 3
    assert found.table.loc[0, ["effect", "ato", "p"]].isna().all()
    assert found.table.loc[1:, "p_holm"].notna().all()
    assert effects_by_segment(data, few, np.zeros(600), np.ones(600, dtype=bool), fewest=2).table["p_holm"].notna().all()


def test_effects_of_one_world_are_as_they_were_when_all_were_judged():
    found = effects_by_segment(*world(0, gains=(0.0, 0.0, 3.0)), np.zeros(600), np.ones(600, dtype=bool))
    rows = found.table.melt("segment", ["ato", "ato_ci_lower", "ato_ci_upper", "p_holm"])
    figures = {f"{row.variable} {row.segment}": float(row.value) for row in rows.itertuples()}
    require_stored("effects by segment", figures | {"differ_p": float(found.differ_p)})


@pytest.mark.long
def test_tests_keep_their_level_and_intervals_cover():
    joint, any_holm, covered, found = [], [], [], []
    for seed in range(60):
        same = effects_by_segment(*world(seed, gains=(1.0, 1.0, 1.0)), np.zeros(600), np.ones(600, dtype=bool))
        joint.append(same.differ_p < 0.05)
        any_holm.append(same.summary()["n_differing"] > 0)
        covered.append((same.table["ato_ci_lower"] <= 1) & (same.table["ato_ci_upper"] >= 1))
        found.append(
            effects_by_segment(*world(seed, gains=(0.0, 0.0, 3.0)), np.zeros(600), np.ones(600, dtype=bool)).differ_p < 0.05
        )
    # Of 60 at 5%, more than 8 have a chance of 1 in 200.
    assert sum(joint) <= 8
    assert sum(any_holm) <= 8
    assert (np.abs(np.mean(covered, axis=0) - 0.95) < 0.07).all()
    assert np.mean(found) > 0.95


def test_segments_of_the_whole_window_invent_differences():
    # Nobody responds. By spend before time zero segments are alike; by spend over the whole window, outcome included, the treated
    # among high spenders are those whose outcome came out high, and an effect appears that is selection.
    rng = np.random.default_rng(5)
    n = 4000
    before = rng.gamma(2, 20, n)
    treated = (rng.random(n) < 0.5).astype(float)
    outcome = before * np.where(treated == 1, rng.choice([0.2, 1.8], n), 1.0)  # the mailing moves spend about, and adds nothing
    data = data_of(outcome, treated, [0.5] * n, before, before, range(n))
    inside = np.ones(n, dtype=bool)

    def by_spend(spend: np.ndarray) -> float:
        return effects_by_segment(data, pd.qcut(spend, 3, labels=False), np.zeros(n), inside).differ_p

    assert by_spend(before) > 0.05
    assert by_spend(before + outcome) < 1e-6
