"""Pictures of factors and segments (seaborn); every number in them stands in a table beside them."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from targeting.figures.heatmaps import legible
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.segments.factor_names import FactorName
from targeting.words.features import WORDINGS
from targeting.words.money import total

Matrix = NDArray[np.float64]


def loadings_heatmap(directions: Matrix, features: Sequence[str], names: Sequence[FactorName]) -> Figure:
    """Which features make each factor: loadings of unit length, shape (factors, features)."""
    figure = drawing(8)
    axes = figure.subplots()
    columns = [f"F{number} {_wrap(factor.name, 14)}\n({factor.kind})" for number, factor in enumerate(names, start=1)]
    table = pd.DataFrame(directions.T, index=_in_words(features), columns=columns)
    sns.heatmap(table, annot=True, fmt=".2f", cmap="Greys", vmin=0, vmax=1, linewidths=0.5, cbar=False, ax=axes)
    legible(axes)
    axes.tick_params(axis="x", rotation=0, labelsize=9)
    factor, feature = map(int, np.unravel_index(np.argmax(directions), directions.shape))
    sharpest = f"sharpest is {names[factor].name}, {directions[factor, feature]:.2f} on {WORDINGS[features[feature]].words}"
    entitle(figure, f"{len(names)} factors sum up {len(features)} features: {sharpest}", "Loadings of unit length, from 0 to 1.")
    return figure


def factor_selection_chart(selection: pd.DataFrame, chosen: int) -> Figure:
    """What each number of factors explains, how well resamples find it again, and how sparse it is."""
    figure = drawing(4.2)
    panels = figure.subplots(1, 3)
    series = (
        (
            "Explained",
            "Share of variance",
            {"explained_variance": "around one grand mean", "explained_variance_columns": "around each feature's mean"},
        ),
        (
            "Found again in resamples",
            "Likeness (cosine)",
            {"stability": "mean factor", "stability_worst": "worst factor"},
        ),
        ("Sparse", "Share of zeros", {"sparsity_loadings": "loadings", "sparsity_scores": "household factors"}),
    )
    for axes, (title, label, columns) in zip(panels, series, strict=True):
        for (column, words), style in zip(columns.items(), ("o-", "s--"), strict=True):
            axes.plot(selection["n_factors"], selection[column], style, color=DARK if style == "o-" else ACCENT, label=words)
        _mark_chosen(axes, chosen)
        axes.set(title=title, xlabel="Number of factors", ylabel=label, ylim=(0, 1.04))
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    found = f"{chosen} factors are in use, which is none of the numbers compared"
    compared = selection.set_index("n_factors")
    if chosen in compared.index:
        own = compared.loc[chosen]
        found = (
            f"{chosen} factors, in use, explain {own['explained_variance_columns']:.0%} of the variance; the least stable one "
            f"is found again with a likeness of {own['stability_worst']:.2f}"
        )
    entitle(
        figure,
        found,
        "Likeness of loadings: 1 is the same factor, 0 one that is empty when drawn again. Dotted: the number in use.",
    )
    return figure


def cluster_selection_chart(selection: pd.DataFrame, chosen: int) -> Figure:
    """The indices of K-Means and of the Gaussian mixture by number of segments; the band is one deviation of the ARI."""
    figure = drawing(6.4)
    panels = figure.subplots(2, 3).flat
    series = {
        "silhouette": "Silhouette (higher is better)",
        "davies_bouldin": "Davies-Bouldin (lower is better)",
        "calinski_harabasz": "Calinski-Harabasz (higher is better)",
        "ari_mean": "Bootstrap ARI (higher is better)",
        "smallest_share": "Smallest segment's share of households",
        "inertia": "Inertia of K-Means (lower is better)",
    }
    for axes, (column, title) in zip(panels, series.items(), strict=True):
        for method, style, colour, words in (("kmeans", "o-", DARK, "K-Means"), ("mixture", "s--", ACCENT, "Gaussian mixture")):
            rows = selection[selection["method"] == method]
            axes.plot(rows["k"], rows[column], style, color=colour, label=words)
            if column == "ari_mean":
                low, high = rows["ari_mean"] - rows["ari_std"], rows["ari_mean"] + rows["ari_std"]
                axes.fill_between(rows["k"], low, high.clip(upper=1), color=colour, alpha=0.15, linewidth=0)
        _mark_chosen(axes, chosen)
        axes.set(title=title, xlabel="Number of segments")
    figure.get_axes()[4].legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    found = f"{chosen} segments are in use, which is none of the numbers compared"
    own = selection[selection["method"] == "kmeans"].set_index("k")
    if chosen in own.index:
        best, furthest = own["silhouette"].idxmax(), own["silhouette"].max()
        apart = f"{best} would lie furthest apart (silhouette {furthest:.2f}, not {own.loc[chosen, 'silhouette']:.2f})"
        if best == chosen:
            apart = f"no other number lies further apart (silhouette {furthest:.2f})"
        again = f"adjusted Rand index {own.loc[chosen, 'ari_mean']:.2f}"
        found = f"{chosen} segments, in use, are found again in resamples ({again}); {apart}"
    entitle(
        figure,
        found,
        "Silhouette, Davies-Bouldin and Calinski-Harabasz compare distances within segments with those between them; inertia is "
        "the sum of squared distances within. ARI: adjusted Rand index, 1 is the same segments, 0 chance; band: one standard "
        "deviation. Dotted: the number in use.",
    )
    return figure


def sizes_chart(table: pd.DataFrame) -> Figure:
    """Each segment's share of households beside its share of revenue."""
    figure = drawing(0.65 * len(table) + 1.8)
    axes = figure.subplots()
    rows = np.arange(len(table))
    for column, offset, colour, words in (("share", -0.2, LIGHT, "households"), ("share_revenue", 0.2, DARK, "revenue")):
        bars = axes.barh(rows + offset, table[column], height=0.38, color=colour, label=words)
        axes.bar_label(bars, labels=[f"{value:.0%}" for value in table[column]], padding=3, fontsize=9)
    labels = [f"{row.name}\n{row.n:,} households, {total(row.revenue)} each" for row in table.itertuples()]
    axes.set_yticks(rows, labels, fontsize=9)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(xlabel="Share of all households, and of all revenue")
    axes.margins(x=0.08)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower right", ncols=2)
    top = table.loc[table["share_revenue"].idxmax()]
    entitle(figure, f"{top['name']}: {top['share']:.0%} of households bring {top['share_revenue']:.0%} of the revenue")
    return figure


