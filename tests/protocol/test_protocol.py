"""Whatever a few workers and a few faults do, in any order, every promise holds; and each guard is missed when it is gone."""

import dataclasses
import functools

import pytest

from tests.protocol.explorer import count_ways, explore, replay, shrunk, wander
from tests.protocol.model import possible
from tests.protocol.scenarios import BACKED_UP, EXPLORED, LONG, PLANTED
from tests.protocol.values import Budget, Scenario, beginning

SEEDS = range(200)
explored = functools.cache(explore)


def flawed(name):
    bug = PLANTED[name]
    return dataclasses.replace(bug.scenario, flaws=bug.flaws)


@pytest.mark.parametrize("name", EXPLORED)
def test_every_schedule_keeps_every_promise_and_ends(name, record_property):
    found = explored(EXPLORED[name])
    assert not found.violation, str(found.violation)
    record_property("states", found.worlds)
    record_property("schedules", found.schedules)
    assert found.schedules > 1000


def test_random_long_schedules_keep_every_promise(record_property):
    lengths = []
    for seed in SEEDS:
        schedule, violation = wander(LONG, seed)
        assert not violation, f"seed {seed}\n{shrunk(LONG, violation)}"
        lengths.append(len(schedule))
    record_property("steps", sum(lengths))
    assert sum(lengths) / len(lengths) > 50


@pytest.mark.parametrize("name", PLANTED)
def test_missing_guard_is_found_with_the_shortest_schedule(name):
    scenario = flawed(name)
    violation = explored(scenario).violation
    assert violation, "no schedule breaks a promise"
    assert PLANTED[name].promise in violation.promise
    assert replay(scenario, violation.schedule) == violation.promise
    assert not any(replay(scenario, violation.schedule[:end]) for end in range(len(violation.schedule)))
    assert len(shrunk(scenario, violation).schedule) == len(violation.schedule)
    assert str(violation).count("\n") == len(violation.schedule)


@pytest.mark.parametrize("name", PLANTED)
def test_the_same_schedules_are_harmless_while_the_guard_is_there(name):
    assert not explored(PLANTED[name].scenario).violation


@pytest.mark.parametrize("flaw", BACKED_UP)
def test_guard_that_another_one_stands_behind_is_not_missed_alone(flaw):
    for bug in PLANTED.values():
        assert not explored(dataclasses.replace(bug.scenario, flaws=frozenset({flaw}))).violation


def test_random_schedule_that_breaks_a_promise_is_cut_down_to_what_matters():
    flaws = frozenset({"the commit is unconditional"})
    scenario = Scenario((("A", "B"), ("B", "A")), Budget(crashes=1, lost=2, interrupts=1, foreign=1), flaws=flaws)
    violations = (wander(scenario, seed)[1] for seed in range(1000))
    found = next(violation for violation in violations if violation)
    small = shrunk(scenario, found)
    assert len(small.schedule) < len(found.schedule)
    assert replay(scenario, small.schedule) == small.promise


def test_schedule_without_an_end_is_noticed():
    with pytest.raises(RecursionError, match="2 of 3 worlds"):
        count_ways("first", {"first": ["here"], "here": ["there"], "there": ["here"]})


def test_schedules_are_counted_as_if_each_was_walked():
    def walked(world):
        nexts = possible(scenario, world)
        return sum(walked(new) for _, new in nexts) if nexts else 1

    scenario = Scenario((("A",), ("A",)), Budget(foreign=1))
    assert explored(scenario).schedules == walked(beginning(scenario))


def test_one_worker_alone_has_one_schedule():
    assert explored(Scenario((("A",),))).schedules == 1
