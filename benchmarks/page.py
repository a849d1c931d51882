"""The page `docs/performance.md`, made from results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.bars import draw
from benchmarks.results import Found, Results

TEMPLATE = Path(__file__).with_name("performance.md.j2")
COLUMNS = {"wall_s": "wall s", "cpu_s": "CPU s", "cpu_ratio": "CPU ratio", "peak_mb": "peak MB"}
HIDDEN = ("cpu_s_min", "cpu_s_max", "cpu_ratio_min", "cpu_ratio_max", "rounds")
"""Stand behind the figure that they belong to, or in results.json alone."""
PROFILES = {
    "profile-scoring.svg": (
        "Scoring a million rows with compiled trees",
        (
            "Nearly half is machine code that walks the trees, a tenth each are encoding, writing and an import of pandas that Arrow makes when "
            "it first meets a numpy array; what is left to gain is in the trees, where the sum in the booster's own order costs a half, and in "
            "that import."
        ),
    ),
    "profile-night.svg": (
        "A whole night of 900 rows in one cold process",
        (
            "Four fifths are imports, more than half Great Expectations and a quarter MLflow, which a warm worker has made before it forks; "
            "what is left is the suite itself, a few looks into MLflow's database, and the commits."
        ),
    ),
}
"""Pictures that `make profile` draws: a title, and what is left."""


def write_page(results: Results, page: Path, pictures: Path) -> None:
    """Write the page and its pictures.

    Args:
        results: What was found.
        page: The Markdown file.
        pictures: Folder of the SVG files; the page calls it `images`.
    """
    drawn = {name: draw(name, found, pictures) for name, found in results.studies.items()}
    profiles = {name: words for name, words in PROFILES.items() if (pictures / name).exists()}
    page.write_text(render(results, {name: path.name if path else "" for name, path in drawn.items()}, profiles))


def render(results: Results, pictures: dict[str, str], profiles: dict[str, tuple[str, str]]) -> str:
    """Return the page as Markdown."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - Markdown, not HTML
    environment.filters |= {"figure": figure, "table": table}
    template = environment.from_string(TEMPLATE.read_text())
    text = template.render(results=results, pictures=pictures, profiles=profiles)
    return _without_gaps(text)


def figure(value: float) -> str:
    """Return a number as people read it: three digits that count, no more."""
    if value >= 100:
        return f"{value:,.0f}"
    if 0 < value < 0.1:
        return f"{value:.2g}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(found: Found) -> str:
    """Return a study's rows as a Markdown table: our columns first, then whatever else it measured."""
    measured = list(dict.fromkeys(key for figures in found.rows.values() for key in figures if key not in HIDDEN))
    columns = [*(key for key in COLUMNS if key in measured), *(key for key in measured if key not in COLUMNS)]
    heads = [COLUMNS.get(key, key.replace("_", " ")) for key in columns]
    lines = [f"| | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(columns)}"]
    for name, figures in found.rows.items():
        lines.append(f"| {name} | {' | '.join(_cell(key, figures) for key in columns)} |")
    return "\n".join(lines)


def _cell(key: str, figures: dict[str, Any]) -> str:
    if key not in figures:
        return ""
    least, most = figures.get(f"{key}_min"), figures.get(f"{key}_max")
    spread = f" ({figure(least)} to {figure(most)})" if least is not None and most is not None and least != most else ""
    return figure(figures[key]) + spread


def _without_gaps(text: str) -> str:
    """Return the text with at most one empty line at once."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1].strip()):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"