def profile_heatmap(profiles: pd.DataFrame) -> Figure:
    """What is high and low in each segment, from the columns name, feature and z (standard deviations from the mean of all)."""
    wide = _wide(profiles, "feature", "name", "z")
    figure = drawing(0.36 * len(wide) + 1.8)
    axes = figure.subplots()
    table = wide.set_axis(_in_words(list(wide.index)), axis=0).set_axis([_wrap(name, 12) for name in wide], axis=1)
    scale = {"label": "Standard deviations from the mean"}
    # Numbers carry the sign, so that the picture can be read in greyscale too; what rounds to nothing has none.
    signed = table.map(lambda z: f"{z:+.1f}" if round(z, 1) else "0.0")
    sns.heatmap(
        table, annot=signed, fmt="", cmap="RdBu_r", center=0, vmin=-2.5, vmax=2.5, linewidths=0.5, ax=axes, cbar_kws=scale
    )
    legible(axes)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(axis="x", rotation=0, labelsize=9)
    most = profiles.loc[profiles["z"].abs().idxmax()]
    furthest = f"{most['name']}, {WORDINGS[most['feature']].words} {'above' if most['z'] > 0 else 'below'} the mean"
    entitle(
        figure,
        f"What is high and low in each segment: furthest out are {furthest} by {abs(most['z']):.1f} standard deviations",
        "Mean of the segment less that of all households, in standard deviations.",
    )
    return figure


def factors_by_segment(made_of: pd.DataFrame) -> Figure:
    """What each segment's households are made of, from the columns name, factor and share (mean factor share)."""
    table = _wide(made_of, "name", "factor", "share")
    figure = drawing(0.55 * len(table) + 1.8)
    axes = figure.subplots()
    table = table.set_axis([_wrap(factor, 16) for factor in table], axis=1)
    _shares_heatmap(table, axes)
    axes.set(xlabel="", ylabel="")
    purest = made_of.loc[made_of["share"].idxmax()]
    entitle(
        figure,
        f"{purest['name']} is the purest segment: {purest['share']:.0%} {purest['factor']}",
        "Mean share of each factor in a household's profile.",
    )
    return figure


def transitions_chart(moves: pd.DataFrame, found: str) -> Figure:
    """How households of each segment in the earlier half of the weeks are spread over segments in the later half.

    `found` is the title.
    """
    table, sizes = _wide(moves, "earlier", "later", "share"), moves.groupby("earlier")["n"].sum()
    figure = drawing(0.6 * len(table) + 2)
    axes = figure.subplots()
    rows = [f"{name} ({sizes[name]:,})" for name in table.index]
    _shares_heatmap(table.set_axis(rows, axis=0).set_axis([_wrap(name, 12) for name in table], axis=1), axes)
    axes.set(
        xlabel="Segment in the later half of the weeks",
        ylabel="Segment in the earlier half (households)",
    )
    entitle(figure, found)
    return figure


def _wide(table: pd.DataFrame, index: str, columns: str, values: str) -> pd.DataFrame:
    """The long table as a matrix, rows and columns in the order in which they come."""
    order = list(dict.fromkeys(table[index])), list(dict.fromkeys(table[columns]))
    return table.pivot_table(index=index, columns=columns, values=values).loc[order]


def _shares_heatmap(table: pd.DataFrame, axes: Axes) -> None:
    sns.heatmap(table, annot=True, fmt=".0%", cmap="Greys", vmin=0, vmax=1, linewidths=0.5, cbar=False, ax=axes)
    legible(axes)
    axes.tick_params(axis="x", rotation=0, labelsize=9)


def _mark_chosen(axes: Axes, chosen: int) -> None:
    axes.axvline(chosen, color="black", linewidth=1.5, linestyle=":", zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _in_words(features: Sequence[str]) -> list[str]:
    return [WORDINGS[name].words for name in features]


def _wrap(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
