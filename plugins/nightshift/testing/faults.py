"""Things that go wrong on purpose, each for the length of a `with` block.

    with faults.kill_after("committed"):
        run_operator(publish)

A kill here is an exception that ends the attempt and keeps it from the ledger, in this process: what stands in a `finally`
still runs. `nightshift drill` kills real processes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args
from unittest import mock

from model_registry import RegistryUnavailable
from nightshift.testing.errors import Killed
from nightshift.testing.hearing import heard
from nightshift.testing.outcomes import TaskOutcome
from nightshift.testing.present import needed_house, present_house
from nightshift.testing.tasks import once_more
from pipelines.engine.errors import FenceLost, LedgerUnavailable, UsageError, nearest
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Claimed
from pipelines.engine.moments import Moment

__all__ = [
    "Held",
    "Moment",
    "Reply",
    "busy_key",
    "disk_full",
    "kill_after",
    "lost_reply",
    "registry_down",
    "twice",
]
Reply = Literal["claim", "renew", "finish", "commit", "log_training", "register_once", "promote", "move_alias"]
MOMENTS: tuple[str, ...] = get_args(Moment)
REPLIES: tuple[str, ...] = get_args(Reply)
_OF_THE_LEDGER = ("claim", "renew", "finish")
_OF_THE_REGISTRY = ("log_training", "set_metrics", "register_once", "resolve", "version", "versions", "move_alias")
REGISTRY = (*_OF_THE_REGISTRY, "promote", "journal", "fetch", "fetch_trained")
"""What a registry that is down does not do."""


@contextmanager
def kill_after(moment: Moment, *, times: int = 1) -> Iterator[None]:
    """Kill the attempt that passes a moment: nothing is given back, the lease runs on, and Airflow hears of it.

    Args:
        moment: Such as `claimed`, `committed` or `registered`; `pipelines.engine.moments` lists them.
        times: How many attempts are killed.

    Raises:
        UsageError: There is no such moment; or the block ended, and nobody had passed it.
    """
    _check(moment, MOMENTS, "moment")
    left = [times]

    def listen(passed: Moment) -> None:
        if passed != moment or not left[0]:
            return
        left[0] -= 1
        house = present_house()
        if house is not None:
            house.is_cut_off = True
        raise Killed(f"killed after {moment!r}")

    with heard(listen):
        yield
    if left[0] == times:
        raise UsageError(f"nothing was killed: no attempt passed {moment!r}. Was the work done already?")


@contextmanager
def twice(at: Moment = "claimed", *, after: timedelta = timedelta()) -> Iterator[list[TaskOutcome]]:
    """Deliver a task twice: at a moment of the first attempt, a second one runs from its beginning to its end.

    With `after`, the clock is advanced before: longer than a lease, and the second attempt takes the key over, while the
    first goes on when the second has ended.

    Args:
        at: The moment.
        after: How much time passes there.

    Yields:
        The outcome of the second attempt, once there is one.
    """
    _check(at, MOMENTS, "moment")
    house = needed_house("faults.twice")
    seconds: list[TaskOutcome] = []
    begun: list[Moment] = []

    def listen(passed: Moment) -> None:
        if passed == at and not begun:
            begun.append(passed)
            house.clock.advance(after)
            seconds.append(once_more())

    with heard(listen):
        yield seconds


@contextmanager
def lost_reply(to: Reply, *, times: int = 1) -> Iterator[None]:
    """Do what is asked, and lose the answer: whoever asked hears an error, and cannot know.

    Args:
        to: `claim`, `renew` or `finish` of the ledger, `commit` of a night, or `log_training`, `register_once`, `promote` or
            `move_alias` of the registry.
        times: How many answers are lost.
    """
    _check(to, REPLIES, "reply")
    left = [times]

    def losing(error: Exception) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    if to in _OF_THE_LEDGER:
        with _ledger_replies(to, losing):
            yield
    elif to == "commit":
        with _replaced("pipelines.engine.publication.delta", "_commit", lambda real: _then(real, losing, _no_answer)):
            yield
    else:
        registry = type(needed_house("faults.lost_reply").registry)
        down = RegistryUnavailable("the model registry did not answer: the reply was lost. Try again.")
        with mock.patch.object(registry, to, _then(getattr(registry, to), losing, lambda: down)):
            yield


class Held:
    """Keys that somebody else holds.

    Attributes:
        claims: One for each key that was wanted and could not be had.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.claims: list[Claimed] = []
        self._ledger = ledger

    def finish(self, result: dict[str, Any]) -> None:
        """Let the holder finish its work with this result."""
        for claim in self.claims:
            self._ledger.finish(claim, result)

    def release(self) -> None:
        """Let the holder give up."""
        for claim in self.claims:
            with suppress(FenceLost):
                self._ledger.release(claim, "given back by a test")


