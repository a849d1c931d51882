"""Strips of nights for the page: cells as markup, what is told of one, and the chart over weeks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil, floor
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from nightshift.pages import wording
from nightshift.pages.charts import CALM, axis_of_nights, marks
from pipelines.engine.views.strip import Cell, Strip

STEPS = (60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Of an axis of time, in seconds: numbers that read well."""
DATE = re.compile(r"[0-9-]+")
TROUBLE = ("late", "failed", "unfinished")
WORDS = {
    "published": "published",
    "late": "published late",
    "failed": "failed",
    "running": "running",
    "unfinished": "stopped in between",
    "absent": "nothing was done",
}


def troubled(strip: Strip) -> bool:
    """Whether something about a strip wants a person: an incident, or its newest night."""
    newest = strip.nights[-1].state if strip.nights else None
    return bool(strip.open_incidents or strip.broken or newest in TROUBLE)


def cells_of(base: str, strip: Strip) -> Markup:
    """Return the cells of a strip as list items. Written by hand: a page may have twenty thousand."""
    place = escape(f"{base}/nights/{quote(strip.pipeline, safe='')}/")
    cells = [
        f'<li><a class={cell.state[0]} href="{place}{night}" aria-label="{night}: {WORDS[cell.state]}"></a>'
        for cell in strip.nights
        for night in (cell.night if DATE.fullmatch(cell.night) else escape(quote(cell.night, safe="")),)
    ]
    return Markup("".join(cells))  # noqa: S704 - nothing but nights and words of ours goes in unescaped


def told(cell: Cell) -> dict[str, Any]:
    """Return what is said of one night: a title, and facts as name, value and, for a moment, the moment."""
    facts: list[tuple[str, str, str | None]] = []
    if cell.published_at:
        facts = [
            ("published", "", cell.published_at),
            ("rows", wording.count(cell.rows_in), None),
            ("refused", wording.share(cell.quarantine_share), None),
            ("model", f"version {cell.model_version}", None),
        ]
    if cell.margin_seconds is not None:
        facts.append(("promise", wording.margin(cell.margin_seconds), None))
    elif cell.due_at:
        facts.append(("promised until", "", cell.due_at))
    if cell.error:
        facts.append(("error", cell.error.splitlines()[0][:200], None))
    return {"title": f"{cell.night}: {WORDS[cell.state]}", "facts": facts}


def over_weeks(strip: Strip) -> dict[str, Any] | None:
    """Return the chart of a strip: margin to the promise, rows, refused share, and where the model changed.

    Returns:
        An option of the chart library; None where too few nights were published to see anything.
    """
    published = [cell for cell in strip.nights if cell.rows_in is not None]
    if len(published) < 2:
        return None
    nights = [cell.night for cell in strip.nights]
    promised = any(cell.margin_seconds is not None for cell in strip.nights)
    rows = [cell.rows_in for cell in strip.nights]
    refused = [cell.quarantine_share for cell in strip.nights]
    changes = _changes(strip.nights)
    panels = [
        *([_panel("margin to the promise", _margins(strip.nights), "duration", "bar", "--good")] if promised else []),
        _panel("rows", rows, "count", "bar", "--line-2"),
        _panel("refused", refused, "share", "line", "--bad"),
    ]
    return _stacked(nights, panels, changes)


def _margins(nights: Sequence[Cell]) -> list[Any]:
    return [
        None
        if cell.margin_seconds is None
        else {
            "value": round(cell.margin_seconds),
            "itemStyle": {"color": "--good" if cell.margin_seconds >= 0 else "--late"},
        }
        for cell in nights
    ]


def _panel(name: str, values: Sequence[Any], words: str, kind: str, colour: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "data": list(values),
        "scale": _scale(values, words),
        "itemStyle": {"color": colour},
        "lineStyle": {"width": 1.5},
        "symbolSize": 4,
        "showSymbol": sum(value is not None for value in values) < 60,
        "barMaxWidth": 14,
        "tooltip": {"valueFormatter": {"words": words}},
    }


def _scale(values: Sequence[Any], words: str) -> dict[str, Any]:
    """Return what the axis of a panel has to be told: whole hours, and room above nothing."""
    sizes = [abs(value["value"] if isinstance(value, dict) else value) for value in values if value is not None]
    largest = max(sizes, default=0)
    if not largest:
        return {"max": 0.01 if words == "share" else 1}
    if words != "duration":
        return {}
    step = next((step for step in STEPS if largest / step <= 3), STEPS[-1])
    ends = [value["value"] for value in values if value is not None]
    return {"interval": step, "min": step * floor(min(0, *ends) / step), "max": step * ceil(max(0, *ends) / step)}


def _changes(nights: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return the nights from which on another version scored."""
    changes, last = [], None
    for cell in nights:
        if cell.model_version is not None and cell.model_version != last:
            if last is not None:
                changes.append((cell.night, cell.model_version))
            last = cell.model_version
    return changes


def _stacked(nights: Sequence[str], panels: list[dict[str, Any]], changes: list[tuple[str, str]]) -> dict[str, Any]:
    """Return panels above each other that share their nights."""
    high, top = 86 / len(panels), 11.0
    grids, xs, ys, titles = [], [], [], []
    for number, panel in enumerate(panels):
        begin = top + number * high
        lowest = number == len(panels) - 1
        grids.append({"left": 64, "right": 16, "top": f"{begin:.1f}%", "height": f"{high - 11:.1f}%"})
        xs.append({**axis_of_nights(nights, labels=lowest), "gridIndex": number})
        ys.append(
            {
                **CALM,
                "type": "value",
                "gridIndex": number,
                "splitNumber": 2,
                **panel.pop("scale"),
                "axisLabel": {"color": "--ink-2", "formatter": panel["tooltip"]["valueFormatter"]},
            }
        )
        titles.append(
            {
                "text": panel["name"],
                "left": 0,
                "top": f"{begin - (10 if number == 0 else 8):.1f}%",
                "textStyle": {"fontSize": 12, "fontWeight": "normal", "color": "--ink-2"},
            }
        )
        panel.update(xAxisIndex=number, yAxisIndex=number, **marks(changes, named=number == 0))
    return {
        "title": titles,
        "grid": grids,
        "xAxis": xs,
        "yAxis": ys,
        "series": panels,
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
    }
