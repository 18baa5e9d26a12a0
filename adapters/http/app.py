"""The web application: pages for people, an API for programs, over the same use cases.

Handlers are plain functions and run in a few threads: a commit waits some milliseconds for
the disk, during which others are served. Few, because they share two cores and Python's lock.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from adapters.http.api.routes import router as api
from adapters.http.guard import Guard
from adapters.http.pages.frame import error_page
from adapters.http.pages.routes import portal_of
from adapters.http.turns import Turns
from application.access.throttle import TooOften
from application.telling import tell
from domain.errors import Corrupt, MetroledgerError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

    from adapters.http.site import Site

THREADS: Final = 4
API: Final = "/api/"
_RETRY_S: Final = "5"


def create_app(site: Site) -> FastAPI:
    """Return the application of a site, its routes and what it answers to errors."""
    app = FastAPI(
        title="metroledger",
        summary="Consents and consumption, by their holder.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.site = site
    app.state.portal, pages = portal_of(site)
    app.include_router(pages)
    app.include_router(api(site))
    app.add_exception_handler(MetroledgerError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _refuse)
    return app


def guarded(site: Site, app: ASGIApp) -> ASGIApp:
    """Return the application as it is served: guarded on all sides, readers one after another."""
    return Guard(Turns(app), secure=site.secure)


@contextlib.asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _refuse(request: Request, error: Exception) -> Response:
    """Answer an error: its own words when they are ours, for those hold nothing of a person."""
    if not request.url.path.startswith(API):
        return error_page(request.app.state.portal, error)
    status = status_of(error)
    if status >= 500:  # noqa: PLR2004 (the server's fault)
        tell("request-failed", logging.ERROR, error=error)
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = _RETRY_S
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after_s)
    body = {"type": "about:blank", "title": words_of(error), "status": status}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, MetroledgerError):
        return error.status
    if isinstance(error, HTTPException):
        return error.status_code
    return 422 if isinstance(error, RequestValidationError) else 500


def words_of(error: Exception) -> str:
    """Return what may be said of an error; never what was sent."""
    if isinstance(error, MetroledgerError) and not isinstance(error, Corrupt):
        return str(error)
    if isinstance(error, RequestValidationError):
        return "a field is missing or is not of its form"
    if isinstance(error, HTTPException):
        return "there is nothing at this address, or not for this method"
    return "something is wrong on our side; it was noted, and somebody looks at it"
