"""Models: still to be built."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.rendering import page
from nightshift.pages.security import Asking

router = APIRouter()


@router.get("/models")
def models(request: Request, asking: Asking) -> HTMLResponse:
    """Show nothing yet."""
    return page(request, "refusal", section="models", title="Models", said="This page is being built.", following=None)
