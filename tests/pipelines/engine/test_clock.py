"""The clock of a replay: it never runs backwards, and what happened keeps its time when it is stopped and goes on."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.clock import REAL, Clock

TIMES = st.floats(min_value=0, max_value=1e6)
SPEEDS = st.sampled_from([1.0, 60.0, 600.0, 3600.0])
NOW = 1_800_000_000.0


@st.composite
def clocks(draw):
    """A clock that was stopped some times, and the ledger's times of its beginnings."""
    clock = Clock(began=NOW, showed=NOW + draw(TIMES), speed=draw(SPEEDS))
    for _ in range(draw(st.integers(0, 3))):
        ran, stood = draw(TIMES), draw(TIMES)
        clock = clock.going_on(clock.began + ran + stood, clock.shows(clock.began + ran), draw(SPEEDS))
    return clock


def test_the_real_clock_shows_the_ledger_s_time():
    assert REAL.shows(NOW) == REAL.ledger_time(NOW) == NOW


@settings(deadline=None)
@given(clocks(), TIMES, TIMES)
def test_it_never_runs_backwards(clock, one, other):
    early, late = sorted((one, other))
    start = NOW - 1e5
    assert clock.shows(start + early) <= clock.shows(start + late)


@settings(deadline=None)
@given(clocks(), TIMES)
def test_what_it_shows_leads_back_to_a_time_at_which_it_showed_that(clock, later):
    shown = clock.shows(NOW + later)
    assert clock.shows(clock.ledger_time(shown)) == pytest.approx(shown, abs=0.01)


@settings(deadline=None)
@given(clocks(), TIMES, TIMES)
def test_what_happened_keeps_its_time_when_the_clock_goes_on_later(clock, ran, stood):
    happened = clock.began + ran
    stopped = clock.shows(happened)
    later = clock.going_on(happened + stood, stopped, 1.0)
    assert later.shows(happened) == pytest.approx(stopped, abs=0.01)
    assert later.shows(happened + stood) == pytest.approx(stopped, abs=0.01)
    assert later.shows(clock.began) == pytest.approx(clock.shows(clock.began), abs=0.01)


@settings(deadline=None)
@given(clocks())
def test_it_is_read_as_it_was_written(clock):
    assert Clock.from_json(json.loads(json.dumps(asdict(clock)))) == clock
