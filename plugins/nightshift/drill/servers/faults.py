"""What may happen to requests, what became of them, and the faults that were ordered and have not happened yet."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar
from urllib.parse import unquote


@dataclass(frozen=True)
class Fault:
    """What shall happen to HTTP requests.

    Attributes:
        kind: `unavailable`: status 503, and upstream hears nothing. `slow`: passed on after `seconds`, even if the client
            has gone by then. `cut`: the connection is closed, and upstream hears nothing. `cut_midway`: closed when half
            of the body has reached upstream. `reply_lost`: upstream did it, but the connection is closed without the
            answer.
        method: `PUT` and so on; None: any.
        path: A regular expression, searched for in the path and its query, both without percent encoding.
        times: To how many requests; None: to all.
        seconds: How long `slow` is.
    """

    kind: Literal["unavailable", "slow", "cut", "cut_midway", "reply_lost"]
    method: str | None = None
    path: str = ""
    times: int | None = 1
    seconds: float = 1.0

    def fits(self, method: str, path: str) -> bool:
        """Whether it shall happen to such a request."""
        return self.method in (None, method) and re.search(self.path, path) is not None


@dataclass
class Exchange:
    """One HTTP request, and what became of it.

    Attributes:
        method: Of the request.
        path: With its query, both without percent encoding.
        headers: Of the request; names in lower case.
        status: What was answered, whether the client heard it or not; None: nobody answered (yet).
        fault: The kind of fault that happened to it, or None.
    """

    method: str
    path: str
    headers: dict[str, str]
    status: int | None = None
    fault: str | None = None


def readable(target: bytes) -> str:
    """Return a request's target without percent encoding; clients disagree on what they encode."""
    return unquote(target.decode("latin1"))


class Counted(Protocol):
    """A fault that happens a number of times; None: always."""

    @property
    def times(self) -> int | None:
        """How often."""


AnyFault = TypeVar("AnyFault", bound=Counted)


class Orders(Generic[AnyFault]):
    """The faults still to come; given by one thread, taken by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[AnyFault, int | None]] = []

    def add(self, fault: AnyFault) -> None:
        """Order one more."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Forget all that are left."""
        with self._lock:
            self._left.clear()

    def take(self, fits: Callable[[AnyFault], bool]) -> AnyFault | None:
        """Return the fault ordered first of those that fit, once less from now on; None if none does."""
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if fits(fault):
                    if left is not None:
                        self._left[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None
