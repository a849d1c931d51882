"""A DAG as its file declares it, as a plain value."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightshift.deadlines import PromiseAlert
from nightshift.promises import DUE_WITHIN
from nightshift.timetables import schedule_of
from pipelines.engine.promises.declare import Words, check, declare
from pipelines.engine.promises.values import DagKind, Declaration, Task

if TYPE_CHECKING:
    from airflow.sdk import DAG

NOBODY = "airflow"
"""The owner that Airflow gives to tasks that have none."""
KIND_OF_STEP: dict[str, DagKind] = {
    "PublishOperator": "scoring",
    "PromoteOperator": "training",
    "TidyOperator": "maintenance",
}
"""The operator that shows what a DAG is for, whether a factory or a person drew it."""


def declaration_of(dag: DAG, folder: Path | None = None) -> Declaration:
    """Return what a DAG declares; its promises are those of its `deadline` and of its tasks.

    Args:
        dag: As its file made it.
        folder: The DAGs folder, if it was read from one.

    Raises:
        DeclarationError: A task promises something that is no length of time.
    """
    tasks = tuple(Task(task.task_id, tuple(sorted(task.upstream_task_ids)), _is_mapped(task)) for task in dag.tasks)
    schedule = schedule_of(dag.dag_id, dag.timetable)
    kind, pipeline, delivers = _purpose(dag, schedule.partitioned)
    alerts: Any = dag.deadline or ()
    declaration = replace(
        schedule,
        kind=kind,
        pipeline=pipeline,
        owner=_owner(dag),
        file=_file(dag, folder),
        starts=dag.start_date.timestamp() if dag.start_date else None,
        ends=dag.end_date.timestamp() if dag.end_date else None,
        starts_paused=bool(dag.is_paused_upon_creation),
        tasks=tasks,
        delivers=delivers,
        promises=tuple(alert.promise(dag.dag_id) for alert in alerts if isinstance(alert, PromiseAlert)),
    )
    due = {task.task_id: within for task in dag.tasks if (within := _due_within(task)) is not None}
    return declare(declaration, Words(due_within=due)) if due else declaration


def check_dag(dag: DAG) -> None:
    """Hold a DAG's promises against the DAG.

    Raises:
        DeclarationError: With everything that does not fit.
    """
    check(declaration_of(dag))


def _due_within(task: Any) -> Any:
    kept = getattr(task, DUE_WITHIN, None)
    return kept if kept is not None else getattr(task, "partial_kwargs", {}).get(DUE_WITHIN)


def _is_mapped(task: Any) -> bool:
    """Whether there may be many of it: expanded itself, or within a task group that is."""
    return bool(task.is_mapped) or task.get_closest_mapped_task_group() is not None


def _purpose(dag: DAG, partitioned: bool) -> tuple[DagKind, str | None, str | None]:
    """What a DAG is for, for which pipeline, and which task delivers.

    Without partition keys Airflow's runs cannot be told from nights: then only the pipeline is known.
    """
    found = {
        (KIND_OF_STEP[name], _pipeline(task), task.task_id)
        for task in dag.tasks
        if (name := _class(task)) in KIND_OF_STEP
    }
    if len(found) != 1:
        return "other", None, None
    ((kind, pipeline, task_id),) = found
    if kind != "maintenance" and not partitioned:
        return "other", pipeline if kind == "scoring" else None, None
    return kind, pipeline, task_id if kind == "scoring" else None


def _class(task: Any) -> str:
    """The name of a task's own class or of the first of its ancestors that says what the DAG is for."""
    operator = task.operator_class if task.is_mapped else type(task)
    names = [kind.__name__ for kind in operator.__mro__ if kind.__module__.startswith("nightshift.")]
    return next((name for name in names if name in KIND_OF_STEP), "")


def _pipeline(task: Any) -> str | None:
    pipeline = task.partial_kwargs.get("pipeline") if task.is_mapped else task.pipeline
    name: str | None = getattr(pipeline, "name", pipeline)
    return name


def _owner(dag: DAG) -> str:
    """Who answers for it: most of its tasks' owner, and never nobody while there is somebody."""
    owners = Counter(task.owner for task in dag.tasks if task.owner != NOBODY)
    return owners.most_common(1)[0][0] if owners else dag.default_args.get("owner", NOBODY)


def _file(dag: DAG, folder: Path | None) -> str:
    path = Path(dag.fileloc or "")
    if folder is None or not path.is_relative_to(folder):
        return path.name
    return path.relative_to(folder).as_posix()
