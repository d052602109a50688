"""The table of learners, and the pictures drawn from it."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from targeting.figures.segment_effects import segment_effects_spec, segment_effects_words, segments_compared_chart
from targeting.figures.validation import agreement_chart, calibration_chart, toc_chart
from targeting.stats.folds import rank_within
from targeting.validation.calibration import grouped_effects
from targeting.validation.measures import effect_correlations, judge_learner, learner_table, order_and_size
from targeting.validation.ranking import autoc
from targeting.validation.uplift import toc_table, uplift_table
from tests.stored import require_stored
from tests.worlds import world

SEED = 1
SHARES = np.linspace(0.1, 1, 10)


def judged() -> tuple[pd.Series, np.ndarray, pd.DataFrame]:
    cate, score, households = world()
    rng = np.random.default_rng(2)
    panel = pd.DataFrame({"household_id": households, "fold": households % 3, "treated": rng.integers(0, 2, len(cate))})
    return pd.Series(cate), score, panel.assign(purchase_amount=rng.gamma(2, size=len(cate)))


def test_every_p_value_turns_with_the_ranking():
    cate, score, panel = judged()
    right, wrong = (judge_learner(sign * cate, score, panel, "purchase_amount", SEED) for sign in (1, -1))
    for name in ("autoc_p", "qini_p", "blp_p", "top_less_bottom_p"):
        assert right[name] < 0.01
        assert wrong[name] > 0.99
    assert wrong["disorder_p"] < 0.01 < right["disorder_p"]
    within = cate - cate.groupby(panel["fold"]).transform("mean")
    assert (right["mean"], right["sd"]) == (cate.mean(), pytest.approx(within.std()))
    alike = judge_learner(0.1 + panel["fold"] / 3, score, panel, "purchase_amount", SEED)  # a constant a fold ranks nobody
    assert [alike[name] for name in ("sd", "autoc", "qini", "blp_slope", "top_less_bottom")] == [0, 0, 0, 0, 0]
    assert alike["autoc_p"] == alike["blp_p"] == alike["top_less_bottom_p"] == 1
    table = learner_table({"purchase_amount": {"right": cate, "wrong": -cate}}, {"purchase_amount": score}, panel, SEED)
    assert table["learner"].tolist() == ["right", "wrong"]
    assert table["autoc"].tolist() == [right["autoc"], wrong["autoc"]]


def cross_fitted_claims(strength: float, penalty: float, worlds: int) -> dict[str, int]:
    """In how many worlds a ridge regression of the very scores that judge it looks better than nothing, by way of judging."""
    claims = {"pooled": 0, "given": 0, "judged": 0}
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        covariates, households = rng.normal(size=(1000, 10)), np.arange(1000)
        score, fold = 1.0 + strength * covariates[:, 0] + rng.standard_t(5, 1000), households % 5
        cate = np.empty(1000)
        for number in range(5):
            out = fold == number
            cate[out] = Ridge(penalty).fit(covariates[~out], score[~out]).predict(covariates[out])
        claims["pooled"] += autoc(cate, score, households).p < 0.05
        claims["given"] += autoc(rank_within(cate, fold), score, households).p < 0.05
        claims["judged"] += order_and_size(cate, score, households, fold)["autoc_p"] < 0.05
    return claims


@pytest.mark.parametrize("penalty", [1.0, 1e6])
def test_claims_of_some_worlds_are_as_they_were_when_all_were_judged(penalty):
    claims = {strength: cross_fitted_claims(strength, penalty, worlds=15) for strength in (0.0, 0.12)}
    figures = {f"{way}, effect {strength}": int(n) for strength, found in claims.items() for way, n in found.items()}
    require_stored(f"ranking, penalty {penalty:g}", figures)


@pytest.mark.long
@pytest.mark.parametrize("penalty", [1.0, 1e6], ids=["hardly shrunk", "shrunk to the mean"])
def test_cross_fitted_effects_are_judged_whatever_their_level_and_claim_little_where_nothing_is(penalty):
    nothing, something = (cross_fitted_claims(strength, penalty, worlds=300) for strength in (0.0, 0.12))
    # At 5% the count of 300 is 15, with a standard deviation of 3.8.
    assert nothing["judged"] <= 26
    assert nothing["given"] > 26  # errors that take the effects as given are too small
    assert something["judged"] > 75
    if penalty > 1:  # levels of folds, high where their own scores are low, hide whatever is there
        assert nothing["pooled"] == something["pooled"] == 0


def test_agreement_is_spearmans():
    rng = np.random.default_rng(0)
    tables = {name: pd.DataFrame({"cate_purchase_amount": rng.normal(size=50).round(1)}) for name in ("a", "b", "c")}
    table = effect_correlations(tables, ["purchase_amount"]).set_index(["learner", "other"])["correlation"]
    assert table["a", "a"] == pytest.approx(1)
    expected = spearmanr(*(tables[name]["cate_purchase_amount"] for name in ("a", "b"))).statistic
    assert table["a", "b"] == table["b", "a"] == pytest.approx(expected)


def test_pictures_show_every_learner_and_segment():
    cate, score, panel = judged()
    households = panel["household_id"].to_numpy()
    cates = {"x": cate, "dr": -cate, "nested": cate}
    toc = pd.concat([toc_table(c, score, households, SHARES, SEED).assign(learner=name) for name, c in cates.items()])
    toc = toc.reset_index(drop=True)
    areas = pd.DataFrame({"outcome": "purchase_amount", "learner": [*cates, "selected"], "autoc": [1.0, -1.0, 1.0, 3.0]})
    figure = toc_chart(toc, uplift_table(toc), areas, "nested", "purchase_amount")
    left, right = figure.axes
    labels = [text.get_text() for text in figure.legends[0].get_texts()][2:]
    assert labels == ["the other learners", "X-learner: largest area (AUTOC) of the others", "chosen by the other folds"]
    for axes in (left, right):
        main = next(line for line in axes.get_lines() if line.get_label() == "chosen by the other folds")
        assert len(main.get_xdata()) == len(SHARES)

    groups = pd.concat(
        [grouped_effects(c, score, households, panel["fold"], SEED).table.assign(learner=name) for name, c in cates.items()]
    )
    figure = calibration_chart(groups, "nested", "purchase_amount")
    assert [axes.get_title() for axes in figure.axes] == ["X-learner", "DR-learner", "chosen by the other folds"]
    assert 'The title tells of the panel "chosen by the other folds".' in figure.get_supxlabel().replace("\n", " ")
    three = pd.DataFrame({"learner": "dr", "cate": [1.0, 2.0, 3.0], "gate": [0.0, 4.0, 9.0]})
    for width, told in (
        (50.0, "of 3 of 3 groups of households hold what was predicted, but they are $100.00 wide"),
        (2.5, "of 2"),
    ):
        bounds = three.assign(ci_lower=three["gate"] - width, ci_upper=three["gate"] + width)
        title = calibration_chart(bounds, "dr", "purchase_amount").get_suptitle().replace("\n", " ")
        assert title.startswith(f"The intervals {told}")
        assert title.endswith("they say little" if width > 3 else "some groups differ beyond chance")
    tables = {name: pd.DataFrame({"cate_purchase_amount": c, "cate_purchase_count": c}) for name, c in cates.items()}
    alike = effect_correlations(tables, ["purchase_amount", "purchase_count"])
    assert [axes.get_title() for axes in agreement_chart(alike).axes] == ["Spend", "Baskets"]

    columns = ["effect", "ci_lower", "ci_upper", "ato", "ato_ci_lower", "ato_ci_upper", "cate"]
    segments = pd.DataFrame(
        {"name": ["VIP Heavy", "Fresh Lovers"], "n": [10, 20], "n_treated": [5, 1], "overlap_share": [0.9, 0.1]}
    )
    segments = segments.assign(outcome="purchase_amount", **{name: [1.0, 2.0] for name in columns})
    segments["segment"] = [1, 2]
    figure = segments_compared_chart(segments, segments.assign(ato=[-1.0, 2.0]))
    assert [axes.get_title() for axes in figure.axes] == ["Spend: of time zero", "Spend: of the whole window: not causal"]
    assert figure.get_suptitle().startswith("In 1 of 2 segments")
    assert "hollow: less than 50% of the segment's rows overlap" in [text.get_text() for text in figure.legends[0].get_texts()]
    full = segments.assign(overlap_share=0.9)
    assert len(segments_compared_chart(full, full).legends[0].get_texts()) == 3
    # Where profits are of baskets, breakeven is a number of them.
    found, how = segment_effects_words(segments.assign(ato_ci_lower=[0.6, 0.1], ato_ci_upper=[3, 0.4]), "purchase_count", 0.5)
    assert found == "Of 2 segments, mailing pays beyond chance in 1 and loses in 1"
    assert "0.50 baskets" in how
    drawn = segment_effects_spec(segments, "purchase_count", 0.5)
    assert drawn["datasets"]["breakeven"][0]["breakeven"] == 0.5
    assert drawn["layer"][0]["encoding"]["x"]["title"] == "Effect on baskets per household"
