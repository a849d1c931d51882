"""Models: every pipeline's champion, and one pipeline's versions with their verdicts, journal and lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse

from nightshift.pages.asking import house, mlflow_page
from nightshift.pages.rendering import HEADERS, page
from nightshift.pages.security import Asking
from nightshift.roles.table import CHAMPIONS

if TYPE_CHECKING:
    from pipelines.engine.views.models import VersionView

router = APIRouter()


@router.get("/models")
def models(request: Request, asking: Asking) -> HTMLResponse:
    """Show which model each pipeline scores with."""
    from pipelines.engine.views.at_a_glance import of_models

    ours = house()
    lines = [line for line in ours.models() if asking.may("GET", line.pipeline)]
    lines.sort(key=lambda line: line.champion is None)  # those that score come first
    return page(request, "models", section="models", headline=of_models(lines), lines=lines, scored=ours.scored())


@router.get("/models/{pipeline}")
def model(request: Request, asking: Asking, pipeline: str) -> HTMLResponse:
    """Show a pipeline's champion, who would follow it, its versions, and how the champion came about."""
    from nightshift.pages.intervals import bars
    from nightshift.pages.registry import is_cheap
    from pipelines.engine.views.at_a_glance import of_model

    asking.find(pipeline)
    ours = house()
    view = ours.model(pipeline)
    by_role = {version.role: version for version in view.versions if version.role}
    return page(
        request,
        "model",
        section="models",
        headline=of_model(view),
        view=view,
        by_role=by_role,
        bars=bars(view),
        training=ours.training_dag(pipeline),
        newest_night=ours.newest_night(pipeline),
        may_act=asking.may_act(CHAMPIONS, pipeline),
        asks_at_once=is_cheap(),
    )


@router.get("/models/{pipeline}/versions/{version}")
def version(request: Request, asking: Asking, pipeline: str, version: str) -> HTMLResponse:
    """Show everything about one version: verdict, numbers, slices, lineage, and what it depends on."""
    from nightshift.pages.intervals import bars
    from pipelines.engine.errors import nearest

    asking.find(pipeline)
    ours = house()
    view = ours.model(pipeline)
    found = next((one for one in view.versions if one.version == version), None)
    if found is None:
        known = [one.version for one in view.versions]
        said = f"Its versions are {', '.join(reversed(known))}." if known else "It has none yet."
        raise HTTPException(404, f"{pipeline} has no version {version[:40]!r}.{nearest(version, known)} {said}")
    return page(
        request,
        "version",
        section="models",
        view=view,
        version=found,
        bars=bars(view),
        pictures=_pictures(found),
        mlflow=mlflow_page(pipeline, version),
        newest_night=ours.newest_night(pipeline),
        may_act=asking.may_act(CHAMPIONS, pipeline),
    )


@router.get("/models/{pipeline}/registry")
def registry(asking: Asking, pipeline: str) -> JSONResponse:
    """Ask MLflow who is champion, and hold it against what the ledger remembers."""
    from nightshift.pages.registry import compare

    asking.find(pipeline)
    return JSONResponse(compare(house().model(pipeline)), headers=HEADERS)


def _pictures(version: VersionView) -> list[dict[str, Any]]:
    """Return the pictures of a version's training, as far as they are still there."""
    from nightshift.connections import open_storage
    from pipelines.engine.errors import StorageError
    from pipelines.engine.settings import read_settings

    if version.pictures is None:
        return []
    settings = read_settings()
    try:
        names = (open_storage(settings).at(settings.reports) / version.pictures).names()
    except (StorageError, OSError):
        return []  # a page without pictures is better than none
    return [
        {"path": f"{version.pictures}/{name}", "name": name.removesuffix(".png").replace("_", " ")}
        for name in sorted(names)
        if name.endswith(".png")
    ]
