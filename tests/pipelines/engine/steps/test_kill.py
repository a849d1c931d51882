"""A process is killed at the worst moment; the next attempt publishes once, and readers never see a mixture."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.pipelines.engine.steps import places, stuck, tides

NIGHT = tides.NIGHTS[0]


def kill_inside(place, where):
    """Start a process of its own, wait until it is stuck, and kill it as `kill -9` does."""
    command = [sys.executable, stuck.__file__, where, str(place.home), NIGHT]
    with subprocess.Popen(command, env=place.environment(), stderr=subprocess.PIPE, text=True) as process:
        while not (place.home / "stuck").exists():
            if process.poll() is not None:
                pytest.fail(f"the process ended by itself: {process.stderr.read()[-2000:]}")
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -9


def patient(place):
    """The same place, where steps wait for a busy key: the killed process's lease must run out first."""
    waiting = place.changed()
    waiting._runtime = dataclasses.replace(waiting.runtime, wait=True)
    return waiting


@pytest.fixture
def delivered_again(place):
    """A published night whose rows were delivered again, other ones, and are checked and planned."""
    places.run_night(place, NIGHT)
    tides.write(tides.make_rows(NIGHT, seed=1), place.rows(NIGHT))
    places.plan(place, places.validate(place, NIGHT))
    return place


def test_killed_inside_the_write_the_old_version_stays_and_the_retry_publishes_once(delivered_again):
    place = delivered_again
    before = place.published(NIGHT)
    kill_inside(place, "write")
    assert place.versions() == 1
    pd.testing.assert_frame_equal(place.published(NIGHT), before)
    assert list(place.predictions.rglob(".*.part")), "the process was not killed inside the write"

    done = places.run_night(patient(place), NIGHT)
    assert done.published["delta_version"] == place.versions() == 2
    after = place.published(NIGHT)
    assert after["buoy"].tolist() == before["buoy"].tolist()
    assert after["score"].tolist() != before["score"].tolist()
    (entry,) = [entry for entry in place.ledger.entries(step="score") if entry.key == done.scored[0]["key"]]
    assert (entry.state, entry.fence) == ("done", 2)
    assert [event.event for event in place.ledger.history(entry.key)] == ["claimed", "taken_over", "finished"]
    assert not list(place.predictions.rglob(".*.part")), "what the killed process left is still there"


def test_killed_between_commit_and_record_the_retry_adopts_the_commit(delivered_again):
    place = delivered_again
    kill_inside(place, "finish")
    assert place.versions() == 2
    shown = place.published(NIGHT)

    done = places.run_night(patient(place), NIGHT)
    assert done.published["delta_version"] == place.versions() == 2
    pd.testing.assert_frame_equal(place.published(NIGHT), shown)
    assert place.ledger.entry(done.published["key"]).fence == 2
