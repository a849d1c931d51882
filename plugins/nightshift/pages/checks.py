"""Checks: how each pipeline's suite did over the nights, failing expectations first, the report one click away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.asking import house
from nightshift.pages.rendering import page
from nightshift.pages.security import Asking

router = APIRouter()

SPANS = (30, 60, 120, 400)
SHORT_SPANS = (30, 60)
"""Of all pipelines: each night's results are read whole, and there may be fifty pipelines."""
Last = Annotated[int, Query(ge=1, le=400)]
ShortLast = Annotated[int, Query(ge=1, le=60)]


@router.get("/checks")
def checks(request: Request, asking: Asking, last: ShortLast = 30) -> HTMLResponse:
    """Show how the suites of all pipelines did."""
    from nightshift.pages.heat import looks
    from pipelines.engine.views.at_a_glance import of_suites

    suites = [suite for suite in house().suites(last=last) if asking.may("GET", suite.pipeline)]
    suites.sort(key=lambda suite: not suite.nights)  # those that have nights come first
    return page(
        request,
        "checks",
        section="checks",
        headline=of_suites(suites),
        suites=[(suite, looks(suite)) for suite in suites],
        last=last,
        spans=SHORT_SPANS,
    )


@router.get("/checks/{pipeline}")
def checks_of(request: Request, asking: Asking, pipeline: str, last: Last = 60) -> HTMLResponse:
    """Show how one pipeline's suite did: a row for each expectation that was not met, a cell for each night."""
    from nightshift.pages.heat import looks, rows
    from pipelines.engine.views.at_a_glance import of_suite

    asking.find(pipeline)
    suite = house().checks(pipeline, last=last)
    return page(
        request,
        "checks_of",
        section="checks",
        headline=of_suite(suite),
        suite=suite,
        looks=looks(suite),
        rows=rows(suite),
        last=last,
        spans=SPANS,
    )
