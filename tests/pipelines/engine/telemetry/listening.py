"""A listener that keeps what steps tell, and one that breaks at every word."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class HeardSpan:
    name: str
    parent: str | None
    attributes: dict[str, Any]
    failed: bool = False

    ids = {"trace_id": "0" * 32, "span_id": "1" * 16}  # noqa: RUF012 - of no class, of a protocol

    def note(self, attributes):
        self.attributes.update(attributes)

    def fail(self, error):
        self.failed = True


@dataclass
class Listener:
    """`spans` in the order in which they began; `bound` are the fields that a log line would have now."""

    spans: list[HeardSpan] = field(default_factory=list)
    counted: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    took: dict[tuple[Any, ...], list[float]] = field(default_factory=dict)
    bound: dict[str, Any] = field(default_factory=dict)
    _open: list[HeardSpan] = field(default_factory=list)

    @contextmanager
    def span(self, name, attributes):
        span = HeardSpan(name, self._open[-1].name if self._open else None, dict(attributes))
        self.spans.append(span)
        self._open.append(span)
        try:
            yield span
        finally:
            self._open.remove(span)

    def count(self, name, number, labels):
        self.counted[(name, *labels.values())] += number

    def seconds(self, name, seconds, labels):
        self.took.setdefault((name, *labels.values()), []).append(seconds)

    @contextmanager
    def fields(self, fields):
        before, self.bound = self.bound, {**self.bound, **fields}
        try:
            yield
        finally:
            self.bound = before

    def outcomes(self):
        return {
            labels[1:]: number for labels, number in self.counted.items() if labels[0] == "nightshift.step.finished"
        }


class Broken:
    """Everything fails: entering, telling and leaving."""

    def __init__(self, *, enters: bool) -> None:
        self.enters = enters

    @contextmanager
    def span(self, name, attributes):
        if not self.enters:
            raise OSError("no collector")
        yield self
        raise OSError("no collector any more")

    @property
    def ids(self):
        raise OSError("no ids")

    def note(self, attributes):
        raise OSError("no notes")

    def fail(self, error):
        raise OSError("no failures")

    def count(self, name, number, labels):
        raise OSError("no counters")

    def seconds(self, name, seconds, labels):
        raise OSError("no clocks")

    def fields(self, fields):
        raise OSError("no fields")
