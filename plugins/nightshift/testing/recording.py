"""What a task logs, whichever way: Python's logging, or the structured log that Airflow gives it."""

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
    try:
        yield _structured(lines)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _structured(lines: list[str]) -> Any:
    def keep(_: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        said = str(event.get("event", ""))
        if method != "debug" and not said.startswith(NOISE):
            lines.append(f"{'ERROR' if method == 'exception' else method.upper()} {said}")
        raise structlog.DropEvent

    return structlog.wrap_logger(structlog.ReturnLogger(), processors=[keep], wrapper_class=structlog.BoundLogger)
