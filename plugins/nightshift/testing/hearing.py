"""Listening to the moments of the protocol, by several listeners at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.engine.moments import Listener, Moment, listening

_listeners: list[Listener] = []


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Let `listener` be called at each moment inside the block, beside those that listen already."""

    def tell(moment: Moment) -> None:
        for one in tuple(_listeners):
            one(moment)

    _listeners.append(listener)
    try:
        with listening(tell):
            yield
    finally:
        _listeners.remove(listener)


@contextmanager
def noted(passed: list[Moment]) -> Iterator[None]:
    """Note the moments that are passed inside the block: the places where a fault can be put."""
    with heard(passed.append):
        yield
