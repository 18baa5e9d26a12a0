"""Every request is counted and logged: method, route's template, status, duration. Nothing else.

The path of a request, its query, its headers and where it came from may tell of a person and
go neither to the log nor to a metric. A route's template is a text of this program; what no
route matches is "none". So the number of series is bounded by the source.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from application.telling import Fixed, tell

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
NO_ROUTE: Final = "none"


class Meters:
    """What a process that serves HTTP counts of its requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the series."""
        self._requests = Counter(
            "metroledger_http_requests",
            "Requests answered, by route template and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "metroledger_http_request_seconds",
            "How long a request took, by route template.",
            ("method", "route"),
            buckets=BUCKETS_S,
            registry=registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request that was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Metered:
    """An ASGI application around another, which counts and logs each of its requests.

    To be the outermost one, so that what is refused before any route is counted too.
    """

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        """Take the application and what its requests are counted in."""
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        failure: BaseException | None = None
        try:
            await self._app(scope, receive, told)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._tell(scope, status, time.perf_counter() - begun, failure)

    def _tell(
        self, scope: Scope, status: int, seconds: float, failure: BaseException | None
    ) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = str(getattr(scope.get("route"), "path", NO_ROUTE))
        self._meters.count(method, route, status, seconds)
        tell(
            "http-request",
            logging.INFO if failure is None else logging.ERROR,
            error=failure,
            method=Fixed(method),
            route=Fixed(route),
            status=status,
            ms=round(seconds * 1000),
        )
