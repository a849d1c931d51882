"""Reports as files: check reports, model cards, night reports and pictures, from wherever the reports folder is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from nightshift.pages.security import Asking

if TYPE_CHECKING:
    from pipelines.engine.storage import Location

router = APIRouter()

SERVED = (".html", ".png")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
"""A report is one file with its styles inside, and runs no scripts."""


@router.get("/reports/{path:path}")
def report(asking: Asking, path: str) -> FileResponse:
    """Serve one report of a pipeline; nothing outside the reports folder, and nothing else in it."""
    from nightshift.connections import open_storage
    from pipelines.engine.settings import read_settings

    asking.require("GET", path.partition("/")[0])
    settings = read_settings()
    file = _find(open_storage(settings).at(settings.reports), path)
    if file is None:
        raise HTTPException(404, f"there is no report {path[:120]}; `nightshift tidy` may have removed it for its age")
    return FileResponse(file, headers={"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"})


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
