"""What a task logs, whichever way: Python's logging, its own `self.log`, or the log of Airflow's task runner."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

NOISE = ("::group::", "::endgroup::")


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.getMessage()}")


@contextmanager
def recorded(lines: list[str]) -> Iterator[Any]:
    """Let what is logged inside the block be added to `lines`, and give the logger that Airflow's task runner wants."""
    handler, root = _Lines(lines), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO) if level else logging.INFO)
    # Loggers that were used before keep this very list, so it is changed, and not replaced.
    processors: list[Any] = structlog.get_config()["processors"]
    keep = _Keep(lines)
    processors.insert(0, keep)
    try:
        yield structlog.wrap_logger(
            structlog.ReturnLogger(), processors=[keep, _drop], wrapper_class=structlog.BoundLogger
        )
    finally:
        processors.remove(keep)
        root.setLevel(level)
        root.removeHandler(handler)


class _Keep:
    """Adds what a structured logger says, and passes it on."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        said = str(event.get("event", ""))
        if arguments := event.get("positional_args"):
            said = said % arguments
        if method != "debug" and not said.startswith(NOISE):
            self._lines.append(f"{'ERROR' if method == 'exception' else method.upper()} {said}")
        return event


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent
