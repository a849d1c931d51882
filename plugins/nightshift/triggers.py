"""Wait without holding a worker: for a key that somebody else holds, for a job in a cloud."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from nightshift.cloud import Cloud, open_jobs
from nightshift.cloud.errors import CloudError, CloudUnavailable
from nightshift.cloud.jobs import Jobs

log = logging.getLogger(__name__)


class KeyFreeTrigger(BaseTrigger):
    """Fires when a key is finished, failed, given back, or its lease has run out.

    Args:
        key: The key's digest.
        poll_seconds: How often the ledger is asked.
    """

    def __init__(self, key: str, poll_seconds: float = 2.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.key = key
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as Airflow stores them."""
        return "nightshift.triggers.KeyFreeTrigger", {"key": self.key, "poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the ledger until the key is free. A ledger that does not answer is asked again."""
        while not await asyncio.to_thread(_is_free, self.key):
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"key": self.key})  # type: ignore[no-untyped-call]


class CloudJobTrigger(BaseTrigger):
    """Fires when a job has ended or is gone, when the cloud refuses to say, or when nobody wants to wait any longer.

    A cloud that does not answer, or asks for patience, is asked again. What happened to the job is not told: the task looks
    itself, under its key.

    Args:
        cloud: Whose job it is.
        place: Arguments of the door to it; see `nightshift.cloud`.
        job_id: What the cloud calls the job.
        poll_seconds: How often the cloud is asked.
        until: When to stop waiting, in seconds since 1970 by the clock of the machine that waits; None for never.
        stop_on_kill: Stop the job when somebody ends the waiting task by hand.
    """

    def __init__(
        self,
        cloud: Cloud,
        place: Mapping[str, Any],
        job_id: str,
        poll_seconds: float = 30.0,
        until: float | None = None,
        stop_on_kill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.cloud = cloud
        self.place = dict(place)
        self.job_id = job_id
        self.poll_seconds = poll_seconds
        self.until = until
        self.stop_on_kill = stop_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as Airflow stores them."""
        names = ("cloud", "place", "job_id", "poll_seconds", "until", "stop_on_kill")
        return "nightshift.triggers.CloudJobTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the cloud until there is something to tell."""
        while (event := await asyncio.to_thread(self.ask)) is None:
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Stop the job if that is wanted; by default it goes on, and the next try adopts it."""
        if self.stop_on_kill:
            await asyncio.to_thread(self._jobs.stop, self.job_id)

    def ask(self) -> dict[str, Any] | None:
        """Ask once, and return what there is to tell, or None to ask again later."""
        event = {"job": self.job_id, "until": self.until, "timed_out": False}
        if self._has_ended():
            return event
        return {**event, "timed_out": True} if self.until is not None and time.time() >= self.until else None

    @cached_property
    def _jobs(self) -> Jobs:
        return open_jobs(self.cloud, self.place)

    def _has_ended(self) -> bool:
        try:
            job = self._jobs.describe(self.job_id)
        except CloudUnavailable as error:
            log.warning("%s", error)
            return False
        except CloudError as error:
            log.error("%s", error)  # the task asks again, and fails with this sentence
            return True
        return job is None or job.state != "running"


def _is_free(key: str) -> bool:
    from pipelines.engine.errors import LedgerUnavailable
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    ledger = Ledger(read_settings().ledger_url, patience=1.0)
    try:
        entry = ledger.entry(key)
        return entry is None or entry.state != "claimed" or entry.lease_until <= ledger.now()
    except LedgerUnavailable:
        return False
