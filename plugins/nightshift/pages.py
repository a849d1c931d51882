"""The pages that task links lead to: check reports and key histories, behind Airflow's own login."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.engine.storage import Location

PREFIX = "/nightshift"
SERVED = (".html", ".png")


def fastapi_app() -> dict[str, Any]:
    """Return the application and where Airflow mounts it."""
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.responses import FileResponse, HTMLResponse

    # Nothing that is mounted is protected by Airflow itself, the generated documentation included.
    app = FastAPI(
        title="Nightshift",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(requires_access_dag("GET"))],
    )

    @app.get("/reports/{path:path}")
    def report(path: str) -> FileResponse:
        """Serve one HTML report; nothing outside the reports folder, and nothing else in it."""
        from nightshift.connections import open_storage
        from pipelines.engine.errors import NightshiftError
        from pipelines.engine.settings import read_settings

        settings = read_settings()
        try:
            file = _find(open_storage(settings).at(settings.reports), path)
        except NightshiftError as error:
            raise HTTPException(503, str(error)) from error
        if file is None:
            raise HTTPException(404, f"there is no report {path}")
        return FileResponse(
            file,
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"},
        )

    @app.get("/keys/{digest}")
    def key(digest: str) -> HTMLResponse:
        """Show what happened to a key."""
        from nightshift.key_page import render_key
        from pipelines.engine.errors import NightshiftError, UsageError
        from pipelines.engine.ledger.store import Ledger
        from pipelines.engine.publication.superseded import superseded_by
        from pipelines.engine.settings import read_settings

        try:
            ledger = Ledger(read_settings().ledger_url, patience=2.0)
            entry = ledger.entry(digest)
            events = ledger.history(entry.key) if entry else []
            superseded = superseded_by(entry, ledger.alike(entry)) if entry else None
        except NightshiftError as error:
            raise HTTPException(404 if isinstance(error, UsageError) else 503, str(error)) from error
        if entry is None:
            raise HTTPException(404, f"the ledger has no key {digest}")
        return HTMLResponse(render_key(entry, events, superseded))

    return {"app": app, "url_prefix": PREFIX, "name": "nightshift"}


def _find(root: Location, path: str) -> Path | None:
    """Return a report's file on this machine, or None for anything else; a link that leads out is something else, too.

    Raises:
        StorageError: The store does not answer.
    """
    from pipelines.engine.errors import PathRefused

    try:
        report = root / path
        if Path(path).suffix not in SERVED or not report.exists():
            return None
        file = report.copy()
        inside = not root.is_here or file.resolve(strict=True).is_relative_to(root.copy().resolve())
    except (PathRefused, OSError, RuntimeError):  # before Python 3.13 links in a circle are a RuntimeError
        return None
    return file if inside else None
