"""The table of a search, to be kept with the model: for programs as JSON, for people as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from pipelines.engine.trials import Trial

_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .25rem .75rem; border-bottom: 1px solid #ddd; text-align: left; }}
.best {{ font-weight: bold; background: #eef6e8; }}
.pruned, .failed {{ color: #777; }}
</style>
<h1>{title}</h1>
<table>
<tr>{head}</tr>
{rows}
</table>
"""


def table_of(trials: Sequence[Trial]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of a table of trials: number, state, value, each knob, folds measured, words."""
    knobs = sorted({knob for trial in trials for knob in trial.params})
    columns = ["trial", "state", "value", *knobs, "folds", "words"]
    rows = [
        [t.number, t.state, t.value, *(t.params.get(knob) for knob in knobs), len(t.intermediate), t.words]
        for t in trials
    ]
    return columns, rows


def write_table(folder: Path, trials: Sequence[Trial], best: dict[str, Any]) -> dict[str, Path]:
    """Write `search.json` and `search.html` into a folder, and return them by name."""
    paths = {name: folder / name for name in ("search.json", "search.html")}
    told = {
        "metric": best["metric"],
        "best": best["number"],
        "trials": [trial.to_json() for trial in trials],
    }
    paths["search.json"].write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    columns, rows = table_of(trials)
    lines = [_line(row, "best" if row[0] == best["number"] else row[1]) for row in rows]
    page = _PAGE.format(
        title=escape(f"Search as of {best['as_of']}: trial {best['number']}, {best['metric']} {best['value']:.4f}"),
        head="".join(f"<th>{escape(name)}</th>" for name in columns),
        rows="\n".join(lines),
    )
    paths["search.html"].write_text(page, encoding="utf-8")
    return paths


def _line(row: Sequence[Any], kind: str) -> str:
    cells = "".join(f"<td>{escape('' if value is None else str(value))}</td>" for value in row)
    return f'<tr class="{escape(kind)}">{cells}</tr>'
