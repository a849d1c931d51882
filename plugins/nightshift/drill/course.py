"""All faults in turn, each in the sandbox as it was, and what the judge says of each."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from nightshift.drill.errors import DrillError
from nightshift.drill.faults import FAULTS, Drill, Fault
from nightshift.drill.oracle.verdict import Verdict, judge
from nightshift.drill.sabotage import Sabotage
from nightshift.drill.sandbox import Sandbox
from nightshift.drill.scenes import scene_of
from nightshift.embedded.errors import EmbeddedError
from pipelines.engine.errors import UsageError, nearest
from pipelines.engine.pipeline import Progress

LedgerKind = Literal["sqlite", "postgres"]
TablesKind = Literal["local", "s3"]


@dataclass(frozen=True)
class Result:
    """What came of one fault.

    Attributes:
        name: The fault's.
        done: What was done.
        expected: What was promised.
        seen: What was seen.
        survived: Whether all is as promised.
        rows_lost: Delivered rows that are neither published nor in quarantine in the end.
        rows_doubled: Published rows beyond the first of each id.
        undecided: Nights without a finished publication, and keys that are still held.
        recovery_s: Seconds from the fault until the night was published; None if that is not the question.
        complaints: What is not as promised.
    """

    name: str
    done: str
    expected: str
    seen: str
    survived: bool
    rows_lost: int
    rows_doubled: int
    undecided: int
    recovery_s: float | None
    complaints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def choose(only: Sequence[str]) -> list[Fault]:
    """Return the faults of these names, or all.

    Raises:
        UsageError: There is none of a name.
    """
    known = {fault.name: fault for fault in FAULTS}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no fault {name!r}.{nearest(name, known)} `nightshift drill --list` shows all.")
    return [known[name] for name in only] if only else list(FAULTS)


def run_drill(
    faults: Sequence[Fault],
    *,
    ledger: LedgerKind = "sqlite",
    tables: TablesKind = "local",
    seed: int = 1,
    sabotage: Sequence[Sabotage] = (),
    keep: Path | None = None,
    progress: Progress,
) -> Iterator[Result]:
    """Run faults one after the other, and yield what came of each.

    Args:
        faults: Which.
        ledger: Where the sandbox keeps its ledger.
        tables: Where it keeps its tables.
        seed: Of everything that is drawn by lot.
        sabotage: Parts of Nightshift to break, to see that the judge notices.
        keep: A folder for the sandbox that stays; by default it is thrown away.
        progress: Told how far it has come.

    Raises:
        DrillFailed: The sandbox could not be made.
        ServerError: A server that is needed cannot be had.
    """
    with ExitStack() as stack:
        root = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightshift-drill-")))
        root.mkdir(parents=True, exist_ok=True)
        sandbox = stack.enter_context(_sandbox(root.resolve(), faults, ledger, tables))
        progress(0, len(faults), "making the sandbox: data, a champion, a published night")
        sandbox.prepare()
        sandbox.sabotage = tuple(sabotage)
        for number, fault in enumerate(faults):
            progress(number, len(faults), fault.name)
            yield _run(sandbox, fault, random.Random(f"{seed} {fault.name}"))  # noqa: S311 - a drill, not a secret


@contextmanager
def _sandbox(root: Path, faults: Sequence[Fault], ledger: LedgerKind, tables: TablesKind) -> Iterator[Sandbox]:
    from nightshift.drill.servers.database import DatabaseServer
    from nightshift.drill.servers.object_store import ObjectStore

    with ExitStack() as stack:
        needs_store = tables == "s3" or any("s3" in fault.needs for fault in faults)
        database = stack.enter_context(DatabaseServer()) if ledger == "postgres" else None
        store = stack.enter_context(ObjectStore()) if needs_store else None
        sandbox = Sandbox(root, database=database, store=store, tables=tables)
        stack.callback(sandbox.close)
        yield sandbox


def _run(sandbox: Sandbox, fault: Fault, chance: random.Random) -> Result:
    sandbox.reset()
    drill = Drill(sandbox, scene_of(sandbox), chance)
    begun, wrong = time.monotonic(), []
    try:
        seen = fault.run(drill)
    except (DrillError, EmbeddedError) as error:
        seen = str(error)
        wrong.append(seen)
    verdict = _judge(drill)
    complaints = (*wrong, *verdict.complaints)
    return Result(
        fault.name,
        fault.done,
        fault.expected,
        seen if not verdict.complaints else "; ".join(dict.fromkeys(complaints)),
        not complaints and verdict.clean,
        verdict.rows_lost,
        verdict.rows_doubled,
        verdict.undecided,
        None if drill.recovery_s is None else round(min(drill.recovery_s, time.monotonic() - begun), 2),
        complaints,
    )


def _judge(drill: Drill) -> Verdict:
    """Judge what is left, where the fault left it; a table that cannot be read at all is a finding, too."""
    try:
        return judge(drill.scene, drill.nights)
    except Exception as error:
        return Verdict(
            0, 0, len(drill.nights), (f"the judge cannot read what is left: {type(error).__name__}: {error}",)
        )
