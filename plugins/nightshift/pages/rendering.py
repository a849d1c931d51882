"""Templates to answers: one environment, one set of headers, and addresses that hold wherever Airflow is mounted."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from nightshift.addresses import PREFIX

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent

HEADERS = {
    # Scripts, styles and pictures come from here alone, inline ones not at all; only Airflow's own pages may frame us.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",  # what a page shows is for whoever asked, as of now
}

NAVIGATION = (
    ("nights", "Nights"),
    ("models", "Models"),
    ("checks", "Checks"),
    ("incidents", "Incidents"),
)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a page.

    Args:
        request: What was asked.
        template: Name of a template without its endings.
        status: HTTP status.
        values: For the template; `section` names the entry of the navigation that it belongs to.
    """
    return HTMLResponse(render(template, base_of(request), **values), status, headers=HEADERS)


def render(template: str, base: str, **values: Any) -> str:
    """Return a page as text; see `page`. Its links begin with `base`."""
    made = environment().get_template(f"{template}.html.j2")
    return made.render(base=base, airflow=base.removesuffix(PREFIX), now=time.time(), navigation=NAVIGATION, **values)


def base_of(request: Request) -> str:
    """Return the path that our pages begin with, `/nightshift`, or more where Airflow itself is mounted below a path."""
    return str(request.scope.get("root_path") or PREFIX)


@cache
def environment() -> Environment:
    """Return the templates; they are read and compiled once in a process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from nightshift.pages import wording

    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(wording.FILTERS)
    return made
