"""JSON lines for processes that are not Airflow's: one object for each line, named as in the logs of Airflow's tasks."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bound_contextvars, get_contextvars

from pipelines.engine.telemetry.seam import Silent, told_to

if TYPE_CHECKING:
    from pipelines.engine.telemetry.seam import Value


class JsonLines(logging.Formatter):
    """Writes `timestamp`, `level`, `event`, `logger`, and the fields of the step that runs; `exception` if there was one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **get_contextvars(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


@contextmanager
def json_lines() -> Iterator[None]:
    """Have this process's handlers write JSON lines within the block, with the fields of the step that runs."""
    handlers = logging.getLogger().handlers
    before = [(handler, handler.formatter) for handler in handlers]
    for handler in handlers:
        handler.setFormatter(JsonLines())
    try:
        with told_to(LogFields()):
            yield
    finally:
        for handler, formatter in before:
            handler.setFormatter(formatter)


class LogFields(Silent):
    """Puts fields on log lines, and tells nobody anything else."""

    @contextmanager
    def fields(self, fields: Mapping[str, Value]) -> Iterator[None]:
        """Put fields on each log line that is written within the block."""
        with bound_contextvars(**fields):
            yield
