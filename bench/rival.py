"""The rival of `metropolis_day`: eventsourcing's own aggregates on its own PostgreSQL recorder.

One aggregate a meter, one event a reading, with the library's JSON transcoder and its
defaults: what a team would write first. Values are in clear, nothing is proven, and no
consent is asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")

METERS: Final = 2_000
BULK: Final = 30_000
CLASSES: Final = ("HCB", "HPB", "HCH", "HPH", "BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP")


class Meter(Aggregate):
    """A meter with its readings, as the library's documentation would have it."""

    @event("Declared")
    def __init__(self, number: str) -> None:
        self.number = number
        self.last: dict[str, int] = {}

    @event("IndexReceived")
    def receive(self, day: str, values: dict[str, int]) -> None:
        """Keep the indexes of a day."""
        self.day = day
        self.last = values


def _application(conninfo: str) -> Application[UUID]:
    place = conninfo_to_dict(conninfo)
    return Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(place["dbname"]),
            "POSTGRES_HOST": str(place["host"]),
            "POSTGRES_PORT": str(place.get("port") or 5432),
            "POSTGRES_USER": str(place["user"]),
            "POSTGRES_PASSWORD": "unused",
        }
    )


def _values(meter: int, day: int) -> dict[str, int]:
    return {name: 1_000_000 + 977 * meter + 10_000 * day + n for n, name in enumerate(CLASSES)}


def load_append_save(conninfo: str, at_once: int) -> float:
    """Return readings a second: each meter loaded, given a day, saved with `at_once` others."""
    application = _application(conninfo)
    meters = [Meter(number=f"{n:014}") for n in range(METERS)]
    for some in _groups(meters, 100):
        application.save(*some)
    ids = [meter.id for meter in meters]
    begin = time.perf_counter()
    done = 0
    for group in _groups(ids, at_once):
        loaded: list[Meter] = [application.repository.get(one) for one in group]
        for place, meter in enumerate(loaded):
            meter.receive(day="2026-11-21", values=_values(place, 1))
        application.save(*loaded)
        done += len(group)
    seconds = time.perf_counter() - begin
    application.close()
    return done / seconds


def bulk_insert(conninfo: str) -> float:
    """Return events a second of the recorder's plain insert, 500 new aggregates to a save."""
    application = _application(conninfo)
    meters = [Meter(number=f"{n:014}") for n in range(BULK)]
    begin = time.perf_counter()
    for some in _groups(meters, 500):
        application.save(*some)
    seconds = time.perf_counter() - begin
    application.close()
    return len(meters) / seconds


def _groups(items: list[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
