"""A task of a replayed night that is made slow on purpose: it waits in the middle of its work, as if the work took so long.

It waits once its key is claimed, with the heartbeat going on, so everything around it (the lease, Airflow, the watch) sees
what it would see of real work. Work that is done already is not claimed, and so not slow.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nightshift.live.orders import read_orders
from pipelines.engine.replay import Replay, read_replay

if TYPE_CHECKING:
    from pipelines.engine.moments import Moment
    from pipelines.engine.settings import Settings

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)


@contextmanager
def made_slow(settings: Settings, pipeline: str, night: str | None, task: str) -> Iterator[None]:
    """Make the work inside slow if a replay is on and somebody ordered it; do nothing otherwise."""
    replay = read_replay(settings)
    slowness = read_orders(settings).slow.get(night or "") if replay is not None else None
    if replay is None or slowness is None or replay.pipeline != pipeline or slowness.task != task:
        yield
        return
    from pipelines.engine.moments import listening

    def hear(moment: Moment) -> None:
        if moment == "claimed":
            _wait(settings, replay, str(night), task)

    with listening(hear):
        yield


def _wait(settings: Settings, replay: Replay, night: str, task: str) -> None:
    """Wait for as long as the orders say, as they are now: taking them back lets it go on."""
    begun = time.monotonic()
    log.warning("%s of night %s is made slow on purpose (`nightshift live release %s` ends it)", task, night, night)
    while True:
        slowness = read_orders(settings).slow.get(night)
        if slowness is None or slowness.task != task:
            break
        if (time.monotonic() - begun) * replay.speed >= slowness.seconds:
            break
        time.sleep(POLL_SECONDS)
    log.warning("%s of night %s goes on after %.1f s", task, night, time.monotonic() - begun)
