"""Strips of nights for the page: cells as markup, what is told of one, and the chart over weeks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from nightshift.pages import wording
from nightshift.pages.charts import CALM, axis_of_nights, marks
from pipelines.engine.views.strip import Cell, Strip

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
    return bool(strip.open_incidents or strip.trouble or newest in TROUBLE)


def cells_of(base: str, strip: Strip) -> Markup:
    """Return the cells of a strip as list items. Written by hand: a page may have twenty thousand."""
    place = escape(f"{base}/night/{quote(strip.pipeline, safe='')}/")
    return Markup("").join(
        Markup(  # noqa: S704 - nothing but nights and words of ours goes in unescaped
            f'<li><a class={cell.state[0]} href="{place}{night}" aria-label="{night}: {WORDS[cell.state]}"></a>'
        )
        for cell in strip.nights
        for night in (cell.night if cell.night.replace("-", "").isalnum() else escape(quote(cell.night, safe="")),)
    )


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
        facts.append(("error", cell.error[:200], None))
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
    panels = [
        *([_panel("margin to the promise", _margins(strip.nights), "duration", "bar", "--good")] if promised else []),
        _panel("rows", rows, "count", "bar", "--line-2"),
        _panel("refused", refused, "share", "line", "--bad"),
    ]
    return _stacked(nights, panels, _changes(strip.nights))


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
        "least": 0.01 if words == "share" else 1,
        "itemStyle": {"color": colour},
        "lineStyle": {"width": 1.5},
        "symbolSize": 4,
        "showSymbol": sum(value is not None for value in values) < 60,
        "barMaxWidth": 14,
        "tooltip": {"valueFormatter": {"words": words}},
    }


def _changes(nights: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return the nights from which on another version scored."""
    changes, last = [], None
    for cell in nights:
        if cell.model_version is not None and cell.model_version != last:
            if last is not None:
                changes.append((cell.night, f"version {cell.model_version}"))
            last = cell.model_version
    return changes


def _stacked(nights: Sequence[str], panels: list[dict[str, Any]], changes: list[tuple[str, str]]) -> dict[str, Any]:
    """Return panels above each other that share their nights."""
    high, gap, top = 78 / len(panels), 22 / len(panels), 7.0
    grids, xs, ys, titles = [], [], [], []
    for number, panel in enumerate(panels):
        begin = top + number * (high + gap - 2)
        lowest = number == len(panels) - 1
        grids.append({"left": 64, "right": 16, "top": f"{begin:.1f}%", "height": f"{high - 6:.1f}%"})
        xs.append({**axis_of_nights(nights, labels=lowest), "gridIndex": number})
        ys.append(
            {
                **CALM,
                "type": "value",
                "gridIndex": number,
                "splitNumber": 2,
                **({} if any(panel["data"]) else {"max": panel["least"]}),
                "axisLabel": {"color": "--ink-2", "formatter": panel["tooltip"]["valueFormatter"]},
            }
        )
        titles.append(
            {
                "text": panel["name"],
                "left": 0,
                "top": f"{begin - 6.5:.1f}%",
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
