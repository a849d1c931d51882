"""How a task and a run ended, as plain values with words for a failed assertion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.errors import UsageError, nearest

GOOD = ("success", "skipped")
_LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class Claim:
    """A task key that a task claimed, as the ledger knows it afterwards.

    Attributes:
        step: The step, such as `validate`.
        partition: The night, or the shard of it.
        key: The key's digest.
        fence: Under which it was claimed last.
        state: `done`, `claimed`, `failed` or `open`.
    """

    step: str
    partition: str
    key: str
    fence: int
    state: str


@dataclass(frozen=True)
class TaskOutcome:
    """How a task instance ended.

    Attributes:
        task_id: Of the task.
        map_index: Which of the mapped instances it was; -1 if the task is not mapped.
        state: Airflow's word: `success`, `failed`, `skipped`, `up_for_retry`, `deferred`, `upstream_failed` ...
        error: What was raised, or None.
        xcoms: What it pushed, by name, as a later task would get it.
        links: Address of each link on the task instance, by the link's class.
        log: What it logged, one text for each record, `LEVEL message`.
        claimed: The task keys that it claimed.
        assets: Names of the assets that got an event.
        message: The last message to Airflow, which says what the state does not: the trigger, the delay before a retry.
        try_number: Of the last try.
        waited: Seconds of the controlled clock that passed between tries and under triggers.
        map_label: What the UI shows instead of the map index, or None.
    """

    task_id: str
    state: str
    map_index: int = -1
    error: BaseException | None = None
    xcoms: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    log: tuple[str, ...] = ()
    claimed: tuple[Claim, ...] = ()
    assets: tuple[str, ...] = ()
    message: Any = field(default=None, repr=False)
    try_number: int = 1
    waited: float = 0.0
    map_label: str | None = None

    @property
    def result(self) -> Any:
        """What `execute` returned, or None."""
        return self.xcoms.get("return_value")

    @property
    def name(self) -> str:
        """The task id, with the map index where there is one."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"

    def explain(self) -> str:
        """Say how it ended, with the error and the last lines of the log."""
        lines = [f"{self.name}: {self.state}, try {self.try_number}"]
        if self.error is not None:
            lines.append(f"  {type(self.error).__name__}: {self.error}")
        return "\n".join([*lines, *(f"  | {line}" for line in self.log[-_LOG_LINES_SHOWN:])])

    def succeeded(self) -> TaskOutcome:
        """Return itself if the task succeeded.

        Raises:
            AssertionError: It did not; with what it said.
        """
        if self.state != "success":
            raise AssertionError(self.explain())
        return self


@dataclass(frozen=True)
class DagOutcome:
    """How a run of a DAG ended.

    Attributes:
        dag_id: Of the DAG.
        state: `success` or `failed`, by the states of its last tasks, as Airflow decides it.
        instances: Every task instance, in the order in which they ended.
    """

    dag_id: str
    state: str
    instances: tuple[TaskOutcome, ...]

    def __iter__(self) -> Iterator[TaskOutcome]:
        return iter(self.instances)

    def __getitem__(self, task_id: str) -> TaskOutcome:
        """Return how a task ended that has one instance; see `mapped` for the others."""
        found = self.mapped(task_id)
        if len(found) != 1:
            raise UsageError(f"{task_id} of {self.dag_id} has {len(found)} instances; ask for them with `mapped`.")
        return found[0]

    def mapped(self, task_id: str) -> list[TaskOutcome]:
        """Return how the instances of a task ended, in the order of their map index.

        Raises:
            UsageError: The DAG has no such task; the message has the nearest name.
        """
        found = sorted((one for one in self.instances if one.task_id == task_id), key=lambda one: one.map_index)
        if not found:
            known = list(dict.fromkeys(one.task_id for one in self.instances))
            raise UsageError(
                f"{self.dag_id} has no task {task_id!r}; it has: {', '.join(known)}.{nearest(task_id, known)}"
            )
        return found

    @property
    def states(self) -> dict[str, str]:
        """State by task id; a task with instances in different states has them joined by a comma."""
        gathered: dict[str, list[str]] = {}
        for one in self.instances:
            gathered.setdefault(one.task_id, []).append(one.state)
        return {task_id: ", ".join(dict.fromkeys(states)) for task_id, states in gathered.items()}

    def explain(self) -> str:
        """Say how every task ended, and of those that did not end well what they said."""
        told = [one.name + ": " + one.state if one.state in GOOD else one.explain() for one in self.instances]
        return "\n".join([f"{self.dag_id}: {self.state}", *told])

    def succeeded(self) -> DagOutcome:
        """Return itself if the run succeeded.

        Raises:
            AssertionError: It did not; with what the failed tasks said.
        """
        if self.state != "success":
            raise AssertionError(self.explain())
        return self
