"""Connections that are kept for a moment, so that what follows at once need not connect again.

To connect costs more than to ask: a claim and its finish on PostgreSQL are two commits, and were two connections of some
three milliseconds each. So a process keeps one connection, for what comes within `KEPT_SECONDS`. Later it connects anew, as it
always did: whatever happened to the server or the network meanwhile is then found by connecting, which has a time limit.

No connection crosses a fork: idle ones are closed before it, and the child begins with none.
"""

from __future__ import annotations

import os
import time
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

KEPT_SECONDS = 2.0
KEPT = 1
"""Connections of one engine that are kept; a second thread's is closed as soon as it is done."""

_engines: WeakSet[Engine] = WeakSet()


def keep_for_a_moment(engine: Engine) -> None:
    """Let an engine's pool give out only connections that were used just now, in this process, to the same file."""
    file = engine.url.database if engine.url.get_backend_name() == "sqlite" else None

    @event.listens_for(engine, "connect")
    def on_connect(_: Any, record: Any) -> None:
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkin")
    def on_checkin(_: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def on_checkout(_: Any, record: Any, __: Any) -> None:
        since = record.info.pop("since", None)
        if since is None:  # it is new
            return
        # A database file that was deleted, or replaced, would take what we write into the grave.
        if time.monotonic() - since > KEPT_SECONDS or record.info["file"] != _identity(file):
            raise DisconnectionError("kept for long enough")

    _engines.add(engine)


def _identity(file: str | None) -> tuple[int, int] | None:
    try:
        status = os.stat(file) if file else None  # noqa: PTH116 - some microseconds, on each use
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _close_idle() -> None:
    for engine in list(_engines):
        engine.dispose()


def _begin_anew() -> None:
    for engine in list(_engines):
        engine.dispose(close=False)  # what another thread of the parent holds is the parent's


os.register_at_fork(before=_close_idle, after_in_child=_begin_anew)
