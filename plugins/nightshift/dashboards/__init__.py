"""Grafana's dashboards as code: one file for each, one list here. `make dashboards` writes docker/grafana/dashboards."""

from __future__ import annotations

from nightshift.dashboards.data_quality import DATA_QUALITY
from nightshift.dashboards.models import MODELS
from nightshift.dashboards.nights import NIGHTS
from nightshift.dashboards.platform import PLATFORM
from nightshift.dashboards.steps import STEPS
from nightshift.dashboards.values import Dashboard, Panel, in_words

DASHBOARDS: tuple[Dashboard, ...] = (NIGHTS, STEPS, MODELS, DATA_QUALITY, PLATFORM)


def panels() -> list[Panel]:
    """Every query of every dashboard, ready to be asked of Prometheus, and when it must have data."""
    return [
        Panel(dashboard.title, chart.title, in_words(query.expr), query.expects or chart.expects)
        for dashboard in DASHBOARDS
        for chart in dashboard.charts
        for query in chart.queries
    ]
