"""The public benchmarks: loaders that check their input, panels that are the tables, and a page from stored results."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.public import report
from benchmarks.public.__main__ import renewed
from benchmarks.public.tables import IHDP_COLUMNS, OUTCOME, Benchmark, acic_benchmark, ihdp, panel_of
from scripts.render_readme import ROOT
from targeting.base.errors import DataError
from targeting.trials.panel import covariate_names
from targeting.trials.units import in_own_units


def replication(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Rows as a file of IHDP has them: an effect of 4, half of the rows with 1 more."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.integers(0, 2, (n, len(IHDP_COLUMNS))), columns=IHDP_COLUMNS).astype(float)
    rows["mu0"], rows["mu1"] = rng.normal(size=n), 0.0
    rows["mu1"] = rows["mu0"] + 4 + rows["x1"]
    rows["treatment"] = rows["treatment"].astype(int)
    rows["y_factual"] = np.where(rows["treatment"] == 1, rows["mu1"], rows["mu0"])
    return rows


def saved(rows: pd.DataFrame, folder, number: int = 1):
    rows.to_csv(folder / f"ihdp_npci_{number}.csv", header=False, index=False)
    return folder


def test_a_replication_is_read_with_its_known_effects(tmp_path):
    rows = replication()
    saved(rows, tmp_path, 10), saved(rows.assign(mu1=rows["mu0"]), tmp_path, 2)
    none, some = ihdp(tmp_path)
    assert [none.name, some.name] == ["IHDP, replication 2", "IHDP, replication 10"]
    assert not none.effect.any()
    np.testing.assert_allclose(some.effect, 4 + rows["x1"])
    treated = rows["treatment"] == 1
    assert some.true_averages["att"][0] == pytest.approx(4 + rows["x1"][treated].mean())
    assert some.true_averages["ate"][0] == pytest.approx(4 + rows["x1"].mean())


@pytest.mark.slow
def test_a_panel_has_the_tables_rows_in_their_order(tmp_path):
    benchmark = next(ihdp(saved(replication(), tmp_path)))
    panel, units = panel_of(benchmark, 5, 1, tmp_path)
    np.testing.assert_allclose(panel[OUTCOME], benchmark.rows[OUTCOME])
    np.testing.assert_array_equal(panel["treated"], benchmark.rows["treated"])
    assert len(covariate_names(panel)) == 25
    np.testing.assert_allclose(in_own_units(panel, units)["x_x1"], benchmark.rows["x1"])
    assert panel["known_propensity"].isna().all()


def test_an_experiment_has_its_known_chance(tmp_path):
    rows = pd.DataFrame({"customer_id": range(8), "treated": [0, 1] * 4, OUTCOME: np.arange(8.0), "age": np.arange(8.0)})
    panel, _ = panel_of(Benchmark("of lots", rows, ["age"], [], by_lot=True), 2, 1, tmp_path)
    assert (panel["known_propensity"] == 0.5).all()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda rows: rows.drop(columns="x25"), r"ihdp_npci_1.csv has 29 columns, and 30 are expected"),
        (lambda rows: rows.assign(treatment=rows["treatment"] + 1), r"column treatment: \d+ values are no 0 or 1, for example 2"),
        (lambda rows: rows.assign(mu0="many"), r"column mu0: 60 values are no number, for example many"),
        (lambda rows: rows.assign(y_factual=np.nan), r"column y_factual: 60 values are no number, for example nan"),
    ],
)
def test_a_file_that_is_no_replication_is_refused(broken, message, tmp_path):
    folder = saved(broken(replication()), tmp_path)
    with pytest.raises(DataError, match=message):
        list(ihdp(folder))


def test_a_folder_without_replications_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no file ihdp_npci_\*.csv: name the folder"):
        list(ihdp(tmp_path))


def test_acics_parts_have_to_go_together():
    covariates = pd.DataFrame({"x_1": [1.0, 2.0], "x_2": ["A", "B"]})
    outcomes = pd.DataFrame({"z": [0, 1], "y0": [1.0, 2.0], "y1": [3.0, 5.0], "mu0": [1.0, 2.0], "mu1": [2.0, 5.0]})
    instance = acic_benchmark(1, covariates, outcomes)
    assert (instance.numeric, instance.categorical) == (["x_1"], ["x_2"])
    assert instance.rows[OUTCOME].tolist() == [1.0, 5.0]
    assert instance.effect.tolist() == [1.0, 3.0]
    with pytest.raises(DataError, match=r"instance 2: 1 rows of covariates and 2 of outcomes"):
        acic_benchmark(2, covariates.head(1), outcomes)
    with pytest.raises(DataError, match=r"mu1 is missing"):
        acic_benchmark(3, covariates, outcomes.drop(columns="mu1"))


def test_renewed_rows_take_the_place_of_their_own_alone(tmp_path):
    path = tmp_path / "results.csv"
    old = [("first", "project", 1.0), ("first", "econml", 2.0), ("second", "project", 3.0)]
    pd.DataFrame(old, columns=["table", "package", "value"]).to_csv(path, index=False)
    rows = renewed(path, [{"table": "first", "package": "project", "value": 9.0}])
    assert rows.to_numpy().tolist() == [["first", "project", 9.0], ["first", "econml", 2.0], ["second", "project", 3.0]]


def test_the_page_is_written_from_the_stored_results():
    effects, averages = (pd.read_csv(ROOT / path) for path in (report.EFFECTS, report.AVERAGES))
    assert report.render(effects, averages) == (ROOT / report.PAGE).read_text(encoding="utf-8")
    assert "987654" in report.render(effects.assign(sqrt_pehe=987654.0).astype({"table": str}), averages).replace(",", "")