@contextmanager
def busy_key(step: str, *, partition: str | None = None, holder: str = "somebody else") -> Iterator[Held]:
    """Let somebody else hold the key that a step is about to claim.

    It is held with an ordinary lease: advance the clock, and it may be taken over.

    Args:
        step: Such as `validate`.
        partition: Only of this night; of any by default.
        holder: What the ledger calls the holder.
    """
    held, real = Held(needed_house("faults.busy_key").ledger), Ledger.claim

    def claim(ledger: Ledger, key: TaskKey, *, holder: str, payload: object = None) -> Any:
        wanted = key.step == step and partition in (None, key.partition)
        if wanted and key.digest not in {one.key for one in held.claims}:
            answer = real(ledger, key, holder=somebody, payload=payload)
            held.claims.extend([answer] if isinstance(answer, Claimed) else [])
        return real(ledger, key, holder=holder, payload=payload)

    somebody = holder
    with mock.patch.object(Ledger, "claim", claim):
        yield held
    held.release()


@contextmanager
def registry_down() -> Iterator[None]:
    """Let the model registry not answer."""
    registry = type(needed_house("faults.registry_down").registry)

    def unanswered(*_: Any, **__: Any) -> Any:
        raise RegistryUnavailable("the model registry does not answer: it is down. Start it, and try again.")

    with ExitStack() as stack:
        for name in REGISTRY:
            stack.enter_context(mock.patch.object(registry, name, unanswered))
        yield


@contextmanager
def disk_full() -> Iterator[None]:
    """Let there be no room for the files that a night writes, nor for a commit; the ledger's database has its own."""

    def refuse(path: object) -> OSError:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def full(real: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def whole_or_absent(path: Path) -> Iterator[Path]:
            with real(path) as temporary:
                yield temporary
                raise refuse(path)

        return whole_or_absent

    def no_commit(*_: Any, **__: Any) -> Any:
        raise refuse("the table")

    with (
        _replaced("pipelines.engine.files", "whole_or_absent", full),
        _replaced("pipelines.engine.publication.delta", "_commit", lambda real: no_commit),
    ):
        yield


@contextmanager
def _ledger_replies(operation: str, losing: Callable[[Exception], None]) -> Iterator[None]:
    real = getattr(Ledger, operation)

    def asked(ledger: Ledger, *arguments: Any, **named: Any) -> Any:
        unanswered = LedgerUnavailable("the ledger did not answer: the reply was lost")
        with mock.patch.object(ledger, "do_once", _then(ledger.do_once, losing, lambda: unanswered)):
            return real(ledger, *arguments, **named)

    with mock.patch.object(Ledger, operation, asked):
        yield


def _then(real: Callable[..., Any], losing: Callable[[Exception], None], error: Callable[[], Exception]) -> Any:
    def done_and_lost(*arguments: Any, **named: Any) -> Any:
        answer = real(*arguments, **named)
        losing(error())
        return answer

    return done_and_lost


def _no_answer() -> OSError:
    return OSError(errno.ETIMEDOUT, "the reply was lost")


@contextmanager
def _replaced(module: str, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    import importlib

    where = importlib.import_module(module)
    with mock.patch.object(where, name, make(getattr(where, name))):
        yield


def _check(name: str, known: tuple[str, ...], word: str) -> None:
    if name not in known:
        raise UsageError(f"there is no {word} {name!r}; there are: {', '.join(known)}.{nearest(name, known)}")
