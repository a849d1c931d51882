"""Nights: a strip for each pipeline, and one pipeline's nights over the weeks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from nightshift.pages.asking import house
from nightshift.pages.rendering import HEADERS, base_of, page
from nightshift.pages.security import Asking

router = APIRouter()

SPANS = (30, 60, 120, 400)
MOST_CELLS = 7000
"""On one page: more nobody can read, and they would take longer than a third of a second."""
Last = Annotated[int, Query(ge=1, le=400)]


@router.get("/")
@router.get("/nights")
def nights(request: Request, asking: Asking, last: Last = 60, name: str = "", trouble: bool = False) -> HTMLResponse:
    """Show how last night is, and the nights before it."""
    from nightshift.pages.strips import cells_of, over_weeks, troubled
    from pipelines.engine.views.last_night import last_night

    spans = spans_for(len(asking.readable(house().names())))
    last = min(last, spans[-1])
    allowed = [strip for strip in house().strips(last=last) if asking.may("GET", strip.pipeline)]
    wanted = [strip for strip in allowed if name.strip().lower() in strip.pipeline and (not trouble or troubled(strip))]
    wanted.sort(key=lambda strip: not strip.nights)  # those that have nights come first
    begun = [strip for strip in wanted if strip.nights]
    base = base_of(request)
    return page(
        request,
        "nights",
        section="nights",
        headline=last_night(allowed),
        strips=[(strip, cells_of(base, strip)) for strip in wanted],
        known=len(allowed),
        last=last,
        spans=spans,
        more=spans != SPANS,
        name=name,
        trouble=trouble,
        begun=begun[0] if begun else None,
        weeks=over_weeks(begun[0]) if len(begun) == 1 else None,
    )


def spans_for(pipelines: int) -> tuple[int, ...]:
    """Return how many nights can be chosen where so many pipelines are shown."""
    return tuple(span for span in SPANS if span * pipelines <= MOST_CELLS) or SPANS[:1]


@router.get("/nights/{pipeline}")
def nights_of(request: Request, asking: Asking, pipeline: str, last: Last = 60) -> HTMLResponse:
    """Show one pipeline's nights over the weeks."""
    from nightshift.pages.strips import cells_of, over_weeks
    from pipelines.engine.views.last_night import last_night

    asking.find(pipeline)
    [strip] = house().strips(last=last, only=pipeline)
    return page(
        request,
        "nights_of",
        section="nights",
        headline=last_night([strip]),
        strip=strip,
        cells=cells_of(base_of(request), strip),
        last=last,
        spans=SPANS,
        weeks=over_weeks(strip),
    )


@router.get("/nights/{pipeline}/details")
def details(asking: Asking, pipeline: str, last: Last = 60) -> JSONResponse:
    """Return what is said of each night of a strip to who points at it."""
    from nightshift.pages.strips import told

    asking.find(pipeline)
    [strip] = house().strips(last=last, only=pipeline)
    said: dict[str, Any] = {cell.night: told(cell) for cell in strip.nights}
    return JSONResponse(said, headers=HEADERS)
