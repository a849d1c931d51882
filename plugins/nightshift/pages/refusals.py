"""Every refusal as a page that says what is wrong and what to do; as JSON for who asks for JSON. Never a traceback."""

from __future__ import annotations

import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from nightshift.pages.rendering import HEADERS, page
from pipelines.engine.errors import LedgerError, NightshiftError, UsageError

log = logging.getLogger(__name__)

TITLES = {
    401: "You are not logged in",
    403: "This is not yours to see",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "It is no longer as the page showed it",
    422: "This was asked in a way that nobody understands",
    500: "Something went wrong on our side",
    503: "This cannot be read right now",
}
NEXT = {
    401: "Log in to Airflow, then open this page again.",
    404: "Look whether the address is spelt right, or begin at the nights.",
    500: "The whole story is in the log of Airflow's API server. Nothing was changed.",
    503: "Nights run on without this page. Try again in a moment; `nightshift status` asks the same ledger from a terminal.",
}
OUTSIDE = "<!doctype html><html lang='en'><meta name='color-scheme' content='light dark'><title>{title}</title><h1>{title}</h1><p>{next}</p>"
"""For who is not logged in: they are given no file of ours, not even a style."""


def answer_refusals(app: FastAPI) -> None:
    """Give an application its pages for everything that can go wrong."""

    @app.exception_handler(AnyHTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return refusal(request, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:3])
        return refusal(request, 422, f"in the address, {said}")

    @app.exception_handler(NightshiftError)
    def unable(request: Request, error: NightshiftError) -> Response:
        status = 404 if isinstance(error, UsageError) else 503
        if isinstance(error, LedgerError):
            log.warning("a page could not be shown: %s", error)
        return refusal(request, status, str(error))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        log.error("the page %s could not be made", request.url.path, exc_info=error)
        return refusal(request, 500, f"The page could not be made: {type(error).__name__}.")


def refusal(request: Request, status: int, said: str) -> Response:
    """Answer with a page, or with JSON to who asks for JSON, that says what is wrong."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"detail": said}, status, headers={**HEADERS, **headers})
    title, following = TITLES.get(status, "This was refused"), NEXT.get(status)
    if status == 401:
        return HTMLResponse(OUTSIDE.format(title=title, next=following), status, headers={**HEADERS, **headers})
    return page(request, "refusal", status=status, section=None, title=title, said=said, following=following)
