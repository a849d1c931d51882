"""Run a piece of work once: claim its key, keep the lease while it runs, record what came out."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipelines.engine.errors import FenceLost, KeyBusy, LedgerError, LedgerUnavailable, StorageError, UsageError
from pipelines.engine.keys import TaskKey, canonical_json
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Busy, Claimed, Done, iso
from pipelines.engine.moments import reached
from pipelines.engine.telemetry.step import Step, watched

log = logging.getLogger(__name__)
LONGEST_POLL = 2.0


@dataclass(frozen=True)
class Outcome:
    """What a key stands for now.

    Attributes:
        key: The key.
        result: What came out, as small JSON.
        fresh: True if this call did the work, False if it had been done before.
        fence: The fence under which it was finished.
    """

    key: TaskKey
    result: dict[str, Any]
    fresh: bool
    fence: int


class Hold:
    """A claim while its work runs. `check()` before anything that others could see."""

    def __init__(self, ledger: Ledger, key: TaskKey, claim: Claimed) -> None:
        self.key = key
        self.claim = claim
        self._ledger = ledger
        self._lost: FenceLost | None = None
        self._renewed_at = time.monotonic()

    @property
    def fence(self) -> int:
        """The fence of this claim; a part of the name of everything that the work writes."""
        return self.claim.fence

    def check(self) -> None:
        """Ask the ledger whether the claim still holds, and make its lease last.

        Raises:
            FenceLost: It does not: stop, and publish nothing.
        """
        if self._lost:
            raise self._lost
        try:
            self._ledger.renew(self.claim)
        except FenceLost as lost:
            self._lost = lost
            raise
        self._renewed_at = time.monotonic()

    @property
    def lost(self) -> FenceLost | None:
        """The reason why the claim does not hold any longer, as far as the heartbeat knows."""
        return self._lost

    def beat(self, stop: threading.Event) -> None:
        """Renew the lease until told to stop. A ledger that does not answer is asked again, not believed lost."""
        while not stop.wait(self._ledger.lease_seconds / 3):
            try:
                self.check()
                self._ledger.rest()  # long work holds no connection between two beats
            except FenceLost as lost:
                log.warning("%s", lost)
                return
            except LedgerUnavailable as error:
                silent = time.monotonic() - self._renewed_at
                log.warning("lease of %s not renewed for %.0f s: %s", self.key, silent, error)
            except LedgerError as error:
                log.error("lease of %s cannot be renewed: %s", self.key, error)


def run_once(
    ledger: Ledger,
    key: TaskKey,
    work: Callable[[Hold], dict[str, Any]],
    *,
    payload: object = None,
    wait: bool = False,
    on_wait: Callable[[str], None] = log.info,
) -> Outcome:
    """Do the work unless it has been done; return what came out either way.

    Args:
        ledger: Remembers keys.
        key: What the work is.
        work: Does it and returns small JSON. It gets the `Hold`, whose fence names its outputs.
        payload: What the key promises to determine; another payload under the same key is an error.
        wait: Wait for another holder instead of raising `KeyBusy`.
        on_wait: Told who holds the key, each time it is asked for again.

    Raises:
        KeyBusy: Somebody else holds the key, and `wait` is False.
        FenceLost: The key was taken over meanwhile; nothing that the work made may be used.
        PayloadConflict: The key is known with another payload.
    """
    holder = new_holder()
    with watched(key) as step:
        while True:
            answer = ledger.claim(key, holder=holder, payload=payload)
            if isinstance(answer, Done):
                log.info(
                    "already done: %s was finished at %s by %s (fence %s); nothing is done twice",
                    key,
                    iso(answer.finished_at),
                    answer.holder,
                    answer.fence,
                )
                step.replayed(answer.fence, answer.result)
                return Outcome(key, answer.result, fresh=False, fence=answer.fence)
            if isinstance(answer, Claimed):
                with step.claimed(answer.fence):
                    return _work(ledger, key, answer, work, step)
            _wait_or_raise(key, answer, wait, on_wait)


def new_holder() -> str:
    """Return a name for one attempt and no other: machine, process, and a few random digits."""
    return f"{_this_process()}{uuid.uuid4().hex[:8]}"


def is_ours(holder: str) -> bool:
    """Whether a holder is an attempt of this very process."""
    return holder.startswith(_this_process())


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:"


@contextmanager
def exclusive(ledger: Ledger, key: TaskKey) -> Iterator[Hold]:
    """Be the only one inside, among all processes that name this key; waits for others to leave.

    Raises:
        UsageError: The key is that of finished work.
        FenceLost: On leaving, when the lease ran out inside and somebody else went in.
    """
    holder = new_holder()
    while not isinstance(answer := ledger.claim(key, holder=holder), Claimed):
        if isinstance(answer, Done):
            raise UsageError(f"{key} is finished work; a place to be alone in needs a key of its own")
        _wait_or_raise(key, answer, True, log.info)
    hold = Hold(ledger, key, answer)
    try:
        with _heartbeat(hold):
            yield hold
    except BaseException:
        _leave_anyway(ledger, answer)
        raise
    ledger.release(answer, "left")


def _leave_anyway(ledger: Ledger, claim: Claimed) -> None:
    try:
        ledger.release(claim, "left")
    except LedgerError as trouble:
        # What went wrong inside is the error to show; the lease ends by itself.
        log.warning("could not tell the ledger that %s was left: %s", claim.key[:12], trouble)


def _wait_or_raise(key: TaskKey, busy: Busy, wait: bool, on_wait: Callable[[str], None]) -> None:
    message = f"{key} is held by {busy.holder} (fence {busy.fence}); its lease ends in {busy.seconds_left:.0f} s unless renewed"
    if not wait:
        raise KeyBusy(message, key=key.digest)
    on_wait(f"waiting: {message}")
    time.sleep(min(LONGEST_POLL, max(0.1, busy.seconds_left)))


def _work(ledger: Ledger, key: TaskKey, claim: Claimed, work: Callable[[Hold], dict[str, Any]], step: Step) -> Outcome:
    log.info(
        "%s: %s with fence %s, generation %s",
        "took over" if claim.taken_over else "claimed",
        key,
        claim.fence,
        claim.generation,
    )
    hold = Hold(ledger, key, claim)
    try:
        with _heartbeat(hold):
            reached("claimed")
            result = work(hold)
        if hold.lost:
            raise hold.lost
        reached("finishing")
        ledger.finish(claim, result, step.over())
    except BaseException as error:
        lost = _give_back(ledger, claim, error) if error is not hold.lost else None
        if lost and isinstance(error, StorageError):
            raise lost from error  # whoever overtook us clears away what we were writing: no fault of the disk
        raise
    log.info("finished: %s (fence %s)", key, claim.fence)
    step.done(result)
    # As a later reader will get it: what JSON makes of it.
    return Outcome(key, json.loads(canonical_json(result)), fresh=True, fence=claim.fence)


@contextmanager
def _heartbeat(hold: Hold) -> Iterator[None]:
    stop = threading.Event()
    within = contextvars.copy_context()  # its log lines carry the fields of the step, too
    name = f"lease-{hold.key.short}"
    thread = threading.Thread(target=within.run, args=(hold.beat, stop), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _give_back(ledger: Ledger, claim: Claimed, error: BaseException) -> FenceLost | None:
    """Tell the ledger how the try ended, and whether the next one is a new generation.

    Returns:
        What the ledger said if the key had been taken over meanwhile, else None.
    """
    reason = f"{type(error).__name__}: {error}"[:2000]
    try:
        if _ends_generation(error):
            ledger.fail(claim, reason)
        else:
            ledger.release(claim, reason)
    except FenceLost as lost:
        return lost
    except LedgerError as trouble:
        # The work's own error is the one to show; the lease ends by itself.
        log.warning("could not tell the ledger that %s ended: %s", claim.key[:12], trouble)
    return None


def _ends_generation(error: BaseException) -> bool:
    """An error that says nothing of itself is for good; an interrupt is not."""
    said: bool | None = getattr(error, "ends_generation", None)
    if said is not None:
        return said
    return not getattr(error, "retryable", not isinstance(error, Exception))
