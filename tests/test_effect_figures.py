"""Pictures of effects: nothing that they say is cut off."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from targeting.figures.effects import forest_plot
from targeting.words.estimators import NAMES


@pytest.mark.parametrize("outcome", ["purchase_amount", "purchase_count"])
@pytest.mark.parametrize("n_trials", [1, 4])
def test_words_of_the_forest_plot_lie_inside_the_picture(outcome, n_trials):
    interval = {"outcome": outcome, "estimate": 13.0, "ci_lower": -300.0, "ci_upper": 310.0}
    rows = [interval | {"trial": "all", "method": method, "n": 6368} for method in NAMES]
    rows += [interval | {"trial": str(number), "method": "ato", "n": 1592} for number in range(n_trials)]
    pooled = pd.DataFrame([interval | {"method": "ato", "p": 0.72 if n_trials > 1 else float("nan")}])
    rows[0] |= {"estimate": 9999.0, "ci_lower": 9990.0, "ci_upper": 10008.0}  # naive
    figure = forest_plot(pd.DataFrame(rows), pooled, outcome)
    FigureCanvasAgg(figure).draw()
    left = figure.axes[0]
    assert left.get_xlim()[1] < 400, "the confounded difference sets no scale"
    assert "9,999.00" in left.get_title()
    # Numbers at ticks beyond an axis are there and not drawn.
    texts = [text for text in figure.findobj(Text) if text.get_visible() and any(map(str.isalpha, text.get_text()))]
    assert len(texts) > len(rows)
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.x1, text.get_text()
