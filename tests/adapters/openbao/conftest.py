"""A real OpenBao for each worker of the run, and a key of its own for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.adapters.openbao.server import Kept, Server, keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("openbao") / "server") as server:
        yield server


@pytest.fixture
def kept(openbao: Server, tmp_path: Path) -> Kept:
    return keep(openbao, tmp_path, f"ledger{next(_numbers)}")
