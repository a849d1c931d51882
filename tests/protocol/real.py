"""The real ledger and the real table, driven along a schedule of the model.

Each worker is a thread that runs `publish_night` itself. It stops before each of the model's steps, and goes on when the
schedule says so; faults are raised where it stands. Only one thread ever runs, so a schedule always ends the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from tenacity import wait_none

from pipelines.engine import run_once
from pipelines.engine.errors import FenceLost, KeyBusy, LedgerError, LedgerUnavailable, NightshiftError, StorageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Claimed, Ledger
from pipelines.engine.ledger import database as ledger_database
from pipelines.engine.ledger.database import retrying
from pipelines.engine.publication import delta
from pipelines.engine.publication.delta import ShardFile, open_or_create, publish, remove_unfinished
from pipelines.engine.publication.names import shard_path
from pipelines.engine.run_once import Hold
from pipelines.engine.scoring import output_schema
from pipelines.engine.steps import publish as publish_step
from pipelines.engine.steps.publish import publish_night
from pipelines.engine.storage import Location
from pipelines.engine.telemetry.cost import Cost
from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.steps.places import Place
from tests.protocol.values import SHARD, SHARDS_OF, Action, Key, Scenario, World

NIGHT, OTHER_NIGHT = "2024-03-06", "2024-03-07"
SHARD_KEY = TaskKey(pipeline="tides", step="score", partition=f"{NIGHT}#0")
PATIENCE = 60.0
"""Seconds after which a thread that does not arrive anywhere is a failure, not a slow machine."""


class Killed(BaseException):
    """What a killed worker's thread ends with; nothing may be told to anybody after it."""


class Broken(StorageError):
    """An error that no retry mends."""


class LostForGood(Exception):
    """The ledger did not answer for longer than its patience."""


class Turn:
    """Lets one thread go from step to step."""

    def __init__(self) -> None:
        self.at = ""
        self.fate = "step"
        self.left = False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def pause(self, at: str) -> str:
        """Stop before a step, in the worker's thread; return what is to become of it.

        Raises:
            Killed, Broken, KeyboardInterrupt: The fault of that name.
        """
        if self.fate == "crash":
            raise Killed  # a dead worker goes nowhere
        self.at = at
        self._stopped.release()
        if not self._go.acquire(timeout=PATIENCE):
            self.left = True
        if self.left or self.fate == "crash":
            raise Killed
        if self.fate == "error":
            raise Broken("broken on purpose")
        if self.fate == "interrupt":
            raise KeyboardInterrupt
        return self.fate

    def advance(self, fate: str) -> None:
        """Let the thread meet its fate, until it stops again."""
        self.fate = fate
        self._go.release()
        self.wait()

    def leave(self) -> None:
        """Let the thread end."""
        self.left = True
        self.fate = "crash"
        self._go.release()

    def wait(self) -> None:
        """Wait until the thread stops."""
        assert self._stopped.acquire(timeout=PATIENCE), f"a worker does not get on from {self.at!r}"


class PacedLedger(Ledger):
    """The ledger of one worker: the real one, with a stop before each transaction, and replies that can be lost."""

    def __init__(self, url: str, turn: Turn) -> None:
        super().__init__(url, lease_seconds=3600)
        self.held: Claimed | None = None
        self.asked: TaskKey | None = None
        self._turn = turn
        self._doing = ""

    def entries(self, **wanted: Any) -> list[Any]:
        return self._as("look", lambda: super(PacedLedger, self).entries(**wanted))

    def claim(self, key: TaskKey, **arguments: Any) -> Any:
        self.asked = key
        answer = self._as("claim", lambda: super(PacedLedger, self).claim(key, **arguments))
        self.held = answer if isinstance(answer, Claimed) else None
        return answer

    def renew(self, claim: Claimed) -> None:
        self._as("check", lambda: super(PacedLedger, self).renew(claim))

    def finish(self, claim: Claimed, result: dict[str, Any], cost: Cost | None = None) -> None:
        self._as("finish", lambda: super(PacedLedger, self).finish(claim, result, cost))

    def fail(self, claim: Claimed, error: str) -> None:
        self._as("fail", lambda: super(PacedLedger, self).fail(claim, error))

    def release(self, claim: Claimed, reason: str) -> None:
        self._as("release", lambda: super(PacedLedger, self).release(claim, reason))

    def _as(self, doing: str, call: Callable[[], Any]) -> Any:
        self._doing = doing
        return call()

    def do(self, work: Any) -> Any:
        try:
            return super().do(work)
        except LostForGood as error:
            raise LedgerUnavailable("it does not answer") from error

    def do_once(self, work: Any) -> Any:
        fate = self._turn.pause(self._doing)
        if fate == "step":
            return super().do_once(work)
        with contextlib.suppress(LedgerError):  # whatever the answer was, it does not arrive
            super().do_once(work)
        raise LostForGood if fate == "reply lost for good" else LedgerUnavailable("the reply was lost")


