"""Styles, scripts and the chart library, served by a route of ours: what is mounted as a folder would ask for no login."""

from __future__ import annotations

import hashlib
from functools import cache

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from nightshift.pages.rendering import HERE

router = APIRouter()

TYPES = {".css": "text/css", ".js": "text/javascript", ".txt": "text/plain", ".svg": "image/svg+xml"}
YEAR = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"


@router.get("/static/{path:path}")
def static(request: Request, path: str) -> Response:
    """Serve one of our own files; nothing that is not in the list made at the first request."""
    found = _files().get(path)
    if found is None:
        raise HTTPException(404, f"there is no file {path[:80]!r}")
    content, media_type, tag = found
    # A vendor's file carries its version in its name, so it never changes; ours may, with the next release.
    caching = {"ETag": tag, "Cache-Control": YEAR if path.startswith("vendor/") else ASK_AGAIN}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=caching)
    return Response(content, media_type=media_type, headers={**caching, "X-Content-Type-Options": "nosniff"})


@cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    root = HERE / "static"
    return {
        str(file.relative_to(root)): (content, TYPES[file.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
        for file in root.rglob("*")
        if file.is_file() and file.suffix in TYPES
        for content in (file.read_bytes(),)
    }
