"""When a shard file may go, as a rule on values; times count from a present of a hundred days."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.ledger.values import Entry, Event
from pipelines.engine.publication.names import ShardName
from pipelines.engine.tidy.shard_rules import Shard, judge_shard, last_touched
from pipelines.engine.tidy.values import DAY, GRACE_DAYS, Limits

NOW, KEY = 100 * DAY, "ab" * 32
LIMITS = Limits(NOW, 30.0)
DONE = Entry(KEY, "flights", "score", "2013-11-01#0", {}, "done", 2, 1, "h", 10 * DAY, 10 * DAY, 10 * DAY, {}, None)
HISTORY = [
    Event(KEY, 9 * DAY, "claimed", 1, 1, "h", {}),
    Event(KEY, 10 * DAY, "taken_over", 2, 1, "h", {}),
    Event(KEY, 10 * DAY, "finished", 2, 1, "h", {}),
]
FINISHED = Shard(ShardName("2013-11-01", KEY[:32], 2, int(10 * DAY * 1000)), 10 * DAY, True)
LOST = Shard(ShardName("2013-11-01", KEY[:32], 1, int(9 * DAY * 1000)), 9 * DAY, True)


def changed(shard, **changes):
    return dataclasses.replace(shard, **changes)


def judged(shard, entry=DONE, events=HISTORY, others=()):
    return judge_shard(shard, [*([entry] if entry else []), *others], events if entry else [], LIMITS)


def touched(**changes):
    return dataclasses.replace(DONE, **changes)


def test_old_file_of_a_quiet_night_goes():
    assert judged(FINISHED) == "replaced shards"


def test_old_file_that_the_ledger_does_not_know_goes_too():
    assert judged(FINISHED, entry=None) == "replaced shards"


@pytest.mark.parametrize(
    "shard",
    [changed(FINISHED, is_expired=False), changed(FINISHED, written_at=71 * DAY)],
    ids=["named lately", "young"],
)
def test_file_that_a_version_may_still_name_or_that_is_young_stays(shard):
    assert judged(shard) is None
    assert judged(shard, entry=None) is None


@pytest.mark.parametrize(
    "other",
    [
        touched(key="cd" * 32, step="publish", finished_at=71 * DAY),
        touched(key="cd" * 32, step="validate", claimed_at=71 * DAY),
        touched(key="cd" * 32, state="claimed", lease_until=NOW + 60),
        touched(key="cd" * 32, state="open", lease_until=99 * DAY, finished_at=None),
    ],
    ids=["published", "checked", "held", "forced"],
)
def test_nothing_of_a_night_goes_while_anything_happened_to_it_within_the_retention(other):
    assert judged(FINISHED, others=[other]) is None


def test_file_of_the_present_holder_stays_however_late_it_is():
    held = touched(state="claimed", finished_at=None)
    assert judged(FINISHED, entry=held, events=HISTORY[:2]) is None


@pytest.mark.parametrize(("age", "goes"), [(GRACE_DAYS + 0.1, "lost shards"), (GRACE_DAYS - 0.1, None)])
def test_file_of_a_lost_fence_waits_for_the_grace_alone(age, goes):
    shard = changed(LOST, written_at=NOW - age * DAY, is_expired=False)
    assert judged(shard, others=[touched(key="cd" * 32, finished_at=NOW)]) == goes


def test_file_of_an_earlier_ledger_is_no_lost_fence_of_this_one():
    shard = changed(LOST, name=dataclasses.replace(LOST.name, claimed_ms=5), written_at=71 * DAY)
    assert judged(shard) is None


def test_file_whose_claim_was_finished_once_is_no_lost_fence_though_its_key_was_done_again_since():
    again = [*HISTORY, Event(KEY, 90 * DAY, "forced", 3, 2, "h", {})]
    assert judged(changed(FINISHED, is_expired=False), entry=touched(fence=3, state="open"), events=again) is None


def test_night_is_touched_by_the_latest_of_its_keys_times():
    assert last_touched([]) is None
    assert last_touched([DONE, touched(lease_until=50 * DAY)]) == 50 * DAY


TIMES = st.floats(0, NOW + DAY)


@given(written=TIMES, claimed=TIMES, lease=TIMES, finished=TIMES, state=st.sampled_from(["claimed", "done", "open"]))
def test_finished_file_goes_only_if_everything_about_it_is_old(written, claimed, lease, finished, state):
    entry = touched(claimed_at=claimed, lease_until=lease, finished_at=finished, state=state)
    goes = judged(changed(FINISHED, written_at=written), entry=entry)
    assert (goes is None) == (max(written, claimed, lease, finished) >= LIMITS.old or state == "claimed")
