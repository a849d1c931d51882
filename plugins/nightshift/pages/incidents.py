"""Incidents: still to be built."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.rendering import page
from nightshift.pages.security import Asking

router = APIRouter()


@router.get("/incidents")
def incidents(request: Request, asking: Asking) -> HTMLResponse:
    """Show nothing yet."""
    return page(
        request, "refusal", section="incidents", title="Incidents", said="This page is being built.", following=None
    )
