"""The chart of how scores spread: this night, last week, and training. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightshift.pages.charts import CALM
from pipelines.engine.views.night import Distribution


def spread(scores: Distribution) -> dict[str, Any] | None:
    """Return an option of the chart library; None before there are scores."""
    if scores.tonight is None:
        return None
    bins = [f"{low:.3g}" for low in scores.edges[:-1]]
    lines = [
        _line("the week before", scores.last_week, "--ink-2", "dashed"),
        _line("training", scores.training, "--accent", "solid"),
    ]
    return {
        "grid": {"left": 52, "right": 12, "top": 34, "bottom": 40},
        "legend": {
            "top": 0,
            "left": 0,
            "textStyle": {"color": "--ink-2"},
            "itemWidth": 16,
            "itemHeight": 8,
            "icon": "roundRect",
        },
        "xAxis": {
            "type": "category",
            "data": bins,
            "name": "score",
            "nameLocation": "middle",
            "nameGap": 26,
            "axisLine": {"lineStyle": {"color": "--line-2"}},
            "axisTick": {"show": False},
            "axisLabel": {"color": "--ink-2", "hideOverlap": True},
        },
        "yAxis": {
            **CALM,
            "type": "value",
            "splitNumber": 3,
            "axisLabel": {"color": "--ink-2", "formatter": {"words": "share"}},
        },
        "series": [
            {
                "name": "this night",
                "type": "bar",
                "barCategoryGap": "12%",
                "data": list(scores.tonight),
                "itemStyle": {"color": "--good", "borderRadius": [2, 2, 0, 0]},
                "tooltip": {"valueFormatter": {"words": "share"}},
            },
            *(line for line in lines if line),
        ],
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
    }


def _line(name: str, shares: Sequence[float] | None, colour: str, kind: str) -> dict[str, Any] | None:
    if shares is None:
        return None
    return {
        "name": name,
        "type": "line",
        "step": "middle",
        "symbol": "none",
        "data": list(shares),
        "itemStyle": {"color": colour},
        "lineStyle": {"width": 1.5, "type": kind, "color": colour},
        "tooltip": {"valueFormatter": {"words": "share"}},
    }
