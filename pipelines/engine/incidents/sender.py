"""Sends what waits in the outbox: each route by a thread of its own, so that no receiver waits for another one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from model_registry.addresses import hidden
from pipelines.engine.errors import LedgerError
from pipelines.engine.incidents.outbox import GIVE_UP_SECONDS, Letter, Outbox, wait_before_retry
from pipelines.engine.incidents.sinks import Sink, SinkError
from pipelines.engine.run_once import new_holder

log = logging.getLogger(__name__)
MARGIN_SECONDS = 60.0
"""By how much a lease is longer than an attempt may take, for the database to answer in."""
MOST_AT_ONCE = 100
"""Messages that a route gets in one go; then its thread looks whether it is still wanted."""
ABANDON_SECONDS = 900.0
"""A sink that has not come back after so long never will; its route gets a new thread."""


@dataclass(frozen=True)
class Sent:
    """What came of one round: how many messages were sent, failed, or were given up, and which routes still work at one."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    busy: tuple[str, ...] = ()


class Sender:
    """Sends what is due.

    Args:
        outbox: Where messages wait.
        open_sink: Returns the sink of a route by its name; called for each message, so that a mended route is used at once.
            A `SinkError`, such as a missing secret, leaves the message where it is.
        limit_seconds: A sink that takes longer has failed. Its thread is left alone, because nobody can stop it, and its
            route gets nothing more until it comes back; if it comes back saying that it has sent, that counts.
        mask: Takes secrets out of what errors say, before it is stored or logged.
    """

    def __init__(
        self,
        outbox: Outbox,
        open_sink: Callable[[str], Sink],
        *,
        limit_seconds: float = 30.0,
        mask: Callable[[str], str] = hidden,
    ) -> None:
        self._outbox = outbox
        self._open_sink = open_sink
        self._limit = limit_seconds
        self._mask = mask
        self._routes: dict[str, _Route] = {}

    def send_due(self, *, wait_seconds: float = 1.0) -> Sent:
        """Send what is due, and count what came of it since the last round.

        Args:
            wait_seconds: How long to wait for routes that had something to send; those that take longer go on by
                themselves, and the next round counts what came of it.

        Raises:
            LedgerError: The database does not answer.
        """
        for name in self._outbox.due_routes():
            before = self._routes.get(name)
            if before is None or before.is_over():
                counted = before.tally if before is not None else _Tally()
                self._routes[name] = _Route(name, self._outbox, self._open_sink, self._limit, self._mask, counted)
                self._routes[name].start()
        until = time.monotonic() + wait_seconds
        for route in self._routes.values():
            route.join_until(until)
        busy = tuple(sorted(name for name, route in self._routes.items() if route.is_alive()))
        sent, failed, given_up = 0, 0, 0
        for route in self._routes.values():
            route.fail_if_overdue()
            one, two, three = route.tally.taken()
            sent, failed, given_up = sent + one, failed + two, given_up + three
        self._routes = {name: self._routes[name] for name in busy}
        return Sent(sent, failed, given_up, busy)

    def close(self, *, wait_seconds: float = 5.0) -> tuple[str, ...]:
        """Take nothing more, wait for what is being sent, and return the routes that still hang.

        What hangs is sent again by whoever comes next, after its lease.
        """
        until = time.monotonic() + wait_seconds
        for route in self._routes.values():
            route.stop()
        for route in self._routes.values():
            route.join_until(until, even_if_overdue=True)
        return tuple(sorted(name for name, route in self._routes.items() if route.is_alive()))


@dataclass
class _Tally:
    """What came of a route's messages since somebody asked."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def taken(self) -> tuple[int, int, int]:
        with self.lock:
            answer = (self.sent, self.failed, self.given_up)
            self.sent = self.failed = self.given_up = 0
        return answer


class _Route(threading.Thread):
    """Sends the messages of one route, one after another."""

    def __init__(
        self,
        route: str,
        outbox: Outbox,
        open_sink: Callable[[str], Sink],
        limit: float,
        mask: Callable[[str], str],
        tally: _Tally,
    ) -> None:
        super().__init__(name=f"route-{route}", daemon=True)
        self.tally = tally
        self._route = route
        self._outbox = outbox
        self._open_sink = open_sink
        self._limit = limit
        self._mask = mask
        self._holder = new_holder()
        self._present: tuple[Letter, float] | None = None
        self._overdue = False
        self._stopped = False

    def run(self) -> None:
        """Send until nothing is due, or the time limit has passed."""
        try:
            for _ in range(MOST_AT_ONCE):
                if self._stopped or self._overdue or not self._send_one():
                    return
        except LedgerError as error:
            log.warning("messages for route %s wait: %s", self._route, self._mask(str(error)))

    def is_over(self) -> bool:
        """Whether another thread may send for this route."""
        present = self._present
        hangs = present is not None and time.monotonic() - present[1] > max(ABANDON_SECONDS, 2 * self._limit)
        return hangs or not self.is_alive()

    def stop(self) -> None:
        """Let it take nothing more."""
        self._stopped = True

    def join_until(self, moment: float, *, even_if_overdue: bool = False) -> None:
        """Wait for its end, but not for that of a sink that is known to hang."""
        if even_if_overdue or not self._overdue:
            self.join(max(0.0, moment - time.monotonic()))

    def fail_if_overdue(self) -> None:
        """Note that the present attempt took too long, if it did."""
        present = self._present
        if present is None or self._overdue or time.monotonic() - present[1] < self._limit:
            return
        self._overdue = True
        self._fail(present[0], f"no answer within {self._limit:g} s", retryable=True)

    def _send_one(self) -> bool:
        began = time.monotonic()
        lease = self._limit + MARGIN_SECONDS
        letters = self._outbox.take(self._holder, limit=1, lease_seconds=lease, route=self._route)
        if not letters:
            return False
        [letter] = letters
        if time.monotonic() - began > MARGIN_SECONDS / 2:
            return False  # stopped meanwhile: the lease may end before the sink answers, and then it is somebody else's
        self._present = (letter, time.monotonic())
        try:
            self._open_sink(self._route).send(letter.message)
        except Exception as error:
            self._present = None
            if not self._overdue:  # else it was counted already
                self._fail(letter, _reason(error), retryable=getattr(error, "retryable", True))
        else:
            self._present = None
            if self._outbox.sent(letter.id, self._holder):
                with self.tally.lock:
                    self.tally.sent += 1
            else:
                log.warning("route %s answered too late: somebody else has taken the message", self._route)
        return True

    def _fail(self, letter: Letter, reason: str, *, retryable: bool) -> None:
        text = self._mask(reason)
        if letter.age_seconds > GIVE_UP_SECONDS:
            if self._outbox.give_up(letter.id, self._holder, text):
                log.error(
                    "given up after %s attempts, nobody on route %s was told: %s (%s)",
                    letter.attempts,
                    self._route,
                    letter.message.title,
                    text,
                )
                with self.tally.lock:
                    self.tally.given_up += 1
            return
        wait = wait_before_retry(letter.attempts, retryable=retryable)
        if self._outbox.failed(letter.id, self._holder, text, retry_in=wait):
            log.warning("route %s failed, trying again in %.0f s: %s", self._route, wait, text)
            with self.tally.lock:
                self.tally.failed += 1


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SinkError) else f"{type(error).__name__}: {error}"
