"""The application that Airflow's API server mounts: every route behind Airflow's login, its own description off."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, HTTPException

from nightshift.addresses import PREFIX
from nightshift.pages import actions, checks, incidents, keys, models, night, nights, reports, static_files, tabs
from nightshift.pages.refusals import answer_refusals
from nightshift.pages.security import may_see_dags

PAGES = (nights, night, models, checks, incidents, actions, keys, reports, tabs, static_files)


def fastapi_app() -> dict[str, Any]:
    """Return the application and where Airflow mounts it."""
    # Nothing that is mounted is protected by Airflow itself, the generated documentation included.
    app = FastAPI(
        title="Nightshift", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(may_see_dags)]
    )
    for page in PAGES:
        app.include_router(page.router)
    app.add_api_route("/{path:path}", _nothing_here, methods=["GET"], include_in_schema=False)
    answer_refusals(app)
    return {"app": app, "url_prefix": PREFIX, "name": "nightshift"}


def _nothing_here(path: str) -> None:
    """Answer what no page answers, behind the login like everything else."""
    raise HTTPException(404, f"there is no page {path[:80]!r} here; the navigation above leads to those that there are")
