"""What a dashboard is made of: charts with their queries. Plain values; `grafana.py` makes JSON of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Expects = Literal["always", "after a night", "after a training", "while a night runs", "after days", "in trouble"]
"""When a query must have data: `always`, some minutes after the stack has started; or not before something happened."""
Shape = Literal["stat", "gauge", "lines", "bars", "table"]
Unit = Literal["short", "s", "ms", "bytes", "percentunit", "rowsps", "none"]
"""Grafana's names."""
ALL = ".*"
IN_WORDS: Mapping[str, str] = {"$pipeline": ALL, "$step": ALL, "$dag": ALL, "$__rate_interval": "5m", "$__range": "1d"}
"""What stands for Grafana's variables where no Grafana is."""


@dataclass(frozen=True)
class Variable:
    """A choice above the panels.

    Attributes:
        name: In queries, with a dollar before it.
        query: Grafana's `label_values(series, label)`.
        said: What people see.
    """

    name: str
    query: str
    said: str


@dataclass(frozen=True)
class Query:
    """One query of a chart.

    Attributes:
        expr: In PromQL, with Grafana's variables.
        legend: How a series is called, such as `{{pipeline}}`.
        expects: When it must have data, if that is not when its chart must.
    """

    expr: str
    legend: str = ""
    expects: Expects | None = None


@dataclass(frozen=True)
class Chart:
    """One panel.

    Attributes:
        title: Above it.
        said: What it means, and what to do when it looks wrong.
        queries: What it shows.
        expects: When its queries must have data.
        shape: How it is drawn.
        unit: Of its numbers.
        thresholds: From which value on it has which colour; the first is below all of them.
        width: Of 24 columns.
        height: In rows of some 36 pixels.
    """

    title: str
    said: str
    queries: tuple[Query, ...]
    expects: Expects
    shape: Shape = "lines"
    unit: Unit = "short"
    thresholds: tuple[tuple[float | None, str], ...] = ()
    width: int = 12
    height: int = 8


@dataclass(frozen=True)
class Dashboard:
    """One page of charts.

    Attributes:
        uid: In its address, for ever.
        title: What people see.
        said: What it is for.
        variables: Choices above the panels.
        charts: In the order in which they are read.
        span: How far it looks back at first, in Grafana's words.
    """

    uid: str
    title: str
    said: str
    variables: tuple[Variable, ...]
    charts: tuple[Chart, ...]
    span: str = "now-2d"


@dataclass(frozen=True)
class Panel:
    """One query where it stands, as tests ask it.

    Attributes:
        dashboard: Title.
        title: Of the chart.
        query: In PromQL, without Grafana's variables.
        expects: When it must have data.
    """

    dashboard: str
    title: str
    query: str
    expects: Expects


def stat(title: str, said: str, expr: str, expects: Expects, *, legend: str = "", **more: object) -> Chart:
    """A number, or a row of them."""
    return Chart(title, said, (Query(expr, legend),), expects, **{"shape": "stat", "width": 6, "height": 4, **more})  # type: ignore[arg-type]


def in_words(expr: str) -> str:
    """A query with something in place of each of Grafana's variables."""
    for name, word in IN_WORDS.items():
        expr = expr.replace(name, word)
    return expr


GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"
ZERO_IS_GOOD: tuple[tuple[float | None, str], ...] = ((None, GREEN), (1.0, RED))
ONE_IS_GOOD: tuple[tuple[float | None, str], ...] = ((None, RED), (1.0, GREEN))
PIPELINE = Variable("pipeline", "label_values(nightshift_predictions_age_seconds, pipeline)", "Pipeline")
STEP = Variable("step", 'label_values(airflow_nightshift_step_finished{pipeline=~"$pipeline"}, step)', "Step")
DAG = Variable("dag", "label_values(airflow_ti_finish, dag_id)", "DAG")
