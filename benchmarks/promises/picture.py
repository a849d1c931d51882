"""The reliability diagram: what was said against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.engine.promises.report import Bin

NAME = "promises-reliability.svg"


def draw(reliability: Mapping[str, Sequence[Bin]], folder: Path) -> Path:
    """Write the diagram into a folder and return its path.

    Args:
        reliability: By seer.
        folder: Is made if it is not there.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "nightshift"  # the same result is the same file
    figure = Figure(figsize=(6, 6))
    axes = figure.add_subplot(aspect="equal", xlim=(0, 1), ylim=(0, 1))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--", label="said = came")
    for seer, bins in reliability.items():
        axes.plot([group.said for group in bins], [group.came for group in bins], marker="o", label=seer)
    axes.set_xlabel("probability said that the promise is kept")
    axes.set_ylabel("share of promises kept")
    axes.legend(loc="upper left")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    figure.savefig(path, metadata={"Date": None})
    return path
