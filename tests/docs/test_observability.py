"""The tables of docs/observability.md are the list of names that the code has, line by line."""

from __future__ import annotations

from pipelines.engine.telemetry.names import LOG_FIELDS, SPAN_ATTRIBUTES, STEPS, WATCH, Metric
from tests.support.documents import text_of

PAGE = text_of("docs/observability.md")


def table_below(heading: str) -> list[str]:
    """The rows of the first table below a heading."""
    lines = iter(PAGE.split(f"\n## {heading}\n", 1)[1].splitlines())
    rows: list[str] = []
    for line in lines:
        if line.startswith("| "):
            rows.append(line)
        elif rows:
            break
    return rows[2:]


def row_of(metric: Metric, *, renamed: bool) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    in_prometheus = f" `{metric.in_prometheus}` |" if renamed else ""
    return f"| `{metric.name}` |{in_prometheus} {metric.kind} | {labels} | {metric.said} |"


def test_metrics_of_steps_are_those_that_are_told() -> None:
    assert table_below("Metrics of steps") == [row_of(metric, renamed=True) for metric in STEPS]


def test_metrics_of_the_watch_are_those_that_are_told() -> None:
    assert table_below("Metrics of the watch") == [row_of(metric, renamed=False) for metric in WATCH]


def test_span_attributes_and_log_fields_are_those_that_are_told() -> None:
    assert table_below("Spans") == [f"| `{name}` | {said} |" for name, said in SPAN_ATTRIBUTES.items()]
    assert table_below("Log lines") == [f"| `{name}` | {said} |" for name, said in LOG_FIELDS.items()]
