"""Every implementation of the `FoldStore` port, as the conformance suite opens it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from adapters.postgres.connections import Connections
from adapters.postgres.store import PostgresFoldStore
from ledger.memory import MemoryFoldStore
from ledger.store import FoldStore


@contextlib.contextmanager
def memory(_: pytest.FixtureRequest) -> Iterator[FoldStore]:
    yield MemoryFoldStore()


@contextlib.contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[FoldStore]:
    connections = Connections(request.getfixturevalue("database"))
    connections.create_tables()
    yield PostgresFoldStore(connections)
    connections.close()


Open = Callable[[pytest.FixtureRequest], contextlib.AbstractContextManager[FoldStore]]

STORES: Final[dict[str, Open]] = {
    "memory": memory,
    "postgres": postgres,
}
