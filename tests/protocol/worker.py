"""One worker's steps, each of which happens at once as far as the others can tell.

`STEPS` says which function does what a worker is `at`. Each takes the scenario, the world and the worker's number, and
returns the world after it. What they mirror:

    every work:  `run_once` (claim, finish; `_give_back` is release and fail), `KeyFreeTrigger` (deferred)
    publish:     `publish_night` (the two looks), `publish` (open, find, commit, doubt), `Hold.check` and `still_held`
                 (check)
    score:       `remove_unfinished` (sweep), `whole_or_absent` (write, rename)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.protocol import ledger
from tests.protocol.values import (
    SHARD,
    Key,
    Known,
    Scenario,
    Seen,
    Version,
    Worker,
    World,
    files_of,
    remembers_finishing,
)

UNTRUE = "a worker was told that its work is published, and no reader could ever see it since the work began"
ROBBED = "a holder that has its fence lost its file to a worker that lost it"


def job_of(scenario: Scenario, worker: Worker, number: int) -> str | None:
    """Return what a worker is to do now, or None if everything is answered."""
    jobs = scenario.jobs[number]
    return jobs[worker.turn] if worker.turn < len(jobs) else None


def changed(world: World, number: int, **changes: object) -> World:
    """Return the world with one worker changed."""
    worker = world.workers[number]._replace(**changes)
    return world._replace(workers=(*world.workers[:number], worker, *world.workers[number + 1 :]))


def begin_again(world: World, number: int) -> World:
    """End an attempt: everything that it remembers is forgotten, and its holder's name is not used again."""
    old = world.workers[number]
    fresh = Worker(turn=old.turn, shown=old.shown)
    return changed(world, number, **fresh._asdict())._replace(rows=ledger.forget_holder(world.rows, number))


def newest_of_night(table: tuple[Version, ...], before: int) -> int | None:
    """Return the newest version up to `before` that is a commit of the night, or None."""
    return next((number for number in range(before, 0, -1) if table[number].transaction), None)


def first_look(scenario: Scenario, world: World, number: int) -> World:
    """Begin. A shard's key needs no look; the key of a publication needs two."""
    world = changed(world, number, shown=bool(world.workers[number].shown))
    if job_of(scenario, world.workers[number], number) == SHARD:
        return changed(world, number, key=Key(SHARD, None), at="claim")
    ledger_first = "the ledger is asked before the table" in scenario.flaws
    world = ask_ledger(scenario, world, number) if ledger_first else ask_table(scenario, world, number)
    return changed(world, number, at="second look")


def second_look(scenario: Scenario, world: World, number: int) -> World:
    """Look at the other one, and make the key (`publish_night`)."""
    ledger_first = "the ledger is asked before the table" in scenario.flaws
    world = ask_table(scenario, world, number) if ledger_first else ask_ledger(scenario, world, number)
    worker = world.workers[number]
    job = job_of(scenario, worker, number)
    replaces: object = worker.saw.commit
    if "the key names the last finished publication" in scenario.flaws:
        replaces = (worker.saw.files, worker.knew.last) if worker.saw.files else None
    if worker.saw.files == files_of(job) and worker.knew.same:
        replaces = worker.knew.same.replaces
    return changed(world, number, key=Key(job, replaces), knew=None, at="claim")


def ask_table(scenario: Scenario, world: World, number: int) -> World:
    """Look what the night shows."""
    newest = len(world.table) - 1
    return changed(world, number, saw=Seen(world.table[newest].files, newest_of_night(world.table, newest)))


def ask_ledger(scenario: Scenario, world: World, number: int) -> World:
    """Look which publications of the night are known, the latest claimed first."""
    job = job_of(scenario, world.workers[number], number)
    same = next((key for key, _ in world.rows if key.content == job), None)
    return changed(world, number, knew=Known(same, world.finished[-1] if world.finished else None))


