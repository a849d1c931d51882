"""Promises on any DAG and any task, whoever wrote its operators.

with DAG("rates", schedule="0 4 * * *", deadline=promise(finish_by="06:00", timezone="Europe/Berlin")):
    due_within(BashOperator(task_id="fetch", bash_command="..."), timedelta(minutes=20))
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from nightshift.deadlines import PromiseAlert
from pipelines.engine.durations import duration
from pipelines.engine.errors import DeclarationError
from pipelines.engine.promises.declare import Words, declare, promises_of, said

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipelines.engine.promises.values import Promise

AnyTask = TypeVar("AnyTask")
DUE_WITHIN = "due_within"
"""Where a task keeps its promise."""


def promise(
    *,
    finish_by: str | time | None = None,
    timezone: str | None = None,
    finish_within: timedelta | None = None,
    fresh_within: timedelta | None = None,
    backfills: bool = False,
) -> list[PromiseAlert]:
    """Promise something for each run of a DAG: `DAG(..., deadline=promise(finish_by="06:00", timezone="Europe/Berlin"))`.

    Airflow shows it beside the DAG and its runs; the watch warns before it is broken. Further deadlines may stand beside
    it: `deadline=[*promise(...), DeadlineAlert(...)]`.

    Args:
        finish_by: Local time of day by which a run is finished: the first one after its scheduled begin.
        timezone: Of `finish_by`, such as `Europe/Berlin`.
        finish_within: How long a run may take from its beginning.
        fresh_within: How long ago the newest night of the published table may have been published.
        backfills: Whether runs of a backfill make these promises, too.

    Raises:
        DeclarationError: With every mistake in it. What does not fit the DAG is found when Airflow reads the file.
    """
    words = Words(
        finish_by=finish_by,
        timezone=timezone,
        finish_within=finish_within,
        fresh_within=fresh_within,
        backfills=backfills,
    )
    if not words.any:
        raise DeclarationError("promise() promises nothing; give finish_by, finish_within or fresh_within")
    try:
        return [PromiseAlert(each) for each in promises_of("", words)]
    except DeclarationError as error:
        raise DeclarationError(str(error).replace("DAG ''", "promise()", 1)) from None


def due_within(task: AnyTask, within: timedelta) -> AnyTask:
    """Promise that a task is finished so long after its run began; each one, if it is mapped.

    Args:
        task: Any operator, what `.expand(...)` gives, or what a `@task` function gives.
        within: More than 0.

    Returns:
        The task, so that it can be wired on.

    Raises:
        DeclarationError: It is no task, or no length of time.
    """
    operator: Any = getattr(task, "operator", task)
    task_id = getattr(operator, "task_id", None)
    if task_id is None or not hasattr(operator, "upstream_task_ids"):
        raise DeclarationError(
            f"due_within was given {operator!r:.80}; expected a task: an operator, the result of .expand(...) or of a @task"
        )
    dag_id = getattr(operator.get_dag(), "dag_id", task_id)
    (kept,) = promises_of(dag_id, Words(due_within={task_id: within}))
    setattr(operator, DUE_WITHIN, within)
    note = f"**Promise:** finished within {duration(kept.within_seconds or 0.0)} of the beginning of its run."
    doc = "\n\n".join(filter(None, (getattr(operator, "doc_md", None), note)))
    if hasattr(operator, "partial_kwargs"):
        operator.partial_kwargs["doc_md"] = doc
    else:
        operator.doc_md = doc
    return task


def keep_promises(dag: DAG, words: Words) -> DAG:
    """Let a DAG that is drawn promise what the words say, where Airflow, its UI and the watch find it.

    Raises:
        DeclarationError: With every mistake, in the words and in how they fit the DAG.
    """
    from nightshift.declared import declaration_of

    before = declaration_of(dag)
    promised = declare(before, words).promises[len(before.promises) :]
    for each in promised:
        if each.task_id is not None:
            due_within(dag.task_dict[each.task_id], timedelta(seconds=each.within_seconds or 0.0))
    alerts = [PromiseAlert(each) for each in promised if each.task_id is None]
    given: Any = dag.deadline
    if alerts:
        dag.deadline = [*(given or ()), *alerts]
    dag.doc_md = "\n\n".join(filter(None, (dag.doc_md, paragraph([*before.promises, *promised])))) or None
    return dag


def paragraph(promises: list[Promise]) -> str:
    """Return promises as a paragraph of a DAG's page, or an empty text."""
    return "\n".join(["**Promises:**", "", *_items(promises)]) if promises else ""


def _items(promises: list[Promise]) -> Iterator[str]:
    for each in promises:
        yield f"* {said(each)}"
