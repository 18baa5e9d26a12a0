"""What a process answers to whoever watches it: alive, ready, and in figures.

Served on a port of its own, on loopback unless told otherwise, and never on the address that
the public reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp

from adapters.http.metering import Metered, Meters
from application.doctor.finding import Finding, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is asked of a process: whether it is ready, and its figures."""

    ready: Callable[[], Sequence[Finding]]
    registry: CollectorRegistry


def operation_app(probe: Probe, meters: Meters) -> ASGIApp:
    """Return the application of an operations port; its own requests are counted too."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @app.get("/readyz")
    def readyz() -> Response:
        findings = probe.ready()
        ready = all(finding.state is not State.BROKEN for finding in findings)
        content = {"ready": ready, "checks": {one.check: one.state for one in findings}}
        return JSONResponse(content, status_code=200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(probe.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Metered(app, meters)
