"""Tabs on Airflow's own pages: from a DAG, a run or a task instance to our page about it.

Airflow shows a tab on every DAG, so what has nothing to do with a pipeline is answered in words. All of them name the DAG as
`dag_id`, so that whoever may not read it is refused at the door.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from nightshift.pages.asking import house
from nightshift.pages.rendering import base_of, page
from nightshift.pages.security import Asking

router = APIRouter()


@router.get("/of-dag")
def of_dag(request: Request, asking: Asking, dag_id: str) -> Response:
    """Lead to the nights, or the model, of a DAG's pipeline."""
    declared = house().declaration(dag_id)
    if declared is None or declared.pipeline is None:
        return _not_ours(request, dag_id)
    return _to(request, "models" if declared.kind == "training" else "nights", declared.pipeline)


@router.get("/of-run")
def of_run(request: Request, asking: Asking, dag_id: str, run_id: str) -> Response:
    """Lead to the night that a run is about, or to the model that it trains."""
    declared = house().declaration(dag_id)
    if declared is None or declared.pipeline is None:
        return _not_ours(request, dag_id)
    if declared.kind != "scoring":
        return _to(request, "models", declared.pipeline)
    night = _partition(dag_id, run_id)
    return _to(request, "nights", declared.pipeline, night) if night else _to(request, "nights", declared.pipeline)


@router.get("/of-task")
def of_task(
    request: Request, asking: Asking, dag_id: str, run_id: str, task_id: str, map_index: str = "-1"
) -> Response:
    """Lead to the key that a task instance worked under last, or to its night before there is one."""
    ours = house()
    declared = ours.declaration(dag_id)
    if declared is None or declared.pipeline is None:
        return _not_ours(request, dag_id)
    night = _partition(dag_id, run_id)
    # Airflow leaves the place for the map index as it is where a task is not mapped.
    shard = int(map_index) if map_index.isdecimal() else None
    key = ours.key_of_task(declared, task_id, night, shard) if night else None
    return _to(request, "keys", key) if key else of_run(request, asking, dag_id, run_id)


def _to(request: Request, *parts: str) -> RedirectResponse:
    path = "/".join(quote(part, safe="") for part in parts)
    return RedirectResponse(f"{base_of(request)}/{path}", 303)


def _not_ours(request: Request, dag_id: str) -> Response:
    return page(
        request,
        "refusal",
        section=None,
        title="Nothing to show here",
        said=f"The DAG {dag_id} belongs to no pipeline of Nightshift.",
        following="A DAG made by scoring_dag(...) or training_dag(...) has its nights and its model here.",
    )


def _partition(dag_id: str, run_id: str) -> str | None:
    """Return what a run is about, as Airflow itself remembers it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        wanted = select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        found: str | None = session.scalar(wanted)
    return found
