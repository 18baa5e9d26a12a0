"""Where a benchmark runs: a ledger of its own on the embedded default, taken down after it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.postgres.embedded import EmbeddedPostgres
from metroledger.bootstrap import create_ledger
from metroledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def home() -> Iterator[Settings]:
    """Lend a ledger's settings, its PostgreSQL running for as long."""
    with tempfile.TemporaryDirectory(prefix="metroledger-bench-") as directory:
        Path(directory).chmod(0o711)
        settings = Settings(home=Path(directory) / "home")
        with EmbeddedPostgres(settings.postgres):
            create_ledger(settings, "ledger.example.org/bench")
            yield settings


def say(what: str) -> None:
    """Tell whoever waits how far it is; the report alone goes to standard output."""
    print(f"# {what}", file=sys.stderr, flush=True)
