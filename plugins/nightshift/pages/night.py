"""A night: how it stands and what to do, its steps in time, checks, refused rows, scores, what readers saw, its keys."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.asking import house, mlflow_page
from nightshift.pages.rendering import base_of, page
from nightshift.pages.security import Asking
from pipelines.engine.views.attempts import attempt_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.views.night import NightView, TableVersion
    from pipelines.engine.views.quarantine import RefusedRows

router = APIRouter()

SHOWN_COLUMNS = 12
"""Of a refused row, beside what names it: more than these nobody reads in a table."""


@router.get("/nights/{pipeline}/{night}")
def night(request: Request, asking: Asking, pipeline: str, night: str) -> HTMLResponse:
    """Show everything about one night of one pipeline."""
    from nightshift.pages.scores import spread
    from nightshift.pages.timeline import timeline
    from pipelines.engine.views.headline import headline

    asking.find(pipeline)
    view = house().night(pipeline, night)
    attempt = attempt_of(view)
    version = view.cell.model_version
    return page(
        request,
        "night",
        section="nights",
        view=view,
        headline=headline(view),
        place=f"{base_of(request)}/nights/{quote(pipeline, safe='')}",
        timeline=timeline(view.steps, view.cell.due_at, time.time(), failed=failures_of(view)),
        report=view.checked.report if view.checked else attempt and f"{pipeline}/{night}/checks-{attempt}.html",
        refused=bool(view.quarantine or attempt),
        scores=spread(view.distribution),
        versions=list(zip(view.versions, reasons_of(view.versions), strict=True)),
        mlflow=mlflow_page(pipeline, version) if version else "",
    )


@router.get("/nights/{pipeline}/{night}/refused")
def refused(request: Request, asking: Asking, pipeline: str, night: str) -> HTMLResponse:
    """Show a night's refused rows by reason: a piece of its page that is asked for when the page is there."""
    asking.find(pipeline)
    view = house().night(pipeline, night)
    attempt = attempt_of(view)
    path = view.quarantine or (attempt and f"{pipeline}/quarantine/night={night}/{attempt}.parquet")
    found, shown = _read_refused(pipeline, path) if path else (None, [])
    return page(request, "refused", refused=found, looked=bool(path), failed=not view.quarantine, shown=shown)


def failures_of(view: NightView) -> dict[str, str]:
    """Return when the steps that failed did so; the keys themselves have an end only where work was finished."""
    at: dict[str, str] = {}
    for story in view.keys:
        if story.state == "failed" and story.lines:
            at[story.step] = max(at.get(story.step, ""), story.lines[-1].at)
    return at


def telling(refused: RefusedRows, ids: Sequence[str]) -> list[int]:
    """Return which columns of refused rows to show: what names a row, then what the reasons name, then others."""
    reasons = " ".join(group.reasons for group in refused.groups)

    def place(number: int) -> int:
        name = refused.columns[number]
        return 0 if name in ("position", *ids) else 1 if name in reasons else 2

    return sorted(range(len(refused.columns)), key=place)[:SHOWN_COLUMNS]


def reasons_of(versions: tuple[TableVersion, ...]) -> list[str]:
    """Say of each publication of a night why it took the place of the one before it."""
    reasons = ["first publication"] if versions else []
    for before, version in pairwise(versions):
        if before.model_version != version.model_version:
            reasons.append(f"scored by version {version.model_version} instead of {before.model_version}")
        elif "inputs.checked" in version.because:
            reasons.append("the rows were delivered again")
        else:
            reasons.append("scored again")
    return reasons


def _read_refused(pipeline: str, path: str) -> tuple[RefusedRows | None, list[int]]:
    from nightshift.connections import open_storage
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.errors import NightshiftError
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.quarantine import read_refused

    try:
        declared = load_pipeline(pipeline)
    except NightshiftError as error:  # nobody can say which columns are sensitive
        raise HTTPException(404, f"the rows are not shown, because {pipeline} cannot be read: {error}") from error
    settings = read_settings()
    found = read_refused(open_storage(settings).at(settings.tables) / path, declared)
    return found, telling(found, declared.id_columns) if found else []
