"""What people do from the pages: roll back, promote, and deal with incidents. Each is a POST with a small JSON body.

Whoever looks needs to read a pipeline's DAGs; whoever acts needs to edit them, and a right of our own beside (security.py,
docs/roles.md), by Airflow's own rules. The journal and the incident's history name Airflow's user. MLflow is imported when somebody acts on a model, and not before: the first action in a
process takes some seconds, so these are plain functions, which run beside the server's loop and not in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from nightshift.pages.cross_site import from_our_pages
from nightshift.pages.rendering import HEADERS
from nightshift.pages.security import Asking
from nightshift.roles.table import CHAMPIONS, INCIDENTS
from pipelines.engine.errors import KeyBusy, ModelError, UsageError

log = logging.getLogger(__name__)
router = APIRouter(dependencies=[Depends(from_our_pages)])

Reason = Annotated[str, Field(max_length=1000)]
Version = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
HOURS: dict[str, float] = {"1h": 1.0, "2h": 2.0, "4h": 4.0, "8h": 8.0, "24h": 24.0, "72h": 72.0}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RollBack(_Body):
    """Which champion the page showed, and why it goes."""

    expected: Version
    reason: Reason


class Promotion(_Body):
    """Which version is to be champion instead of which, and why; `expected` is None before the first champion."""

    version: Version
    expected: Version | None
    reason: Reason
    despite_gate: bool = False


class Silencing(_Body):
    """What is to be silent, for how long, and why."""

    what: Literal["incident", "promise", "dag"]
    duration: Literal["1h", "2h", "4h", "8h", "24h", "72h"]
    reason: Reason


class Closing(_Body):
    """Why nobody will mend it."""

    reason: Reason


class Nothing(_Body):
    """An action that needs no more words."""


@router.post("/models/{pipeline}/roll-back")
def roll_back(asking: Asking, pipeline: str, body: RollBack) -> JSONResponse:
    """Make the previous champion champion again."""
    asking.find(pipeline)
    asking.require_act(CHAMPIONS, pipeline)

    def act(runtime: Any, declared: Any) -> dict[str, Any]:
        from pipelines.engine.steps.move import roll_back

        return roll_back(runtime, declared, actor=asking.name, reason=body.reason, expected=body.expected)

    return _moved(pipeline, act)


@router.post("/models/{pipeline}/promote")
def promote(asking: Asking, pipeline: str, body: Promotion) -> JSONResponse:
    """Make a registered version champion."""
    asking.find(pipeline)
    asking.require_act(CHAMPIONS, pipeline)

    def act(runtime: Any, declared: Any) -> dict[str, Any]:
        from pipelines.engine.steps.move import promote_by_hand

        return promote_by_hand(
            runtime,
            declared,
            body.version,
            actor=asking.name,
            reason=body.reason,
            expected=body.expected,
            despite_gate=body.despite_gate,
        )

    return _moved(pipeline, act)


@router.post("/incidents/{incident}/acknowledge")
def acknowledge(asking: Asking, incident: str, body: Nothing) -> JSONResponse:
    """Take an incident up."""
    from nightshift.pages.asking import incidents

    found = incidents().get(incident)
    asking.require_act_on_dag(INCIDENTS, found.dag_id)
    after = incidents().acknowledge(found.id, by=asking.name)
    return _done(
        f"{after.acknowledged_by} has taken it up. It is not escalated; what is worse, and its end, are still told."
    )


@router.post("/incidents/{incident}/silence")
def silence(asking: Asking, incident: str, body: Silencing) -> JSONResponse:
    """Tell nothing of an incident, its promise or its DAG for a time."""
    from nightshift.pages.asking import incidents
    from pipelines.engine.ledger.values import iso

    found = incidents().get(incident)
    asking.require_act_on_dag(INCIDENTS, found.dag_id)
    if not body.reason.strip():
        raise HTTPException(422, "a reason is needed: it is shown to everybody who looks at the list")
    matches = {"incident": found.id, "promise": found.promise_id, "dag": found.dag_id}[body.what]
    seconds = HOURS[body.duration] * 3600.0
    silenced = incidents().silence(matches, seconds=seconds, by=asking.name, reason=body.reason.strip())
    return _done(f"Nothing is told of it until {iso(silenced.until)}. What still stands then is told then.")


@router.post("/incidents/{incident}/end-silence")
def end_silence(asking: Asking, incident: str, body: Nothing) -> JSONResponse:
    """End every silence that an incident is under."""
    from nightshift.pages.asking import incidents

    found = incidents().get(incident)
    asking.require_act_on_dag(INCIDENTS, found.dag_id)
    ended = sum(incidents().unsilence(matches) for matches in (found.id, found.promise_id, found.dag_id))
    return _done(
        "The silence is over. What still stands is told by the next look of the watch."
        if ended
        else "It was not silent."
    )


@router.post("/incidents/{incident}/close")
def close(asking: Asking, incident: str, body: Closing) -> JSONResponse:
    """Resolve an incident that nobody will mend."""
    from nightshift.alerts.context import context_of
    from nightshift.alerts.routes import read_routes
    from nightshift.pages.asking import house, incidents
    from pipelines.engine.settings import read_settings

    found = incidents().get(incident)
    asking.require_act_on_dag(INCIDENTS, found.dag_id)
    if not body.reason.strip():
        raise HTTPException(422, "a reason is needed: it is told to those who heard of the trouble")
    settings = read_settings()
    context = context_of(settings, read_routes(settings), house().declarations())
    incidents().close(found.id, by=asking.name, reason=body.reason.strip(), context=context)
    return _done("It is closed. Those who heard of the trouble are told; the same trouble does not open it again.")


def _moved(pipeline: str, act: Callable[[Any, Any], dict[str, Any]]) -> JSONResponse:
    """Move a champion, and say in words what came of it."""
    from model_registry import RegistryError
    from nightshift.connections import open_doors
    from pipelines.engine.catalog import load_pipeline

    try:
        moved = act(open_doors(), load_pipeline(pipeline))
    except KeyBusy as error:
        raise HTTPException(409, f"It is being moved at this moment: {error}") from error
    except (ModelError, UsageError) as error:
        raise HTTPException(409, str(error)) from error
    except RegistryError as error:
        log.warning("the champion of %s could not be moved: %s", pipeline, error)
        raise HTTPException(503 if error.retryable else 409, str(error)) from error
    said = f"Version {moved['version']} is the champion of {pipeline} now; the next night is scored by it."
    return _done(said, **moved)


def _done(sentence: str, **more: Any) -> JSONResponse:
    return JSONResponse({"sentence": sentence, **more}, headers=HEADERS)
