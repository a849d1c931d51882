"""Where steps tell what they do. Nobody listens by default; whoever listens can fail no step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)
Value = str | int | float | bool
Result = TypeVar("Result")


class Span(Protocol):
    """A stretch of time that has a name, in a tree of them."""

    @property
    def ids(self) -> Mapping[str, str]:
        """`trace_id` and `span_id` in hex, or nothing where nobody traces."""

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Add what became known."""

    def fail(self, error: BaseException) -> None:
        """Say that it ended badly."""


class Telemetry(Protocol):
    """Somebody who listens."""

    def span(self, name: str, attributes: Mapping[str, Value]) -> AbstractContextManager[Span]:
        """Open a span; it ends with the block, and those that are opened within it are its children."""

    def count(self, name: str, number: float, labels: Mapping[str, str]) -> None:
        """Add to a counter."""

    def seconds(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Note how long something took."""

    def fields(self, fields: Mapping[str, Value]) -> AbstractContextManager[object]:
        """Put fields on each log line that is written within the block."""


class SilentSpan:
    """A span of which nobody is told."""

    @property
    def ids(self) -> Mapping[str, str]:
        """None."""
        return {}

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Forget it."""

    def fail(self, error: BaseException) -> None:
        """Forget it."""


class Silent:
    """Nobody listens."""

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """Open nothing."""
        yield SilentSpan()

    def count(self, name: str, number: float, labels: Mapping[str, str]) -> None:
        """Forget it."""

    def seconds(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Forget it."""

    @contextmanager
    def fields(self, fields: Mapping[str, Value]) -> Iterator[None]:
        """Put nothing anywhere."""
        yield


_listener: Telemetry = Silent()


@contextmanager
def told_to(listener: Telemetry) -> Iterator[None]:
    """Have this process's steps tell somebody within the block; all threads, because shards are scored in several."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """Open a span, which raises nothing of its own. Errors within the block are the caller's to note in it."""
    listener = _listener
    silent: Span = SilentSpan()
    with _guarded(lambda: listener.span(name, attributes or {}), silent) as opened:
        yield _Safe(opened)


@contextmanager
def fields(**fields: Value) -> Iterator[None]:
    """Put fields on each log line that is written within the block."""
    listener = _listener
    with _guarded(lambda: listener.fields(fields), None):
        yield


def count(name: str, number: float, **labels: str) -> None:
    """Add to a counter."""
    safely(lambda: _listener.count(name, number, labels))


def seconds(name: str, value: float, **labels: str) -> None:
    """Note how long something took."""
    safely(lambda: _listener.seconds(name, value, labels))


class _Safe:
    """A span that raises nothing."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def ids(self) -> Mapping[str, str]:
        return safely(lambda: self._span.ids) or {}

    def note(self, attributes: Mapping[str, Value]) -> None:
        safely(lambda: self._span.note(attributes))

    def fail(self, error: BaseException) -> None:
        safely(lambda: self._span.fail(error))


@contextmanager
def _guarded(opens: Callable[[], AbstractContextManager[Result]], otherwise: Result) -> Iterator[Result]:
    """Enter and leave what somebody else wrote; it never hears of errors within the block, and its own go no further."""

    def enter() -> tuple[AbstractContextManager[Result], Result]:
        manager = opens()
        return manager, manager.__enter__()

    entered = safely(enter)
    try:
        yield entered[1] if entered else otherwise
    finally:
        if entered:
            safely(lambda: entered[0].__exit__(None, None, None))


def safely(tell: Callable[[], Result]) -> Result | None:
    """Tell somebody; an error of theirs is a line for who looks for it, and nothing more: steps come first."""
    try:
        return tell()
    except Exception as error:
        log.debug("what a step tells was not heard: %s", error, exc_info=True)
        return None
