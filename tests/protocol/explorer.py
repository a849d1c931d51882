"""Tries schedules: all of them, breadth first, or random ones from a seed."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from tests.protocol import promises
from tests.protocol.model import FREE, possible, step
from tests.protocol.values import Action, Scenario, World, beginning
from tests.protocol.worker import job_of

Schedule = tuple[Action, ...]


@dataclass(frozen=True)
class Violation:
    """A promise that did not hold, and how to get there: nothing shorter does."""

    promise: str
    schedule: Schedule
    scenario: Scenario

    def __str__(self) -> str:
        return "\n".join([f"broken: {self.promise}", *told(self.scenario, self.schedule)])


@dataclass(frozen=True)
class Exploration:
    """What was covered.

    Attributes:
        worlds: Different worlds that were reached, each of which was checked.
        schedules: Different schedules from the beginning to an end.
        violation: The shortest that was found, if any; then the numbers are those up to it.
    """

    worlds: int
    schedules: int
    violation: Violation | None = None


def explore(scenario: Scenario) -> Exploration:
    """Follow every schedule, and stop at the first broken promise.

    Worlds that were reached before are not followed again: what can happen in a world does not depend on how it came about.
    """
    first = beginning(scenario)
    came_from: dict[World, tuple[World, Action] | None] = {first: None}
    after: dict[World, list[World]] = {}
    waiting = deque([first])
    while waiting:
        world = waiting.popleft()
        nexts = possible(scenario, world)
        wrong = _wrong(scenario, world, nexts)
        if wrong:
            return Exploration(len(came_from), 0, Violation(wrong, _way_to(world, came_from), scenario))
        after[world] = [new for _, new in nexts]
        for action, new in nexts:
            if new not in came_from:
                came_from[new] = (world, action)
                waiting.append(new)
    return Exploration(len(came_from), count_ways(first, after))


def told(scenario: Scenario, schedule: Schedule) -> list[str]:
    """Tell a schedule, line by line, with what each worker was about to do."""
    world, lines = beginning(scenario), []
    for number, action in enumerate(schedule, start=1):
        doing = ""
        if isinstance(action.whom, int):
            worker = world.workers[action.whom]
            doing = f" ({worker.at}, {job_of(scenario, worker, action.whom)})"
        lines.append(f"  {number:2}. {action}{doing}")
        world = step(scenario, world, action)
    return lines


def wander(scenario: Scenario, seed: int, *, longest: int = 500) -> tuple[Schedule, Violation | None]:
    """Follow one random schedule to its end; the same seed follows the same one."""
    chance = random.Random(seed)  # noqa: S311
    world, schedule = beginning(scenario), []
    while True:
        nexts = possible(scenario, world)
        wrong = _wrong(scenario, world, nexts)
        if wrong:
            return tuple(schedule), Violation(wrong, tuple(schedule), scenario)
        if not nexts or len(schedule) >= longest:
            return tuple(schedule), None
        # Faults are many and steps are few: without weights, nothing would ever get done.
        weights = [4 if action.what in FREE else 1 for action, _ in nexts]
        action, world = chance.choices(nexts, weights)[0]
        schedule.append(action)


def replay(scenario: Scenario, schedule: Schedule) -> str | None:
    """Play a schedule, and return the promise that is broken at its end, if any."""
    world = beginning(scenario)
    for action in schedule:
        world = step(scenario, world, action)
    return _wrong(scenario, world, possible(scenario, world))


def shrunk(scenario: Scenario, violation: Violation) -> Violation:
    """Leave out every action without which the schedule still breaks a promise."""
    schedule = violation.schedule
    smaller = True
    while smaller:
        smaller = False
        for left_out in range(len(schedule)):
            shorter = schedule[:left_out] + schedule[left_out + 1 :]
            cut = _played(scenario, shorter)
            if cut is not None:
                schedule, smaller = cut.schedule, True
                violation = cut
                break
    return violation


def count_ways(first: World, after: dict[World, list[World]]) -> int:
    """Count the ways from a world to an end, of which there are too many to walk them all.

    Raises:
        RecursionError: There is a way in a circle: a schedule without an end.
    """
    arriving = dict.fromkeys(after, 0)
    for nexts in after.values():
        for new in nexts:
            arriving[new] += 1
    ways, ended, seen = {first: 1}, 0, 0
    ready = [] if arriving[first] else [first]
    while ready:
        world = ready.pop()
        seen += 1
        if not after[world]:
            ended += ways[world]
        for new in after[world]:
            ways[new] = ways.get(new, 0) + ways[world]
            arriving[new] -= 1
            if not arriving[new]:
                ready.append(new)
    if seen != len(after):
        raise RecursionError(f"{len(after) - seen} of {len(after)} worlds lie on or behind a way in a circle")
    return ended


def _wrong(scenario: Scenario, world: World, nexts: list[tuple[Action, World]]) -> str | None:
    wrong = promises.broken(world)
    if wrong or any(action.what in FREE for action, _ in nexts):
        return wrong
    return promises.unfinished(scenario, world)


def _played(scenario: Scenario, schedule: Schedule) -> Violation | None:
    """Play a schedule as far as it can be played, and return the promise that it breaks on the way."""
    world = beginning(scenario)
    for played, action in enumerate(schedule):
        nexts = possible(scenario, world)
        wrong = _wrong(scenario, world, nexts)
        if wrong:
            return Violation(wrong, schedule[:played], scenario)
        following = dict(nexts)
        if action not in following:
            return None
        world = following[action]
    wrong = _wrong(scenario, world, possible(scenario, world))
    return Violation(wrong, schedule, scenario) if wrong else None


def _way_to(world: World, came_from: dict[World, tuple[World, Action] | None]) -> Schedule:
    way: list[Action] = []
    step_before = came_from[world]
    while step_before:
        world, action = step_before
        way.append(action)
        step_before = came_from[world]
    return tuple(reversed(way))
