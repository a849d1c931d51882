"""Dashboards as Grafana's JSON: the layout, the defaults, and what every panel has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nightshift.dashboards.values import Chart, Dashboard, Variable

SOURCE = {"type": "prometheus", "uid": "nightshift"}
"""As docker/grafana/provisioning/datasources says."""
COLUMNS = 24
SCHEMA = 39
"""Of Grafana 10.4 and later, which bring it to their own when they read it."""
TAG = "nightshift"
TYPES = {"stat": "stat", "gauge": "bargauge", "lines": "timeseries", "bars": "timeseries", "table": "table"}


def to_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana reads it from a file."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.said,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": dashboard.span, "to": "now"},
        "timezone": "browser",
        "refresh": "1m",
        "links": [
            {
                "type": "dashboards",
                "tags": [TAG],
                "title": "Nightshift",
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_variable(one) for one in dashboard.variables]},
        "annotations": {"list": []},
        "panels": list(_panels(dashboard.charts)),
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.said,
        "datasource": SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "definition": variable.query,
        "refresh": 2,  # whenever the time range changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(charts: tuple[Chart, ...]) -> Iterator[dict[str, Any]]:
    """Panels from left to right, a new row where one has no room."""
    left = top = lowest = 0
    for number, chart in enumerate(charts, start=1):
        if left + chart.width > COLUMNS:
            left, top = 0, lowest
        yield _panel(chart) | {
            "id": number,
            "gridPos": {"x": left, "y": top, "w": chart.width, "h": chart.height},
        }
        left, lowest = left + chart.width, max(lowest, top + chart.height)


def _panel(chart: Chart) -> dict[str, Any]:
    instant = chart.shape not in ("lines", "bars")
    return {
        "type": TYPES[chart.shape],
        "title": chart.title,
        "description": chart.said,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "instant": instant,
                "range": not instant,
                "format": "table" if chart.shape == "table" else "time_series",
            }
            for number, query in enumerate(chart.queries)
        ],
        "fieldConfig": {"defaults": _defaults(chart), "overrides": []},
        "options": _options(chart),
    }


def _defaults(chart: Chart) -> dict[str, Any]:
    steps = [{"value": value, "color": colour} for value, colour in chart.thresholds] or [
        {"value": None, "color": "green"}
    ]
    defaults: dict[str, Any] = {"unit": chart.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if chart.shape in ("lines", "bars"):
        bars = chart.shape == "bars"
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = {
            "drawStyle": "bars" if bars else "line",
            "fillOpacity": 60 if bars else 8,
            "lineWidth": 1 if bars else 2,
            "showPoints": "auto",
            "spanNulls": False,
            "stacking": {"mode": "normal" if bars else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if chart.thresholds else "off"},
        }
    else:
        defaults["color"] = {"mode": "thresholds"}
    return defaults


def _options(chart: Chart) -> dict[str, Any]:
    newest = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if chart.shape == "stat":
        mode = "value_and_name" if chart.queries[0].legend else "value"
        return {"reduceOptions": newest, "colorMode": "value", "graphMode": "none", "textMode": mode}
    if chart.shape == "gauge":
        return {"reduceOptions": newest, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True}
    if chart.shape == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
