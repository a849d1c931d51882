"""Turn after turn, until told to stop. Judging, sending and reading DAG files do not wait for each other."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nightshift.watch.metrics import Metrics
from nightshift.watch.surroundings import Surroundings
from nightshift.watch.turn import Watch, open_sender
from pipelines.engine.errors import LedgerUnavailable
from pipelines.engine.telemetry.seam import fields

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

log = logging.getLogger(__name__)
SEND_EVERY_SECONDS = 1.0
READ_EVERY_SECONDS = 10.0
EVERY_REPLAYED_SECONDS = 0.5
"""Five minutes of a night that is replayed 600 times as fast."""
STOP_SECONDS = 10.0


class Loop:
    """The watch as a process.

    Args:
        settings: Where things are.
        every: Seconds between two looks.
        address: Where Prometheus may ask; None for nowhere.
    """

    def __init__(self, settings: Settings, *, every: float, address: tuple[str, int] | None) -> None:
        self._settings = settings
        self._every = every
        self._address = address
        self._metrics = Metrics()
        self._metrics.registry.register(Surroundings(settings))
        self._stop = threading.Event()
        self._failed = threading.Event()

    def stop(self) -> None:
        """Let it end after what it is at."""
        self._stop.set()

    def run(self) -> None:
        """Watch until told to stop.

        Raises:
            LedgerNotMigrated: The ledger has no tables of this version.
            DeclarationError: The routes have a mistake.
        """
        watch = Watch(self._settings, metrics=self._metrics)
        self._wait_for_the_ledger()
        log.info("routes: %s", ", ".join(route.name for route in watch.routing.routes) or "none, so nobody is told")
        if self._address is not None:
            self._serve(self._address)
        sender = open_sender(self._settings, watch.outbox)
        reading = partial(self._again, lambda: self._read(watch), lambda: READ_EVERY_SECONDS, "reading DAG files")
        sending = partial(self._again, sender.send_due, lambda: SEND_EVERY_SECONDS, "sending messages")
        reader, post = (threading.Thread(target=each, daemon=True) for each in (reading, sending))
        reader.start()
        post.start()
        self._again(lambda: self._look(watch), lambda: self._pause(watch), "judging")
        post.join(STOP_SECONDS / 2)  # whoever still sends must not be closed under its hands
        sender.close(wait_seconds=STOP_SECONDS / 2)

    def _pause(self, watch: Watch) -> float:
        """How long until the next look: a night that hurries is looked at more often."""
        return min(self._every, EVERY_REPLAYED_SECONDS) if watch.clock.speed > 1.0 else self._every

    def _wait_for_the_ledger(self) -> None:
        from pipelines.engine.ledger.store import Ledger

        while not self._stop.is_set():
            try:
                Ledger(self._settings.ledger_url, patience=0.0).check()
                return
            except LedgerUnavailable as error:
                log.warning("%s", error)
                self._stop.wait(self._every)

    def _serve(self, address: tuple[str, int]) -> None:
        from prometheus_client import start_http_server

        host, port = address
        try:
            start_http_server(port, addr=host, registry=self._metrics.registry)
        except OSError as error:  # another home's watch has it: promises matter more than measures
            log.error("nothing is measured for Prometheus: %s:%s cannot be opened: %s", host, port, error.strerror)
            return
        log.info("measures for Prometheus: http://%s:%s/metrics", host, port)

    def _look(self, watch: Watch) -> None:
        began = time.monotonic()
        failed, at = True, 0.0
        try:
            turn = watch.turn()
            failed, at = False, watch.observations.now()
            for change in turn.changes:
                after = change.after
                with fields(dag_id=after.dag_id, night=after.night):
                    log.info("%s, night %s: %s", after.promise_id, after.night, after.state)
        finally:
            failed = failed or self._failed.is_set()
            self._failed.clear()
            self._metrics.came_around(at, time.monotonic() - began, failed=failed)

    def _read(self, watch: Watch) -> None:
        from nightshift.declarations import refresh_declarations

        refresh_declarations(self._settings, watch.observations)

    def _again(self, what: Callable[[], object], every: Callable[[], float], name: str) -> None:
        """Do it again and again. Whatever fails is said, and tried again: a watch that has ended sees nothing."""
        while not self._stop.is_set():
            try:
                what()
            except Exception as error:
                self._failed.set()
                known = isinstance(error, LedgerUnavailable)
                log.error("%s failed: %s", name, error, exc_info=None if known else error)
            self._stop.wait(every())


def watch_until_stopped(settings: Settings, *, every: float, address: tuple[str, int] | None) -> None:
    """Watch in this process until SIGTERM or SIGINT; see `Loop`."""
    loop = Loop(settings, every=every, address=address)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    loop.run()
