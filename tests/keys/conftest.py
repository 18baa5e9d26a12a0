from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.store import KeyStore
from tests.keys.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home) -> Iterator[KeyStore]:
    with home.create() as store:
        yield store
