"""The pages that task links lead to: check reports and key histories, behind Airflow's own login."""

from __future__ import annotations

from typing import Any

PREFIX = "/nightshift"


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
        from pipelines.engine.settings import read_settings

        root = read_settings().reports
        file = (root / path).resolve()
        if not file.is_relative_to(root) or file.suffix not in (".html", ".png") or not file.is_file():
            raise HTTPException(404, f"there is no report {path}")
        return FileResponse(
            file,
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"},
        )

    @app.get("/keys/{digest}")
    def key(digest: str) -> HTMLResponse:
        """Show what happened to a key."""
        from nightshift.key_page import render_key
        from pipelines.engine.ledger.store import Ledger
        from pipelines.engine.settings import read_settings

        ledger = Ledger(read_settings().ledger_url, patience=2.0)
        entry = ledger.entry(digest)
        if entry is None:
            raise HTTPException(404, f"the ledger has no key {digest}")
        return HTMLResponse(render_key(entry, ledger.history(entry.key)))

    return {"app": app, "url_prefix": PREFIX, "name": "nightshift"}
