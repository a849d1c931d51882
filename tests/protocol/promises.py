"""What must be true of every world, whatever happened, and of every world in which nobody has anything left to do."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.values import SHARD, Scenario, World, files_of
from tests.protocol.worker import job_of, newest_of_night


def broken(world: World) -> str | None:
    """Return the first promise that a world breaks, in words, or None."""
    return world.wrong or next(_broken(world), None)


def unfinished(scenario: Scenario, world: World) -> str | None:
    """Return why a world in which nothing happens any more is no good end, or None."""
    return next(_unfinished(scenario, world), None)


def _broken(world: World) -> Iterator[str]:
    newest = world.table[-1]
    contents = {content for content, _ in newest.files}
    rows = [row for _, row in newest.files]
    if len(rows) != len(set(rows)):
        yield f"readers see a row twice: {newest.files}"
    if newest.files and newest.files != files_of(min(contents)):
        yield f"readers see a mixture: {newest.files}"
    if newest.stale:
        yield "a holder committed that had lost its fence before it was checked"
    transactions = [version.transaction for version in world.table if version.transaction]
    if len(transactions) != len(set(transactions)):
        yield "one transaction was committed twice"
    if newest.transaction and newest.files == world.table[-2].files:
        yield "what readers see already was published once more"
    yield from _broken_records(world)


def _broken_records(world: World) -> Iterator[str]:
    for key, row in world.rows:
        if row.finishes > 1:
            yield f"generation {row.generation} of a key of {key.content} was finished {row.finishes} times"
        if row.state != "done":
            continue
        if key.content == SHARD:
            if row.result not in world.shards:
                yield "the recorded shard is not there"
        elif not world.table[row.result].transaction or world.table[row.result].files != files_of(key.content):
            yield f"the record of {key.content} names version {row.result}, which is not its publication"


def _unfinished(scenario: Scenario, world: World) -> Iterator[str]:
    waiting = [number for number, worker in enumerate(world.workers) if job_of(scenario, worker, number)]
    if waiting:
        yield f"workers {waiting} can do nothing and have no answer"
    wanted = {job for jobs in scenario.jobs for job in jobs} - {SHARD}
    if wanted:
        yield from _unsettled(world)
    if len(wanted | {scenario.shown} - {None}) <= 1 and any(row.state != "done" for _, row in world.rows):
        yield f"there is one content, and a key of it is undecided: {world.rows}"


def _unsettled(world: World) -> Iterator[str]:
    """What readers see must be what the ledger has a record of."""
    shown = newest_of_night(world.table, len(world.table) - 1)
    records = {row.result for key, row in world.rows if row.state == "done" and key.content != SHARD}
    if shown not in records:
        yield f"readers see version {shown}, and the ledger has records of {records}"
