"""Every route of the pages, as the application itself lists them, with something in each of its places."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.routing import APIRoute

PLACE = re.compile(r"\{(\w+)(:path)?\}")


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of every route; anything that is no plain route is an error, because it may ask for no login."""
    strangers = [route for route in app.routes if not isinstance(route, APIRoute)]
    assert strangers == []
    return [
        (method, PLACE.sub(r"\1", route.path))
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]
