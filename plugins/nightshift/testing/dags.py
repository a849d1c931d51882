"""Run a whole DAG in this process: every task in order, with XComs, mapping, skips, retries and triggers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.definitions.mappedoperator import MappedOperator

from nightshift.testing.dag_files import choose_dag, load_dags
from nightshift.testing.mapping import instances_of
from nightshift.testing.outcomes import DagOutcome, TaskOutcome
from nightshift.testing.rules import BAD, verdict
from nightshift.testing.supervisor import Supervisor
from nightshift.testing.tasks import RUN_ID, Run, attempt
from nightshift.testing.waiting import Waiting, answered, retry_delay
from pipelines.engine.errors import UsageError, nearest

__all__ = ["load_dags", "run_dag"]
MOST_TURNS = 1000
"""Tries, deferrals and polls of one task instance."""


def run_dag(
    dag: DAG | Path | str,
    *,
    dag_id: str | None = None,
    partition_key: str | None = None,
    logical_date: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    connections: Mapping[str, str] | None = None,
    instead: Mapping[str, Any] | None = None,
    answers: Mapping[str, str] | None = None,
) -> DagOutcome:
    """Run every task of a DAG, one after the other.

    Retries, triggers and sensors do not wait: what they wait for passes on the house's clock at once.

    Args:
        dag: A DAG, or the path of a DAG file.
        dag_id: Which one, where a file has several.
        partition_key: The run's, such as a night.
        logical_date: Of the run; runs of partitions have none.
        conf: What the run was triggered with.
        variables: Airflow variables by name.
        connections: Airflow connections by id, each as a URI.
        instead: What tasks return that are not run at all, by task id; a list for a mapped task.
        answers: What a person chooses in tasks that ask one, by task id, such as `{"approve": "Approve"}`.

    Raises:
        UsageError: The DAG cannot be run in memory, or a name is none of its tasks; in words.
    """
    chosen = dag if isinstance(dag, DAG) else choose_dag(load_dags(dag), dag_id, dag)
    for task_id in (*(instead or {}), *(answers or {})):
        if task_id not in chosen.task_dict:
            known = list(chosen.task_dict)
            raise UsageError(f"{chosen.dag_id} has no task {task_id!r}.{nearest(task_id, known)}")
    run = Run(chosen.dag_id, partition_key, logical_date, conf, Supervisor(variables, connections))
    walk = _Walk(run, dict(instead or {}), dict(answers or {}))
    for task in _in_order(chosen):
        walk.visit(task)
    leaves = [one.state for task in chosen.leaves for one in walk.ended[task.task_id]]
    state = "failed" if any(state in BAD for state in leaves) else "success"
    return DagOutcome(chosen.dag_id, state, tuple(one for ended in walk.ended.values() for one in ended))


@dataclass
class _Walk:
    """One run of a DAG on its way: which tasks have ended, and how."""

    run: Run
    instead: dict[str, Any]
    answers: dict[str, str]
    ended: dict[str, list[TaskOutcome]] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)

    def visit(self, task: Any) -> None:
        """Run all instances of a task, or say why none is run."""
        self.ended[task.task_id] = self._instances(task)
        self.run.supervisor.counts[task.task_id] = len(self.ended[task.task_id])
        self._pass_over()

    def _instances(self, task: Any) -> list[TaskOutcome]:
        if task.task_id in self.instead:
            return self._replaced(task, self.instead[task.task_id])
        before = [one.state for task_id in sorted(task.upstream_task_ids) for one in self.ended[task_id]]
        may = "skipped" if task.task_id in self.passed_over else verdict(str(task.trigger_rule.value), before)
        if may != "run":
            return [TaskOutcome(task.task_id, may)]
        if not isinstance(task, MappedOperator):
            return [self._to_its_end(task, -1)]
        count = instances_of(task, self.run.supervisor, RUN_ID)
        self.run.supervisor.counts[task.task_id] = count
        if not count:  # nothing to map over, so nothing to do
            return [TaskOutcome(task.task_id, "skipped")]
        return [self._to_its_end(task, index) for index in range(count)]

    def _replaced(self, task: Any, value: Any) -> list[TaskOutcome]:
        many = isinstance(task, MappedOperator)
        values = list(enumerate(value)) if many else [(-1, value)]
        for index, one in values:
            self.run.supervisor.give(task.task_id, "return_value", one, index)
        pushed = [self.run.supervisor.pushed_by(task.task_id, index) for index, _ in values]
        return [
            TaskOutcome(
                task.task_id, "success", index, xcoms=xcoms, log=("INFO not run: the test says what it returns",)
            )
            for (index, _), xcoms in zip(values, pushed, strict=True)
        ]

    def _to_its_end(self, task: Any, map_index: int) -> TaskOutcome:
        """Run tries of a task instance until it has succeeded, was skipped, or failed for good."""
        waiting, ran = Waiting(), [attempt(task, self.run, map_index=map_index)]
        while len(ran) < MOST_TURNS:
            last = ran[-1]
            following = self._following(task, last, waiting, sum(one.state == "up_for_reschedule" for one in ran))
            if following is None:
                return _together(ran, waiting.seconds)
            ran.append(attempt(task, self.run, map_index=map_index, **following))
        raise UsageError(f"{task.task_id} was run {MOST_TURNS} times and has not ended; what does it wait for?")

    def _following(self, task: Any, last: TaskOutcome, waiting: Waiting, reschedules: int) -> dict[str, Any] | None:
        """Say how a task instance goes on, or None if it has ended."""
        same = {"try_number": last.try_number}
        if last.state == "deferred":
            return {**same, "resume": waiting.for_trigger(last.message)}
        if last.state == "awaiting_input" and task.task_id in self.answers:
            return {**same, "resume": answered(last.message, self.answers[task.task_id])}
        if last.state == "up_for_retry":
            waiting.wait(retry_delay(task, last.message, last.try_number))
            return {"try_number": last.try_number + 1}
        if last.state == "up_for_reschedule":
            waiting.wait(task.poke_interval)
            return {**same, "reschedules": reschedules}
        return None

    def _pass_over(self) -> None:
        """Note the tasks that a branch told Airflow to skip."""
        for message in self.run.supervisor.sent("SkipDownstreamTasks"):
            self.passed_over.update(one if isinstance(one, str) else one[0] for one in message.tasks)


def _in_order(dag: DAG) -> list[Any]:
    """Return the tasks, each after those before it.

    Raises:
        UsageError: A task group is mapped.
    """
    for task in dag.tasks:
        if task.get_closest_mapped_task_group() is not None:
            raise UsageError(
                f"{task.task_id} lies in a mapped task group, which is not run in memory; use `dag.test()`."
            )
    return list(dag.topological_sort())  # type: ignore[no-untyped-call]


def _together(ran: Sequence[TaskOutcome], waited: float) -> TaskOutcome:
    """Return the last turn, with what all of them logged, claimed and took."""
    claims = {claim.key: claim for one in ran for claim in one.claimed}
    return replace(
        ran[-1], log=tuple(line for one in ran for line in one.log), claimed=tuple(claims.values()), waited=waited
    )
