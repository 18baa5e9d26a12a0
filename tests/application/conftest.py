"""Installations to test in; tests/scenarios and tests/campaigns take theirs from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from tests.application.world import Place, Site, found, working_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metroledger.bootstrap import Installation


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """One real server, which syncs as a ledger asks, and room for many installations."""
    with working_directory() as root, EmbeddedPostgres(root / "postgres") as server:
        yield Site(root, server)


@pytest.fixture
def empty(site: Site) -> Iterator[Place]:
    """A place where no ledger was opened yet."""
    place = site.new()
    yield place
    site.drop(place)


@pytest.fixture
def place(site: Site, founded: Place) -> Iterator[Place]:
    """A ledger of one's own with texts and an agreement, and nobody in it."""
    place = site.copy(founded)
    yield place
    site.drop(place)


@pytest.fixture(scope="session")
def founded(site: Site) -> Place:
    """The ledger that `place` copies; never opened again."""
    place = site.new()
    found(place)
    return place


@pytest.fixture
def ledger(place: Place) -> Iterator[Installation]:
    """That ledger, open."""
    with place.open() as installation:
        yield installation