_HERE = threading.local()
"""Holds the turn of the worker whose thread this is; other threads stop nowhere."""


class RealWorker:
    """A thread that does what its `job` says, stops where its `turn` says, and keeps what came of it."""

    def __init__(self, do: Callable[[str, Ledger], dict[str, Any]], url: str) -> None:
        self.turn = Turn()
        self.ledger = PacedLedger(url, self.turn)
        self.job = ""
        self.answer: dict[str, Any] | None = None
        self._do = do
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> RealWorker:
        self._thread.start()
        self.turn.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.turn.leave()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        _HERE.turn = self.turn
        while not self.turn.left:
            with contextlib.suppress(Killed, KeyboardInterrupt, NightshiftError):
                self._attempt()

    def _attempt(self) -> None:
        self.turn.fate = "step"
        self.turn.pause("first look")
        self.answer = None
        try:
            self.answer = self._do(self.job, self.ledger)
        except KeyBusy:
            self.turn.pause("deferred")


class RealWorld:
    """A ledger, a table, and workers; `play` makes happen what happens in the model."""

    def __init__(self, place: Place, scenario: Scenario) -> None:
        self.scenario = scenario
        self.place = place
        self.url = place.settings.ledger_url
        self.ledger = Ledger(self.url, lease_seconds=3600)
        self.digests: dict[Key, str] = {}
        self._contents = {content: self._write(content) for content in SHARDS_OF}
        self._late: Callable[[], None] = lambda: None
        self.workers = [RealWorker(self.do, self.url) for _ in scenario.jobs]
        self._open: contextlib.ExitStack

    def __enter__(self) -> RealWorld:
        open_or_create(self.folder, output_schema(self.place.pipeline))
        if self.scenario.shown:
            done = self.do(self.scenario.shown, self.ledger)
            self.digests[Key(self.scenario.shown, None)] = done["key"]
        self._open = contextlib.ExitStack()
        self._open.enter_context(stops(self))
        for worker in self.workers:
            self._open.enter_context(worker)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def folder(self) -> Location:
        """The predictions table."""
        return self.place.runtime.predictions(self.place.pipeline)

    def do(self, job: str, ledger: Ledger) -> dict[str, Any]:
        """Publish a content, or make a shard, as a step of a night does."""
        runtime = dataclasses.replace(self.place.runtime, ledger=ledger, wait=self.scenario.waits)
        if job == SHARD:
            return runtime.run(SHARD_KEY, self._shard)
        return publish_night(runtime, self.place.pipeline, *self._contents[job])

    def play(self, before: World, action: Action) -> None:
        """Make happen what happens in the model; `before` is the model's world before it."""
        if isinstance(action.whom, int):
            self._worker_goes_on(before, action.what, action.whom)
        elif action.what == "force":
            self.ledger.force(self.digests[action.whom], holder="person", reason="on purpose")
        elif action.whom:
            with Inside(self.url) as inside:
                inside.end_lease(self.digests[action.whom])
        elif action.what == "late commit":
            self._late()
        else:
            self._foreign_commit(len(before.table))

    def shown(self) -> tuple[int, tuple[tuple[str, int], ...]]:
        """Return the table's version, and what readers find in the night, row by row."""
        table = DeltaTable(str(self.folder))
        rows = table.to_pyarrow_table(filters=[("night", "=", NIGHT)]).to_pylist()
        return table.version(), tuple(sorted((row["model_version"], int(row["buoy"])) for row in rows))

    def _worker_goes_on(self, before: World, what: str, number: int) -> None:
        worker = self.workers[number]
        if what == "heartbeat":
            assert worker.ledger.held
            with contextlib.suppress(FenceLost):
                self.ledger.renew(worker.ledger.held)
            return
        at = before.workers[number].at
        if at == "first look":
            worker.job = self.scenario.jobs[number][before.workers[number].turn]
            worker.turn.advance("step")  # from idleness to its first question
        if (at, worker.job) != ("first look", SHARD):  # a shard's key needs none
            worker.turn.advance(what)

    def _foreign_commit(self, number: int) -> None:
        path = shard_path(OTHER_NIGHT, "0" * 32, number, 0.0)
        file = self._file(path, "other", 0)
        schema, transaction = output_schema(self.place.pipeline), f"other/{number}"
        commit = {"transaction": transaction, "fence": 1, "metadata": {}, "may_commit": lambda _table: None}
        publish(self.folder, schema, OTHER_NIGHT, [file], **commit)

    def _write(self, content: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Write a content's shards; return what the steps before would have returned. One row was refused."""
        scored = []
        for number in range(SHARDS_OF[content]):
            file = self._file(shard_path(NIGHT, content * 32, number + 1, 0.0), content, number)
            counts = {"rows_in": 1 + (number == 0), "rows_scored": 1, "rows_refused": int(number == 0)}
            about = {"path": file.path, "size": file.size, "modified_ms": file.modified_ms, "model_version": content}
            scored.append(
                {
                    "number": number,
                    "of": SHARDS_OF[content],
                    "score_sum": 0.5,
                    "histogram": [1],
                    "planned_at": 1.0,
                    **counts,
                    **about,
                }
            )
        checked = {"night": NIGHT, "rows_in": SHARDS_OF[content] + 1, "refused": 1, "key": f"checked {content}"}
        return checked, scored

    def _file(self, path: str, content: str, row: int) -> ShardFile:
        schema = output_schema(self.place.pipeline)
        line = [str(row), 0.5, content, "", datetime.now(UTC)]
        table = pa.table([pa.array([value], field.type) for value, field in zip(line, schema, strict=True)], schema)
        whole = Path(str(self.folder)) / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, whole)
        return ShardFile(path, whole.stat().st_size, 1, whole.stat().st_mtime_ns // 1_000_000)

    def _shard(self, hold: Hold) -> dict[str, Any]:
        """Do what `score_night_shard` does with files."""
        path = shard_path(NIGHT, hold.key.digest, hold.fence, hold.claim.claimed_at)
        _stop("sweep")
        remove_unfinished(self.folder, NIGHT, hold.key.digest, hold.fence)
        _stop("write")
        with (self.folder / path).writing() as temporary:
            temporary.write_text("scores")
            _stop("rename")
        return {"delta_version": hold.fence}

    def commit(self, commit: Callable[[], int]) -> int:
        """Commit, and lose the reply where the schedule says so."""
        fate = _stop("commit")
        if fate == "commit delayed":
            self._late = lambda: _ignoring_conflict(commit)
            raise OSError("the store does not answer")
        version = commit()
        if fate == "reply lost":
            raise CommitFailedError("somebody was faster, it was ourselves")
        if fate == "reply lost for good":
            raise OSError("the store does not answer")
        return version


def _ignoring_conflict(commit: Callable[[], int]) -> None:
    with contextlib.suppress(CommitFailedError):
        commit()


def _stop(at: str) -> str:
    turn: Turn | None = getattr(_HERE, "turn", None)
    return turn.pause(at) if turn else "step"


@contextlib.contextmanager
def stops(world: RealWorld) -> Iterator[None]:
    """Let the workers' threads stop where the table is looked at or changed. Other threads pass."""
    commit, create = delta._commit, delta.open_or_create

    def paced_commit(*arguments: Any) -> int:
        return world.commit(lambda: commit(*arguments))

    def looking(*arguments: Any) -> DeltaTable:
        _stop("look")
        return create(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delta, "_commit", paced_commit)
        patch.setattr(delta, "open_or_create", looking)
        patch.setattr(publish_step, "open_or_create", looking)
        patch.setattr(run_once, "LONGEST_POLL", 0.001)
        patch.setattr(ledger_database, "retrying", lambda patience: retrying(patience).copy(wait=wait_none()))
        yield
