"""In tasks: spans below Airflow's own span of the task, counters among Airflow's own, fields on the lines of the task's log.

Where metrics or traces are off in Airflow, its libraries do nothing with what they are told. A task is a short process: Airflow
sends what is left when the process ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.observability import stats, trace
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OpenTelemetrySpan

    from pipelines.engine.telemetry.seam import Span, Value

TRACER = "nightshift"


class AirflowTelemetry:
    """Tells Airflow's observability; one for a process is enough, and it keeps nothing."""

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """Open a span below the one that is open now: within a task, Airflow's own."""
        tracer = trace.get_tracer(TRACER)
        with tracer.start_as_current_span(
            name, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as span:
            yield _Span(span)

    def count(self, name: str, number: float, labels: Mapping[str, str]) -> None:
        """Add to a counter. CPU seconds are no whole numbers, which OpenTelemetry and StatsD take as well."""
        stats.incr(name, number, tags=dict(labels))  # type: ignore[arg-type]

    def seconds(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Note how long something took: the number as it is, and not in the milliseconds that Airflow makes of a timedelta."""
        stats.timing(name, seconds, tags=dict(labels))

    def fields(self, fields: Mapping[str, Value]) -> AbstractContextManager[object]:
        """Put fields on log lines: Airflow's processors take them from here for lines of the standard library's loggers, too."""
        return bound_contextvars(**fields)


class _Span:
    """An OpenTelemetry span, as the engine sees it."""

    def __init__(self, span: OpenTelemetrySpan) -> None:
        self._span = span

    @property
    def ids(self) -> Mapping[str, str]:
        """In hex, as in a `traceparent` (https://www.w3.org/TR/trace-context/); nothing where traces are off."""
        context = self._span.get_span_context()
        if not self._span.is_recording():
            return {}
        return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Add what became known."""
        self._span.set_attributes(dict(attributes))

    def fail(self, error: BaseException) -> None:
        """Say that it ended badly: the kind of the error alone, for its words may hold what is not to be seen everywhere."""
        self._span.set_status(StatusCode.ERROR, type(error).__name__)
