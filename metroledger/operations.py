"""Watch a ledger: the port that answers whether it is alive, ready, and in figures.

The process that serves the port reads the ledger's figures from the database and the files
at each scrape: they are the same whichever process did the work, and one that was killed
takes nothing with it. What only a process knows of itself (its requests, its transactions
with the key store) it serves on a port of its own, so that no process speaks for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector
from starlette.types import ASGIApp

from adapters.dso.refusal import Code
from adapters.http.figures import LedgerFigures, Watch
from adapters.http.metering import Meters
from adapters.http.operation import Probe, operation_app
from application.doctor import places, record
from application.doctor.finding import Finding, examine
from metroledger.bootstrap import Installation, database_directory
from metroledger.keyrings import keyring_of
from proofs.publication import CHECKPOINT

_KEY_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0)


class Watched:
    """The series of one process; made before the ledger is opened, so that its keys are timed."""

    def __init__(self) -> None:
        """Register what a process counts of itself."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.meters = Meters(self.registry)
        self._keys = Histogram(
            "metroledger_key_store_seconds",
            "How long a transaction with the key store took in this process.",
            ("kind",),
            buckets=_KEY_BUCKETS_S,
            registry=self.registry,
        )

    def observe(self, kind: str, seconds: float) -> None:
        """Count one transaction with the key store."""
        self._keys.labels(kind).observe(seconds)


def operations_of(installation: Installation, watched: Watched, *, ledger: bool) -> ASGIApp:
    """Return what the operations port of this process serves.

    With the `ledger`'s figures: those need to be served by one process only.
    """
    if ledger:
        watch = Watch(
            services=installation.services,
            codes=frozenset(Code),
            checkpoint=lambda: _published(installation),
            checkpoint_file=installation.settings.tiles / CHECKPOINT,
            checks=lambda: _cheap_checks(installation),
        )
        watched.registry.register(LedgerFigures(watch))
    probe = Probe(ready=lambda: readiness(installation), registry=watched.registry)
    return operation_app(probe, watched.meters)


def readiness(installation: Installation) -> Sequence[Finding]:
    """Check what a process needs to answer anybody: database, log, keys, checkpoint, pages."""
    folder = installation.ledger.folder
    return [
        examine("log", lambda: record.log_is_ours(folder)),
        examine("key-store", lambda: record.key_store(installation.keys)),
        examine(
            "checkpoint",
            lambda: record.checkpoint(installation.publisher, folder.store, _age(installation)),
        ),
        examine("shown", lambda: record.shown(installation.shown)),
    ]


def _cheap_checks(installation: Installation) -> Iterator[Finding]:
    """Make the doctor's checks that cost next to nothing: of files, and of the present."""
    settings, now = installation.settings, installation.clock()
    since = keyring_of(settings).since
    in_file = None if settings.keeper else settings.keyring
    yield examine("epoch", lambda: places.epoch(since(), now))
    yield examine("key-backup", lambda: places.backup(settings.key_backup, in_file, since()[-1]))
    yield examine("disk", lambda: places.disk([settings.home, database_directory(settings)]))
    yield examine("parked-files", lambda: places.parked(settings.parked, now))
    yield examine("agreements", lambda: record.agreements(installation.register.read(), now))
    yield examine("notices", lambda: _notices(installation))
    yield examine("waiting", lambda: record.waiting(installation.inbox, now))
    yield examine("readable", lambda: record.readable(installation.shown))
    yield from readiness(installation)


def _notices(installation: Installation) -> Finding:
    return record.notices(installation.register.read().notices.values())


def _published(installation: Installation) -> int:
    signed = installation.publisher.published()
    return signed.checkpoint.size if signed else 0


def _age(installation: Installation) -> timedelta:
    """Return how old the published checkpoint is; of none, nothing."""
    file = installation.settings.tiles / CHECKPOINT
    if not file.exists():
        return timedelta(0)
    return timedelta(seconds=installation.clock().timestamp() - file.stat().st_mtime)
