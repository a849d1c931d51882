"""Incidents: open first, each with what to do next, who has taken it up, and the runbook one click away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.asking import house
from nightshift.pages.rendering import page
from nightshift.pages.security import Asking
from nightshift.roles.table import INCIDENTS

if TYPE_CHECKING:
    from nightshift.pages.security import Viewer
    from pipelines.engine.views.incidents import IncidentsView

router = APIRouter()

RESOLVED_SHOWN = 50


@router.get("/incidents")
def incidents(request: Request, asking: Asking, pipeline: str = "") -> HTMLResponse:
    """Show what is late, in danger or broken, and what was."""
    from pipelines.engine.views.at_a_glance import of_incidents

    view = _for(asking, house().incidents(resolved=RESOLVED_SHOWN), pipeline)
    may_act = {line.dag_id: asking.may_act_on_dag(INCIDENTS, line.dag_id) for line in view.open}
    return page(
        request,
        "incidents",
        section="incidents",
        headline=of_incidents(view),
        view=view,
        pipeline=pipeline,
        may_act=may_act,
    )


@router.get("/incidents/{incident}")
def incident(request: Request, asking: Asking, incident: str) -> HTMLResponse:
    """Show one incident: what to do, everything that happened to it, and what was told to whom."""
    view = house().incident(incident)
    asking.require_dag("GET", view.line.dag_id)
    return page(
        request,
        "incident",
        section="incidents",
        line=view.line,
        history=view.history,
        may_act=asking.may_act_on_dag(INCIDENTS, view.line.dag_id),
    )


@router.get("/runbooks/{name}")
def runbook(request: Request, asking: Asking, name: str) -> HTMLResponse:
    """Show what to do about an alert."""
    from nightshift.pages.runbooks import read_runbook

    return page(request, "runbook", section="incidents", runbook=read_runbook(name))


def _for(asking: Viewer, view: IncidentsView, pipeline: str) -> IncidentsView:
    """Leave out what the viewer may not read, and, if they ask for one pipeline, the others."""
    readable = {
        dag_id: asking.may_dag("GET", dag_id) for dag_id in {one.dag_id for one in (*view.open, *view.resolved)}
    }

    def shown(of: str | None, dag_id: str) -> bool:
        return readable[dag_id] and (not pipeline or of == pipeline)

    lines = {name: tuple(one for one in getattr(view, name) if shown(one.pipeline, one.dag_id)) for name in _LISTS}
    known = {name for one in (*lines["open"], *lines["resolved"]) for name in (one.id, one.promise_id, one.dag_id)}
    return replace(
        view,
        open=lines["open"],
        resolved=lines["resolved"],
        silences=tuple(
            silence
            for silence in view.silences
            if silence.matches in known or (not pipeline and asking.may_dag("GET", silence.matches.partition("/")[0]))
        ),
    )


_LISTS = ("open", "resolved")
