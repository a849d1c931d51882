"""Nights that are spoiled on purpose: what was ordered is kept, done, and taken back."""

from __future__ import annotations

import threading
import time

import pytest

from nightshift.live.orders import Orders, Slowness, give_orders, orders_file, read_orders
from nightshift.live.slowness import made_slow
from pipelines.engine.errors import UsageError
from pipelines.engine.moments import reached
from pipelines.engine.replay import begin, interrupt, keep, run
from pipelines.engine.settings import read_settings
from pipelines.flights.live import recording

NOW = 1_795_168_358.0
NIGHT = "2026-11-21"


@pytest.fixture
def settings(tmp_path):
    """A home in which a replay is on."""
    settings = read_settings({"NIGHTSHIFT_HOME": str(tmp_path / "home")})
    keep(settings, run(begin(recording, "flights", now=NOW, speed=600.0), NOW))
    return settings


def seconds_of(settings, *, night=NIGHT, task="score", pipeline="flights", moments=("claimed", "finishing")) -> float:
    begun = time.monotonic()
    with made_slow(settings, pipeline, night, task):
        for moment in moments:
            reached(moment)
    return time.monotonic() - begun


def test_orders_are_read_as_they_were_given(settings):
    assert read_orders(settings) == Orders()
    orders = (
        Orders()
        .slower(NIGHT, "score", 60.0)
        .holding(NIGHT, "rows")
        .holding(NIGHT, "labels")
        .holding("2026-11-22", "rows")
    )
    give_orders(settings, orders)
    assert read_orders(settings) == orders
    assert orders.held[NIGHT] == ("labels", "rows")
    assert orders.released(NIGHT) == Orders(held={"2026-11-22": ("rows",)})
    assert Orders(slow={NIGHT: Slowness("score", 1.0)}).slower(NIGHT, "score", 0.0) == Orders()


def test_orders_that_cannot_be_read_are_said(settings):
    orders_file(settings).write_text("{")
    with pytest.raises(UsageError, match="Delete it"):
        read_orders(settings)


def test_the_ordered_task_waits_once_its_work_is_claimed(settings):
    give_orders(settings, Orders().slower(NIGHT, "score", 600.0))
    assert seconds_of(settings) >= 1.0


def test_nothing_else_waits(settings):
    give_orders(settings, Orders().slower(NIGHT, "score", 600_000.0))
    others = [{"night": "2026-11-22"}, {"task": "plan"}, {"pipeline": "parcels"}, {"night": None}, {"moments": ()}]
    for other in others:
        seconds_of(settings, **other)  # it comes back: the order is for a quarter of an hour
    interrupt(settings)
    seconds_of(settings)


def test_taking_the_order_back_lets_it_go_on(settings):
    give_orders(settings, Orders().slower(NIGHT, "score", 6_000_000.0))
    release = threading.Timer(0.5, give_orders, (settings, Orders()))
    release.start()
    assert seconds_of(settings) >= 0.5
    release.join()
