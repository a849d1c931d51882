"""Actions are taken only at the request of our own pages, or of a program that brings its own token.

A browser sends Airflow's cookie with whatever page makes it send a request, so a page of somebody else could roll a model
back in the name of whoever looks at it. Three things are in the way: Airflow's cookie is `SameSite=lax` and stays at home
when another site posts; a body must be JSON, which other sites cannot send without asking first; and the browser itself says
in `Sec-Fetch-Site` (or, if it is old, `Origin`) whose page asked. A page cannot forge these two headers. A program that shows
a token of its own in `Authorization` uses no cookie, so nobody can borrow its name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request


def from_our_pages(request: Request) -> None:
    """Make sure that an action was asked for by a page of ours; a dependency of every action.

    Raises:
        HTTPException: 403, it was not; 415, the body is no JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, f"an action takes JSON, and this is {kind[:60] or 'nothing'}")
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    same = site == "same-origin" if site is not None else origin is not None and _host(origin) in _hosts(request)
    if not same:
        raise HTTPException(403, "this was asked by a page that is not ours; nothing was done")


def _hosts(request: Request) -> set[str]:
    """Names that we are reached by: what the request says, and what Airflow is told about itself behind a proxy."""
    from airflow.configuration import conf

    return {request.headers.get("host", ""), _host(conf.get("api", "base_url", fallback=""))} - {""}


def _host(address: str) -> str:
    return urlsplit(address).netloc
