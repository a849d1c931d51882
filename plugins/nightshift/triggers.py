"""Wait for a key that somebody else holds, without holding a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


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
