"""A night: how it stands and what to do, its steps in time, checks, refused rows, scores, what readers saw, its keys."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.asking import house
from nightshift.pages.rendering import page
from nightshift.pages.security import Asking

router = APIRouter()


@router.get("/night/{pipeline}/{night}")
def night(request: Request, asking: Asking, pipeline: str, night: str) -> HTMLResponse:
    """Show everything about one night of one pipeline."""
    asking.require("GET", pipeline)
    view = house().night(pipeline, night)
    return page(request, "night", section="nights", view=view)
