"""What can happen in a world, and the world after it.

    world = beginning(scenario)
    for action in schedule:
        world = step(scenario, world, action)

Everything is a pure function, so a schedule can be written down and played again.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol import ledger
from tests.protocol.values import GONE, SHARD, Action, Budget, Key, Scenario, Version, World, files_of
from tests.protocol.worker import (
    ASKS_LEDGER,
    ENDING,
    HOLDING,
    STEPS,
    begin_again,
    changed,
    commits,
    job_of,
    look_again,
    swapped,
)

FREE = frozenset({"step", "the lease of the dead ends", "late commit"})
"""What happens by itself when nothing goes wrong any more."""

COSTS = {
    "crash": "crashes",
    "reply lost": "lost",
    "reply lost for good": "lost",
    "commit delayed": "delays",
    "error": "errors",
    "interrupt": "interrupts",
    "lease ends": "expiries",
    "force": "forces",
    "another night is committed": "foreign",
}
"""Fault to the budget that it is taken from."""


def actions(scenario: Scenario, world: World) -> Iterator[Action]:
    """Yield everything that can happen now; a worker that can only wait for others is not among it."""
    for number, worker in enumerate(world.workers):
        if job_of(scenario, worker, number) is not None:
            yield Action("step", number)
            yield from _faults_of(scenario, world, number)
    for key, row in world.rows:
        if row.state == "claimed" and not row.expired:
            yield Action("the lease of the dead ends" if row.holder == GONE else "lease ends", key)
        yield Action("force", key)
    yield Action("another night is committed")
    if world.late:
        yield Action("late commit")


def possible(scenario: Scenario, world: World) -> list[tuple[Action, World]]:
    """Return what can happen now and changes anything, with the world after it."""
    affordable = (action for action in actions(scenario, world) if _affordable(world.budget, action))
    after = [(action, step(scenario, world, action)) for action in affordable]
    return [(action, new) for action, new in after if new != world]


def step(scenario: Scenario, world: World, action: Action) -> World:
    """Return the world after an action."""
    after = _paid(_happens(scenario, world, action), action)
    return _seen_by_readers(scenario, after)


def _faults_of(scenario: Scenario, world: World, number: int) -> Iterator[Action]:
    worker = world.workers[number]
    if worker.at in HOLDING | ENDING:
        yield Action("crash", number)
    if worker.at in HOLDING:
        yield Action("error", number)
        yield Action("interrupt", number)
        yield Action("heartbeat", number)
    if worker.at in ASKS_LEDGER:
        yield Action("reply lost", number)
        yield Action("reply lost for good", number)
    if worker.at == "commit" and commits(scenario, world, number):
        yield Action("reply lost", number)
        yield Action("reply lost for good", number)
        if world.late is None:
            yield Action("commit delayed", number)


def _affordable(budget: Budget, action: Action) -> bool:
    return action.what not in COSTS or getattr(budget, COSTS[action.what]) > 0


def _paid(world: World, action: Action) -> World:
    if action.what not in COSTS:
        return world
    name = COSTS[action.what]
    return world._replace(budget=world.budget._replace(**{name: getattr(world.budget, name) - 1}))


def _happens(scenario: Scenario, world: World, action: Action) -> World:
    if isinstance(action.whom, Key):
        return _happens_to_key(scenario, world, action.what, action.whom)
    if action.what == "late commit":
        return _late_commit(world)
    if action.whom is None:
        return world._replace(table=(*world.table, Version(world.table[-1].files)))
    return _happens_to_worker(scenario, world, action.what, action.whom)


def _late_commit(world: World) -> World:
    """The store does what it was asked long ago, or refuses, if the version is there by now."""
    seen, version = world.late
    unmoved = seen == len(world.table) - 1
    return world._replace(late=None, table=(*world.table, version) if unmoved else world.table)


def _happens_to_key(scenario: Scenario, world: World, what: str, key: Key) -> World:
    if what != "force":
        return world._replace(rows=ledger.expire(world.rows, key))
    finished = tuple(known for known in world.finished if known != key)
    world = world._replace(rows=ledger.force(world.rows, key), finished=finished)
    return _run_again(scenario, world, key.content)


def _run_again(scenario: Scenario, world: World, content: str) -> World:
    """Whoever forces a key also runs its task again, unless somebody is at it anyway."""
    jobs = [job_of(scenario, worker, number) for number, worker in enumerate(world.workers)]
    if content in jobs:
        return world
    for number, worker in enumerate(world.workers):
        idle = worker.turn and worker.shown is None
        if idle and scenario.jobs[number][worker.turn - 1] == content:
            return changed(world, number, turn=worker.turn - 1)
    return world


def _happens_to_worker(scenario: Scenario, world: World, what: str, number: int) -> World:
    worker = world.workers[number]
    if what == "step":
        return STEPS[worker.at](scenario, world, number)
    if what == "crash":
        return begin_again(world, number)
    if what == "heartbeat":
        return world._replace(rows=ledger.renew(world.rows, worker.key, worker.fence) or world.rows)
    if what == "commit delayed":
        late = (worker.handle, swapped(world, worker))
        return changed(world, number, at="doubt")._replace(late=late)
    if what in ("error", "interrupt"):
        ending = changed(world, number, at="fail" if what == "error" else "release")
        return ending._replace(parts=world.parts - {worker.fence})  # a living writer removes its own file
    return _reply_lost(scenario, world, number, for_good=what == "reply lost for good")


def _reply_lost(scenario: Scenario, world: World, number: int, *, for_good: bool) -> World:
    """The step is done, and the worker does not know.

    The ledger is asked again (`Database.do`) until patience runs out; that is `for_good`, and ends the try as
    `LedgerUnavailable` does. A commit is not sent again: a look at the table tells. The store may have said that
    somebody was faster, which is what its second try finds when it lost the answer to the first; or nothing (`for_good`).
    """
    worker = world.workers[number]
    after = STEPS[worker.at](scenario, world, number)
    unknowing = after._replace(workers=world.workers, wrong="")
    if worker.at == "commit":
        doubts = changed(unknowing, number, at="doubt")
        return doubts if for_good else look_again(scenario, unknowing, number)
    if not for_good:
        return unknowing
    if worker.at in HOLDING:
        return changed(unknowing, number, at="release")
    return begin_again(unknowing, number)


def _seen_by_readers(scenario: Scenario, world: World) -> World:
    """Note for each job under way whether readers can see its content."""
    for number, worker in enumerate(world.workers):
        job = job_of(scenario, worker, number)
        if worker.shown is False and job != SHARD and job and world.table[-1].files == files_of(job):
            world = changed(world, number, shown=True)
    return world
