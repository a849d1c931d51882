"""Pictures of a study: CPU seconds and peak memory as bars, readable on a light page and on a dark one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import Found

INK = "#7a8290"  # grey enough for both kinds of page
OURS = "#2f8f6b"
THEIRS = "#8fa3b8"
FIGURES = (("cpu_s", "CPU seconds"), ("peak_mb", "peak memory, MB"))


def draw(name: str, found: Found, folder: Path) -> Path | None:
    """Write `performance-<name>.svg` and return its path; None where the study has no such figures."""
    rows = {row: figures for row, figures in found.rows.items() if all(key in figures for key, _ in FIGURES)}
    if len(rows) < 2:
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    look = {"svg.hashsalt": "nightshift", "svg.fonttype": "path", "font.size": 9}  # the same result is the same file
    with mpl.rc_context(look):
        figure = Figure(figsize=(9, 0.6 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots(1, len(FIGURES), sharey=True)
        names = list(rows)[::-1]
        for axis, (key, title) in zip(axes, FIGURES, strict=True):
            values = [rows[row][key] for row in names]
            colours = [OURS if _is_ours(row) else THEIRS for row in names]
            bars = axis.barh(names, values, color=colours, height=0.62)
            axis.bar_label(
                bars, [f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in values], padding=3, color=INK
            )
            axis.set_title(title, color=INK, fontsize=9, loc="left")
            axis.set_xlim(0, max(values) * 1.18)
            axis.tick_params(colors=INK, length=0, labelbottom=False)
            axis.spines[:].set_visible(False)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"performance-{name}.svg"
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    return path


def _is_ours(row: str) -> bool:
    return row.startswith(("Nightshift", "LightGBM,", "logistic,"))
