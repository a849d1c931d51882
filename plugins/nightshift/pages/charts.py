"""Parts of charts that several pages share: options of the chart library as plain values. Pure.

`static/charts.js` draws them. A text that begins with `--` is a colour of the style sheet, so that charts follow the theme;
`{"words": "duration"}` stands for a function that puts a number into words (also `share` and `count`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_NAMES = 10
"""Of marks in one chart: more of them would overlap on a telephone."""

CALM: dict[str, Any] = {
    "axisLine": {"show": False},
    "axisTick": {"show": False},
    "splitLine": {"lineStyle": {"color": "--line"}},
}
"""An axis that is hardly there."""


def axis_of_nights(nights: Sequence[str], *, labels: bool = True) -> dict[str, Any]:
    """Return a horizontal axis with a place for each night."""
    return {
        "type": "category",
        "data": list(nights),
        "axisLine": {"lineStyle": {"color": "--line-2"}, "onZero": True},
        "axisTick": {"show": False},
        "axisLabel": {"show": labels, "color": "--ink-2", "hideOverlap": True},
    }


def marks(at: Sequence[tuple[str, str]], *, named: bool = True) -> dict[str, Any]:
    """Return vertical lines for a series, with what happened there."""
    if not at:
        return {}
    every = -(-len(at) // MOST_NAMES)  # the last is named in any case
    names = [text if (len(at) - 1 - number) % every == 0 else "" for number, (_, text) in enumerate(at)]
    return {
        "markLine": {
            "silent": True,
            "symbol": "none",
            "lineStyle": {"color": "--accent", "type": "dashed", "width": 1},
            "label": {"show": named, "color": "--accent", "position": "end", "distance": 3},
            "data": [
                {"xAxis": place, "label": {"formatter": name}} for (place, _), name in zip(at, names, strict=True)
            ],
        }
    }