def claim(scenario: Scenario, world: World, number: int) -> World:
    """Ask the ledger for the key."""
    key = world.workers[number].key
    rows, answer = ledger.claim(world.rows, key, number)
    if isinstance(answer, ledger.Done):
        return _answered(world, number)
    if isinstance(answer, ledger.Busy):
        return world if scenario.waits else changed(world, number, saw=None, at="deferred")
    at = "sweep" if key.content == SHARD else "open"
    world = changed(world, number, fence=answer.fence, generation=answer.generation, at=at)
    return world._replace(rows=rows)


def deferred(scenario: Scenario, world: World, number: int) -> World:
    """Begin anew as soon as the key is free (`KeyFreeTrigger`)."""
    row = ledger.row_of(world.rows, world.workers[number].key)
    busy = row.state == "claimed" and not row.expired
    return world if busy else begin_again(world, number)


def open_table(scenario: Scenario, world: World, number: int) -> World:
    """Open a handle on the newest version, and adopt what is published already."""
    worker = world.workers[number]
    newest = len(world.table) - 1
    mine = (worker.key, worker.generation)
    committed = [version for version in range(newest + 1) if world.table[version].transaction == mine]
    world = changed(world, number, handle=newest, at="check")
    if committed and "the transaction is not looked up" not in scenario.flaws:
        return changed(world, number, result=committed[-1], handle=0, saw=None, at="finish")
    shown = world.table[newest].files == files_of(worker.key.content)
    if shown and "the files are not looked up" not in scenario.flaws:
        return find(scenario, world, number) if _finds_at_once(scenario) else changed(world, number, at="find")
    return world


def _finds_at_once(scenario: Scenario) -> bool:
    """Return whether the handle itself knows the commit; a look at the log is a step of its own."""
    return "the newest commit of the night is taken for ours" not in scenario.flaws


def find(scenario: Scenario, world: World, number: int) -> World:
    """Find the commit that made the night show what the handle sees."""
    sees = world.workers[number].handle
    if not _finds_at_once(scenario):
        sees = len(world.table) - 1
    return changed(world, number, result=newest_of_night(world.table, sees), handle=0, saw=None, at="finish")


def check(scenario: Scenario, world: World, number: int) -> World:
    """Check the fence, and that the handle still shows what is to be replaced."""
    worker = world.workers[number]
    rows = ledger.renew(world.rows, worker.key, worker.fence)
    if rows is None and "the fence is not checked" not in scenario.flaws:
        return begin_again(world, number)
    world = changed(world, number, held=rows is not None)._replace(rows=rows or world.rows)
    same = _replaces_what_it_should(scenario, world, worker) or "what is replaced is not compared" in scenario.flaws
    return changed(world, number, at="commit" if same else "release")


def _replaces_what_it_should(scenario: Scenario, world: World, worker: Worker) -> bool:
    if "the key names the last finished publication" in scenario.flaws:
        return world.table[worker.handle].files == worker.saw.files
    return newest_of_night(world.table, worker.handle) == worker.saw.commit


def commit(scenario: Scenario, world: World, number: int) -> World:
    """Swap the night's files in one commit, from exactly the version that the handle sees."""
    worker = world.workers[number]
    if not commits(scenario, world, number):
        return look_again(scenario, world, number)
    world = changed(world, number, result=len(world.table), handle=0, saw=None, at="finish")
    return world._replace(table=(*world.table, swapped(world, worker)))


def swapped(world: World, worker: Worker) -> Version:
    """Return the version that a worker's commit makes of the newest one, from what its handle sees."""
    ours, seen, newest = files_of(worker.key.content), world.table[worker.handle].files, world.table[-1].files
    kept = [file for file in newest if file not in seen or file in ours]
    files = (*kept, *(file for file in ours if file not in seen))
    return Version(tuple(sorted(files)), (worker.key, worker.generation), stale=not worker.held)


def commits(scenario: Scenario, world: World, number: int) -> bool:
    """Return whether a commit would go through now."""
    unmoved = world.workers[number].handle == len(world.table) - 1
    return unmoved or "the commit is unconditional" in scenario.flaws


