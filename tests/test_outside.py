"""Curves, scores and learners against packages that many use for uplift: scikit-uplift, and what causalml answered once."""

import ast
import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from sklift.metrics import qini_curve, uplift_curve

from targeting.learners.meta import s_learner, t_learner, x_learner
from targeting.learners.orthogonal import nonparam_dml
from targeting.policy.curve import profit_and_spend
from targeting.policy.economics import Economics
from targeting.validation.ranking import qini
from targeting.validation.uplift import raw_auuc, raw_qini, toc_table
from tests.conftest import ROOT
from tests.reference.rows import N_LEARN, SETTINGS, Given, rows
from tests.test_policy_value import evidence

SEED = 1
CAUSALML = Path(__file__).parent / "reference" / "causalml.json"
LEARNERS = {"s": s_learner, "t": t_learner, "x": x_learner, "r": nonparam_dml}


@pytest.fixture(scope="module")
def given() -> Given:
    return rows()


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    """What causalml answered about the same rows: see tests/reference/causalml.py."""
    return {name: np.array(answer) for name, answer in json.loads(CAUSALML.read_text(encoding="utf-8")).items()}


@pytest.mark.filterwarnings("ignore:Function stable_cumsum:FutureWarning")
def test_raw_areas_are_those_under_scikit_uplifts_curves():
    """It draws curves of a yes or no, by number of rows; areas here are means over them, per row and less the straight line."""
    rng = np.random.default_rng(2)
    n = 500
    cate, treated = rng.normal(size=n), rng.integers(0, 2, n)
    bought = (rng.random(n) < 0.3 + 0.1 * treated * (cate > 0)).astype(int)
    shares = np.arange(n + 1) / n
    counts, gain = qini_curve(bought, cate, treated)
    assert counts.tolist() == list(range(n + 1))
    assert raw_qini(cate, bought, treated) == pytest.approx(np.mean((gain / n - gain[-1] / n * shares)[1:]), rel=1e-12)
    _, lift = uplift_curve(bought, cate, treated)
    assert raw_auuc(cate, bought, treated) == pytest.approx(np.mean(lift[1:] / n), rel=1e-12)


def test_raw_areas_are_those_under_causalmls_curves(given, theirs):
    """Where an arm is still empty, at one row, it draws a line between its neighbours; here that row bought nothing."""
    shares = np.arange(N_LEARN + 1) / N_LEARN
    gain, lift = theirs["qini"] / N_LEARN, theirs["gain"] / N_LEARN
    gain[1] = lift[1] = 0.0
    own = given.rank, given.learn.outcome, given.learn.treated
    assert raw_qini(*own) == pytest.approx(np.mean((gain - gain[-1] * shares)[1:]), rel=1e-9)
    assert raw_auuc(*own) == pytest.approx(np.mean(lift[1:]), rel=1e-9)


def test_curves_of_scores_are_causalmls(given, theirs):
    shares = np.arange(1, N_LEARN + 1) / N_LEARN
    own = toc_table(given.rank, given.learn.score, np.arange(N_LEARN), shares, SEED)["toc"]
    np.testing.assert_allclose(own, theirs["toc"][1:], atol=1e-9)
    # The Qini coefficient is the area under share times TOC; with a cost of nothing and a margin of 1 profit is gain.
    assert qini(given.rank, given.learn.score, np.arange(N_LEARN)).estimate.value == pytest.approx(
        np.mean(shares * theirs["toc"][1:]), rel=1e-9
    )
    curves = profit_and_spend(np.argsort(-given.rank), evidence(given.learn.score), Economics(0.0, 1.0))
    counts = np.rint(curves.shares * N_LEARN).astype(int)
    np.testing.assert_allclose(curves.means[0], theirs["score_gain"][counts] / N_LEARN, atol=1e-9)


def test_scores_and_loss_are_causalmls_with_the_same_nuisances(given, theirs):
    learn = given.learn
    np.testing.assert_allclose(learn.score, theirs["score"], rtol=1e-9)
    loss = np.square(learn.outcome_residual - learn.treated_residual * given.rank)
    assert np.mean(loss) == pytest.approx(theirs["r_loss"].item(), rel=1e-9)


@pytest.mark.parametrize("name", LEARNERS)
def test_learners_are_causalmls_with_the_same_base_models(name, given, theirs):
    """Its DR-learner is another one: it averages three, each of which learns effects from a third of the rows."""
    learn = dataclasses.replace(given.learn)
    # Its R-learner weighs rows alike, whatever their noise.
    vars(learn)["certainty"] = np.ones(N_LEARN)
    own = LEARNERS[name](learn, SETTINGS, SEED).effects(given.held_out).cate
    assert np.ptp(own) > 5
    np.testing.assert_allclose(own, theirs[name], rtol=1e-6)


def test_what_the_benchmarks_take_of_the_library_exists():
    """`make bench` needs packages that no test has: a name that moved would show there alone."""
    taken = {
        (node.module, name.name)
        for path in sorted((ROOT / "benchmarks").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("targeting.")
        for name in node.names
    }
    assert len(taken) > 20
    missing = [f"{module}.{name}" for module, name in sorted(taken) if not hasattr(importlib.import_module(module), name)]
    assert missing == []
