"""What a simulated world is made of. All of it are tuples: they compare by value, and can be remembered in a set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

GONE = -1
"""The holder of a claim whose attempt is over: nobody will use its name again."""

SHARD = "shard"
"""The job of scoring a shard; any other job is the name of a content to be published."""

SHARDS_OF = {"A": 2, "B": 3, "C": 2}
"""How many files each content has. File number n holds the row number n of the night, scored anew."""

At = Literal[
    "first look",  # publish: what does the night show?
    "second look",  # publish: which publications of it does the ledger know? The two make the key
    "claim",
    "deferred",  # somebody else holds the key; no worker is kept waiting
    "open",  # publish: a handle on the newest version; is the transaction, or are the files, in it already?
    "find",  # publish: which commit was it?
    "check",  # publish: the fence is checked, and what the night shows is compared with what the key replaces
    "commit",
    "doubt",  # publish: nobody knows whether the commit was made; the table is asked
    "sweep",  # score: leftovers of killed attempts are removed
    "write",  # score: a file with a temporary name is begun
    "rename",  # score: it is whole, and gets its name
    "finish",
    "release",  # the try ended, and may be tried again under the same generation
    "fail",  # the try ended for good
    "end",  # all jobs of this worker are answered
]

Flaw = Literal[
    # Guards that can be taken out, to see that they are missed.
    "the fence is not checked",
    "what is replaced is not compared",
    "the commit is unconditional",
    "the transaction is not looked up",
    "the files are not looked up",
    "a lost commit is believed a failure",
    "finish does not ask for the fence",
    # Weaknesses that the code had, or has: see KNOWN_FLAWS.
    "the key names the last finished publication",
    "the ledger is asked before the table",
    "the newest commit of the night is taken for ours",
    "a sweep takes the files of newer holders",
]

KNOWN_FLAWS: frozenset[Flaw] = frozenset()
"""What the code of today does and should not; each has a test that shows the schedule in which it matters."""


class Key(NamedTuple):
    """A task key: what is published, and what it replaces (for a shard: nothing)."""

    content: str
    replaces: object


class Row(NamedTuple):
    """A key's row in the ledger.

    Attributes:
        state: `claimed`, `done`, `failed` or `open`.
        fence: Grows each time the key changes hands.
        generation: Grows each time a try has ended for good.
        holder: Number of the worker, or `GONE`.
        expired: Whether the lease has ended.
        result: The version that was recorded; for a shard, the fence in its file's name.
        finishes: How often this generation was finished: for the promises, the ledger does not know it.
    """

    state: str
    fence: int
    generation: int
    holder: int
    expired: bool = False
    result: int | None = None
    finishes: int = 0


class Version(NamedTuple):
    """A version of the table.

    Attributes:
        files: That the night shows in it: (content, number).
        transaction: Key and generation that made it; None for the commit of another night.
        stale: Whether its maker had lost the fence before it was checked: for the promises.
    """

    files: tuple[tuple[str, int], ...]
    transaction: tuple[Key, int] | None = None
    stale: bool = False


class Seen(NamedTuple):
    files: tuple[tuple[str, int], ...]
    commit: int | None


class Known(NamedTuple):
    same: Key | None
    last: Key | None


class Worker(NamedTuple):
    """A worker, and everything that it remembers between two steps.

    Attributes:
        turn: How many of its jobs are answered.
        at: What it does next.
        shown: Whether readers could see its content at some moment since the job began; None before that: for the promises.
        saw: What the table showed when the key was made: its files, and the commit that they are from.
        knew: What the ledger knew then: what our content replaced when it was claimed last, and the last finished key.
        key, fence, generation: Its claim.
        handle: The version that it looks at.
        held: Whether it held the fence when that was last checked: for the promises.
        result: What it will record.
    """

    turn: int = 0
    at: At = "first look"
    shown: bool | None = None
    saw: Seen | None = None
    knew: Known | None = None
    key: Key | None = None
    fence: int = 0
    generation: int = 0
    handle: int = 0
    held: bool = True
    result: int | None = None


class Budget(NamedTuple):
    """How many faults of each kind may still happen."""

    crashes: int = 0  # a process is killed
    lost: int = 0  # something was done, and its reply never came
    delays: int = 0  # a commit was sent and given up, and the store does it later
    errors: int = 0  # a try ends in an error that no retry mends
    interrupts: int = 0  # a try ends in one that a retry may mend
    expiries: int = 0  # a living holder stands still for longer than its lease
    forces: int = 0  # a person opens a key again
    foreign: int = 0  # another night is committed to the same table


class World(NamedTuple):
    """Everything there is at one moment.

    Attributes:
        workers: By number.
        rows: The ledger, the latest claimed first.
        finished: Keys in the order in which they were finished; empty where nobody asks.
        table: All versions.
        parts: Fences of shard files that are being written.
        shards: Fences of shard files that are whole.
        late: A commit that was given up and may still be done, and the version that it was made from.
        budget: What may still go wrong.
        wrong: A promise that the last step itself broke, or empty.
    """

    workers: tuple[Worker, ...]
    rows: tuple[tuple[Key, Row], ...]
    finished: tuple[Key, ...]
    table: tuple[Version, ...]
    parts: frozenset[int]
    shards: frozenset[int]
    budget: Budget
    late: tuple[int, Version] | None = None
    wrong: str = ""


class Action(NamedTuple):
    """Something that happens: to a worker (its number), to a key, or to nobody."""

    what: str
    whom: int | Key | None = None

    def __str__(self) -> str:
        whom = f"worker {self.whom}" if isinstance(self.whom, int) else _shown(self.whom)
        return f"{self.what}: {whom}" if whom else self.what


def _shown(key: Key | None) -> str:
    return f"key of {key.content} that replaces {key.replaces}" if key else ""


@dataclass(frozen=True)
class Scenario:
    """Who wants what, and what may go wrong.

    Attributes:
        jobs: For each worker what it publishes, one after the other.
        budget: How many faults there may be.
        shown: What is published, and finished, before.
        waits: Workers wait for a busy key, as the command line does; otherwise they begin anew, as Airflow's do.
        flaws: Guards that are missing.
    """

    jobs: tuple[tuple[str, ...], ...]
    budget: Budget = field(default_factory=Budget)
    shown: str | None = None
    waits: bool = True
    flaws: frozenset[Flaw] = frozenset()


def files_of(content: str) -> tuple[tuple[str, int], ...]:
    """Return the files of a content."""
    return tuple((content, number) for number in range(SHARDS_OF[content]))


def beginning(scenario: Scenario) -> World:
    """Return the world before anybody does anything."""
    rows: tuple[tuple[Key, Row], ...] = ()
    table: tuple[Version, ...] = (Version(()),)
    if scenario.shown:
        key = Key(scenario.shown, None)
        rows = ((key, Row("done", 1, 1, GONE, result=1, finishes=1)),)
        table = (*table, Version(files_of(scenario.shown), (key, 1)))
    workers = tuple(Worker() for _ in scenario.jobs)
    finished = tuple(key for key, _ in rows) if remembers_finishing(scenario) else ()
    return World(workers, rows, finished, table, frozenset(), frozenset(), scenario.budget)


def remembers_finishing(scenario: Scenario) -> bool:
    """Return whether anybody asks in which order keys were finished."""
    return "the key names the last finished publication" in scenario.flaws
