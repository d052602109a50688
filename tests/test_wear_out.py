"""First and repeated mailings: each group's effect is the estimator's own, errors are joint, and what is true is found."""

import numpy as np
import pytest

from targeting.effects.estimators import EffectData, ato, owate
from targeting.effects.wear_out import wear_out_metrics, wear_out_table


def trials(seed: int, n: int = 400, worn: float = 0.5) -> tuple[EffectData, np.ndarray]:
    """Households in three trials, mailed with a chance that grows with earlier mailings; each halves the effect of 10.

    A household's rows share a part of the outcome; all nuisances are the true ones, noise differs by household.
    """
    rng = np.random.default_rng(seed)
    earlier, shared, loud = np.zeros(n, dtype=int), rng.normal(0, 3, n), rng.uniform(1, 9, n)
    rows = []
    for trial in (1, 2, 3):
        e = np.where(earlier > 0, 0.6, 0.4)
        t = (rng.random(n) < e).astype(float)
        effect = 10 * worn**earlier
        y = 50 + effect * t + shared + loud * rng.normal(size=n)
        rows.append((np.arange(n), np.full(n, trial), e, t, y, effect, earlier.copy(), loud**2 + 9))
        earlier += t.astype(int)
    household, trial, e, t, y, effect, number, variance = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    mu0, mu1 = np.full(len(y), 50.0), 50 + effect
    score = mu1 - mu0 + t * (y - mu1) / e - (1 - t) * (y - mu0) / (1 - e)
    mean = mu0 + e * effect
    return EffectData(y, t, np.zeros((len(y), 1)), household, trial, mu0, e, mean, mu0, mu1, score, variance), number


def test_groups_are_the_estimator_on_their_rows():
    data, number = trials(0)
    table = wear_out_table(data, number, "purchase_amount").set_index("earlier_mailings")
    assert table.index.tolist() == ["0", "1", "2", "repeated", "repeated less first"]
    for name, members in {"0": number == 0, "1": number == 1, "2": number == 2, "repeated": number > 0}.items():
        own = ato(data.subset(members))
        assert table.loc[name, ["estimate", "se"]].tolist() == pytest.approx([own.value, own.se])
        assert table.loc[name, ["n", "n_treated"]].tolist() == [members.sum(), data.treated[members].sum()]
    gap = table.loc["repeated", "estimate"] - table.loc["0", "estimate"]
    assert table.loc["repeated less first", "estimate"] == pytest.approx(gap)
    assert wear_out_metrics(table.reset_index())["repeated_less_first"] == pytest.approx(gap)


@pytest.mark.slow
def test_wear_out_is_covered_and_found():
    covered, found, alike = 0, 0, 0
    for seed in range(150):
        data, number = trials(seed)
        table = wear_out_table(data, number, "purchase_amount").set_index("earlier_mailings")
        weight = np.square(data.treated - data.propensity)
        truth = {g: np.average((data.mu1 - data.mu0)[m], weights=weight[m]) for g, m in ((0, number == 0), (1, number > 0))}
        row = table.loc["repeated less first"]
        covered += row["ci_lower"] <= truth[1] - truth[0] <= row["ci_upper"]
        found += row["p"] < 0.05
        same = wear_out_table(*trials(seed, worn=1.0), "purchase_amount").set_index("earlier_mailings")
        alike += same.loc["repeated less first", "p"] < 0.05
    assert 135 <= covered <= 149  # 142 expected
    assert found > 140
    assert alike <= 15  # 7.5 expected


def test_without_an_earlier_mailing_there_is_nothing_to_compare():
    data, number = trials(0)
    first = data.subset(number == 0)
    table = wear_out_table(first, np.zeros(len(first.treated)), "purchase_amount")
    assert table.empty
    assert wear_out_metrics(table) == {}


def test_a_group_of_few_is_missing():
    data, number = trials(0, n=30)
    table = wear_out_table(data, number, "purchase_amount").set_index("earlier_mailings")
    assert np.isnan(table.loc["2", "estimate"])


def test_weighing_by_the_noise_is_right_and_more_precise():
    errors = []
    for seed in range(300):
        data, _ = trials(seed, worn=1.0)
        errors.append([(found.value - 10, found.se) for found in (ato(data), owate(data))])
    values = np.array(errors)
    z = values[:, :, 0] / values[:, :, 1]
    assert (np.abs(z) < 1.96).mean(axis=0) == pytest.approx([0.95, 0.95], abs=0.035)
    assert values[:, 1, 1].mean() < 0.9 * values[:, 0, 1].mean()


def test_noise_alike_in_all_rows_changes_nothing():
    data, _ = trials(1)
    alike = EffectData(*(getattr(data, name) for name in list(data.__dataclass_fields__)[:-1]), np.full(len(data.treated), 7.0))
    assert owate(alike).value == pytest.approx(ato(data).value)
    assert owate(alike).se == pytest.approx(ato(data).se)
