"""What is counted of requests: bounded labels, whatever is asked for."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from adapters.http.metering import Metered, Meters


def metered() -> tuple[httpx.AsyncClient, CollectorRegistry]:
    app = FastAPI()

    @app.get("/meters/{number}")
    def meter(number: str) -> str:
        if number == "fails":
            raise ValueError(number)
        return "ok"

    registry = CollectorRegistry()
    transport = httpx.ASGITransport(Metered(app, Meters(registry)))
    return httpx.AsyncClient(transport=transport, base_url="http://x"), registry


async def ask(method: str, path: str) -> CollectorRegistry:
    client, registry = metered()
    async with client:
        await client.request(method, path)
    return registry


def count(registry: CollectorRegistry, **labels: str) -> float | None:
    return registry.get_sample_value("metroledger_http_requests_total", labels)


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/meters/30001112223334", ("GET", "/meters/{number}", "200")),
        ("GET", "/30001112223334?n=30001112223334", ("GET", "none", "404")),
        ("POST", "/meters/30001112223334", ("POST", "/meters/{number}", "405")),
        ("BREW30001112223334", "/", ("other", "none", "404")),
    ],
)
def test_a_request_is_counted_by_its_routes_template(
    method: str, path: str, labels: tuple[str, str, str]
) -> None:
    registry = asyncio.run(ask(method, path))
    assert count(registry, **dict(zip(("method", "route", "status"), labels, strict=True))) == 1
    assert b"30001112223334" not in generate_latest(registry)


def test_a_request_that_fails_is_counted_as_500() -> None:
    client, registry = metered()
    with pytest.raises(ValueError, match="fails"):
        asyncio.run(fails(client))
    assert count(registry, method="GET", route="/meters/{number}", status="500") == 1


async def fails(client: httpx.AsyncClient) -> None:
    async with client:
        await client.get("/meters/fails")