def look_again(scenario: Scenario, world: World, number: int) -> World:
    """Open the table anew after a commit that did not go through, or whose reply was lost."""
    if "a lost commit is believed a failure" in scenario.flaws:
        return changed(world, number, handle=0, at="fail")
    return changed(world, number, handle=0, at="open")


def doubt(scenario: Scenario, world: World, number: int) -> World:
    """Ask the table whether a commit was made; if not, the try ends with what the store said."""
    worker = world.workers[number]
    mine = (worker.key, worker.generation)
    made = any(version.transaction == mine for version in world.table)
    return look_again(scenario, world, number) if made else changed(world, number, handle=0, at="fail")


def sweep(scenario: Scenario, world: World, number: int) -> World:
    """Remove the unfinished files that earlier holders left."""
    fence = world.workers[number].fence
    everything = "a sweep takes the files of newer holders" in scenario.flaws
    kept = frozenset(part for part in world.parts if part > fence and not everything)
    return changed(world, number, at="write")._replace(parts=kept)


def write(scenario: Scenario, world: World, number: int) -> World:
    """Begin a file; the fence is in its name."""
    parts = world.parts | {world.workers[number].fence}
    return changed(world, number, at="rename")._replace(parts=parts)


def rename(scenario: Scenario, world: World, number: int) -> World:
    """Give the file its name, now that it is whole."""
    worker = world.workers[number]
    if worker.fence not in world.parts:
        robbed = ledger.holds(world.rows, worker.key, worker.fence)
        return changed(world, number, at="fail")._replace(wrong=ROBBED if robbed else "")
    world = changed(world, number, result=worker.fence, at="finish")
    return world._replace(parts=world.parts - {worker.fence}, shards=world.shards | {worker.fence})


def finish(scenario: Scenario, world: World, number: int) -> World:
    """Record the result, if the fence still holds."""
    worker = world.workers[number]
    anybody = "finish does not ask for the fence" in scenario.flaws
    rows = ledger.finish(world.rows, worker.key, worker.fence, worker.result, anybody=anybody)
    if rows is None:
        return changed(world, number, at="release")
    if remembers_finishing(scenario) and rows != world.rows:
        world = world._replace(finished=(*(key for key in world.finished if key != worker.key), worker.key))
    return _answered(world._replace(rows=rows), number)


def release(scenario: Scenario, world: World, number: int) -> World:
    """Give the key back; the next attempt goes on with the same generation."""
    return _end(world, number, "open")


def fail(scenario: Scenario, world: World, number: int) -> World:
    """End the try for good; the task is cleared some time later."""
    return _end(world, number, "failed")


def _end(world: World, number: int, state: str) -> World:
    worker = world.workers[number]
    rows = ledger.end(world.rows, worker.key, worker.fence, state)
    return begin_again(world._replace(rows=rows), number)


def _answered(world: World, number: int) -> World:
    worker = world.workers[number]
    untrue = worker.key is not None and worker.key.content != SHARD and not worker.shown
    world = begin_again(world, number)
    return changed(world, number, turn=worker.turn + 1, shown=None)._replace(wrong=UNTRUE if untrue else "")


Step = Callable[[Scenario, World, int], World]
STEPS: Final[dict[str, Step]] = {
    "first look": first_look,
    "second look": second_look,
    "claim": claim,
    "deferred": deferred,
    "open": open_table,
    "find": find,
    "check": check,
    "commit": commit,
    "doubt": doubt,
    "sweep": sweep,
    "write": write,
    "rename": rename,
    "finish": finish,
    "release": release,
    "fail": fail,
}
HOLDING = frozenset({"open", "find", "check", "commit", "doubt", "sweep", "write", "rename", "finish"})
"""Where a worker has a claim and its work can still end in an error."""
ENDING = frozenset({"release", "fail"})
ASKS_LEDGER = frozenset({"claim", "check", "finish", "release", "fail"})
"""Where a lost reply matters: the ledger may have done it, and the worker does not know."""
