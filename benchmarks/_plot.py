"""Draws every ratio beside its target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ._verdict import Comparison

__all__ = ["draw"]


def draw(comparisons: Sequence[Comparison], path: Path) -> None:
    """Write an SVG: a bar from 1 to the ratio, a whisker for the quartiles, a mark at the target."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same answers make the same file.
    mpl.rcParams["svg.hashsalt"] = "infrastructure"
    from matplotlib import pyplot as plt

    shown = list(reversed(comparisons))
    figure, axes = plt.subplots(figsize=(9, 0.3 * len(shown) + 1), layout="constrained")

    for place, each in enumerate(shown):
        ratio = each.ratio
        colour = {True: "#2a7f4f", False: "#b5472f", None: "#8a8f98"}[each.met]
        axes.barh(place, ratio.median - 1, left=1, color=colour, height=0.6)
        axes.plot([ratio.low, ratio.high], [place, place], color="black", linewidth=1)

        if each.target is not None:
            axes.plot(each.target, place, marker="|", markersize=12, color="black", linewidth=0)

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}x")
    axes.margins(y=0.01)
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_yticks(
        range(len(shown)), [f"{each.question} : {each.peer}" for each in shown], fontsize=8
    )
    axes.set_xlabel(
        "times as fast as the peer (of sizes: as large); the line across a bar is the target"
    )
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
