"""The round of `metroledger doctor`: every check over one installation, in an order that helps.

Files first, for they need nothing; then the database; then what rests on both. Where one
thing does not open, what rests on it is left out: its own finding says why. The round
changes nothing but what the start of any command does: the embedded database is started
where it is not running, and a crash's remains are finished.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from adapters.dso.refusal import Code
from adapters.openbao.policy import examine_login
from adapters.postgres.condition import condition
from adapters.postgres.connections import Connections
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.projections import PostgresProjections
from adapters.postgres.store import PostgresFoldStore
from application.doctor import database, places, record
from application.doctor.database import Condition
from application.doctor.finding import Finding, State, examine, ok
from application.doctor.keeper import keeper as kept_epochs
from application.register import Register
from application.tally import Tally
from keys.store import KeyStore
from ledger.fold import Folder
from metroledger.bootstrap import connect, database_directory, open_keys
from metroledger.keyrings import keyring_of
from metroledger.log_opening import open_log
from metroledger.operators import ENEDIS
from metroledger.operators import keyring_of as operator_keys_of
from metroledger.settings import Settings, read_identity
from projections.projector import Projector
from proofs.publication import Publisher
from proofs.signing import Signer

Opened = TypeVar("Opened")


def examine_installation(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Make every check that can be made, one after another. Raises `NoLedger`."""
    origin = read_identity(settings).origin
    yield from _examine_places(settings, origin, clock())
    with contextlib.ExitStack() as stack:
        asked, finding = _open("database", lambda: _ask(stack, settings))
        if asked is None:
            yield finding
            return
        connections, found = asked
        yield examine("database", lambda: database.durability(found))
        yield examine("append-only", lambda: database.append_only(found))
        yield examine("clock", lambda: _clocks(connections, settings.home, clock))
        yield examine("other-processes", lambda: database.sessions(found))
        log, finding = _open("log", lambda: stack.enter_context(open_log(settings, connections)))
        if log is None:
            yield finding
            return
        inbox = PostgresInbox(connections)
        yield examine("waiting", lambda: record.waiting(inbox, clock()))
        folder = Folder(log, PostgresFoldStore(connections), origin)
        yield from _examine_record(settings, folder, clock())
        keys, finding = _open("key-store", lambda: stack.enter_context(open_keys(settings)))
        if keys is None:
            yield finding
            return
        yield examine("key-store", lambda: record.key_store(keys))
        projector = _projector(connections, folder, keys)
        yield examine("shown", lambda: record.shown(projector))
        yield examine("readable", lambda: record.readable(projector))
        yield examine("erasures", lambda: record.erasures(projector.store.open_requests(), clock()))


def _examine_places(settings: Settings, origin: str, now: datetime) -> Iterator[Finding]:
    keyring = keyring_of(settings)
    in_file = None if settings.keeper else settings.keyring
    yield examine("secrets", lambda: places.secrets(_secrets(settings)))
    yield examine("keys-apart", lambda: places.apart(settings.keys, in_file, settings.destroyed))
    yield examine(
        "key-backup", lambda: places.backup(settings.key_backup, in_file, keyring.since()[-1])
    )
    yield examine("epoch", lambda: places.epoch(keyring.since(), now))
    if (keeper := settings.keeper) is not None:
        yield examine("keeper", lambda: kept_epochs(examine_login(keeper.bao, keeper.key)))
    yield examine(
        "signing-key", lambda: places.signing(settings.signing_key, settings.verifying_key, origin)
    )
    yield examine("disk", lambda: places.disk([settings.home, database_directory(settings)]))
    yield examine(
        "operator-keys",
        lambda: places.operator_keys({ENEDIS: len(operator_keys_of(settings).keys)}),
    )
    yield examine("parked-files", lambda: places.parked(settings.parked, now))
    topic = settings.topic
    if topic is not None:
        yield examine(
            "log-connection", lambda: places.connection(topic.servers, tls=topic.access.tls)
        )
    has_server = settings.portal.smtp_url is not None
    yield examine("letters", lambda: places.letters(settings.outbox, with_server=has_server))


def _examine_record(settings: Settings, folder: Folder, now: datetime) -> Iterator[Finding]:
    def publisher() -> Publisher:
        signer = Signer.decode(settings.signing_key.read_text("ascii").strip())
        return Publisher(settings.tiles, signer, journal=settings.checkpoints)

    def journal() -> Finding:
        signer = Signer.decode(settings.signing_key.read_text("ascii").strip())
        return record.checkpoints(settings.checkpoints, signer.verifier, publisher().published())

    register = Register(folder)  # it reads what is there once
    yield examine("log", lambda: record.log_is_ours(folder))
    yield examine("tree", lambda: record.tree(publisher(), folder.store))
    yield examine("checkpoints", journal)
    yield examine("agreements", lambda: record.agreements(register.read(), now))
    yield examine("notices", lambda: record.notices(register.read().notices.values()))
    tally, finding = _open("leaves", lambda: _tally(folder))
    if tally is None:
        yield finding
        return
    yield examine("consents", lambda: record.consents(tally, now))
    yield examine("deliveries", lambda: record.deliveries(tally, now))
    yield examine("hours", lambda: record.hours(tally, now))


def _open(check: str, do: Callable[[], Opened]) -> tuple[Opened | None, Finding]:
    """Return what was opened, or None and the finding that says why not."""
    opened: list[Opened] = []

    def look() -> Finding:
        opened.append(do())
        return ok(check, "it opens")

    finding = examine(check, look)
    return (opened[0] if finding.state is State.OK else None), finding


def _ask(stack: contextlib.ExitStack, settings: Settings) -> tuple[Connections, Condition]:
    connections = stack.enter_context(connect(settings))
    return connections, condition(connections)


def _projector(connections: Connections, folder: Folder, keys: KeyStore) -> Projector:
    register = Register(folder)
    projections = PostgresProjections(connections)
    projections.create()
    return Projector(folder, keys, lambda: register.read().ordered, projections)


def _tally(folder: Folder) -> Tally:
    tally = Tally(frozenset(Code))
    while not tally.read(folder.store):
        pass
    return tally


def _secrets(settings: Settings) -> Iterator[Path]:
    for directory in (
        settings.signing_key.parent,
        settings.keys,
        settings.keyring.parent,
        settings.destroyed.parent,
        settings.operator_keys,
        settings.parked,
        settings.notices,
        settings.outbox,
    ):
        yield directory
        if directory.is_dir():
            yield from (path for path in directory.iterdir() if path.is_file())
    if settings.topic is not None:
        access = settings.topic.access
        yield from (path for path in (access.password, access.certificate) if path is not None)


def _clocks(connections: Connections, home: Path, clock: Callable[[], datetime]) -> Finding:
    """Ask the database for its time, and the file system by a file written now, at once."""
    before = clock()
    asked = condition(connections)
    with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-") as file:
        touched = datetime.fromtimestamp(Path(file.name).stat().st_mtime, UTC)
    return database.clock(asked, before, clock(), touched)
