"""Wire everything, in one explicit function: `open_ledger(settings)`.

At start the log must be the one that was folded, and its tree must extend the
published checkpoint: so a database restored from an older backup is refused before
anything is answered, and no second history is ever signed.
"""

from __future__ import annotations

import contextlib
import gc
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from adapters.postgres.access import PostgresAccess
from adapters.postgres.arrivals import PostgresArrivals
from adapters.postgres.asking import PostgresAskings
from adapters.postgres.connections import Connections
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.embedded_site import reachable_directory
from adapters.postgres.glance import PostgresGlances
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.projections import PostgresProjections
from adapters.postgres.reactions import PostgresCursors
from adapters.postgres.register import PostgresCopies
from adapters.postgres.staff import PostgresStaff
from adapters.postgres.store import PostgresFoldStore
from application.committer import Committer
from application.driving import OutcomeOpen
from application.guard import Guard, look_over
from application.mail import Correspondents
from application.publishing import check_published, publish_all
from application.register import Register
from application.residents import settle_reservations
from application.services import Services, new_id
from application.transact import Ledger
from application.vault import Vault
from domain.values import Actor, Role
from keys.files import write_durably
from keys.store import FILE_NAME, KeyStore, Options
from ledger.fold import Folder
from ledger.genesis import LedgerExists, make_genesis
from metroledger.keyrings import keyring_of
from metroledger.log_opening import heed, open_log
from metroledger.post import post_of
from metroledger.settings import Identity, Settings, read_identity
from projections.projector import Projector
from projections.series import Keyhole
from proofs.publication import Publisher
from proofs.signing import KeyKind, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from application.access.stores import AccessStore, StaffStore
    from application.acts import Inbox
    from application.arrivals import Arrivals
    from application.asking import Askings
    from application.glance import Glances
    from application.reactions import Cursors
    from keys.keyring import Keyring
    from ledger.log import CommitLog
    from ledger.store import FoldStore
    from proofs.signing import Verifier

    Observe = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An open ledger and its parts."""

    settings: Settings
    identity: Identity
    ledger: Ledger
    register: Register
    keys: KeyStore
    shown: Projector
    cursors: Cursors
    askings: Askings
    inbox: Inbox
    glances: Glances
    arrivals: Arrivals
    access: AccessStore
    staff: StaffStore
    publisher: Publisher
    verifier: Verifier
    clock: Callable[[], datetime]

    @property
    def system(self) -> Actor:
        """The system as an actor."""
        return Actor(role=Role.SYSTEM, id=self.identity.system)

    @property
    def services(self) -> Services:
        """What use cases need."""
        return Services(
            ledger=self.ledger,
            register=self.register,
            keys=self.keys,
            shown=self.shown,
            inbox=self.inbox,
            glances=self.glances,
            territory=self.identity.territory,
            system=self.system,
            clock=self.clock,
            parked=self.settings.parked,
            notices=self.settings.notices,
            correspondents=Correspondents(
                addresses=self.settings.correspondents,
                answers_to=self.settings.portal.privacy_contact,
            ),
            post=post_of(self.settings),
            public_url=self.settings.portal.public_url,
            four_eyes=self.settings.four_eyes,
            periods=self.settings.periods,
        )

    @property
    def keyhole(self) -> Keyhole:
        """How readings are opened."""
        return Keyhole(fetch=self.keys.fetch, ordered=lambda: self.register.read().ordered)

    @property
    def log(self) -> CommitLog:
        """The log."""
        return self.ledger.folder.log

    @property
    def store(self) -> FoldStore:
        """What the fold wrote."""
        return self.ledger.folder.store


def administrator(installation: Installation) -> Actor:
    """Return whoever may give commands on this machine, as an actor."""
    return Actor(role=Role.ADMINISTRATOR, id=installation.identity.system)


def unobserved(_kind: str, _seconds: float) -> None:
    """Hear of a transaction of the key store, and do nothing."""


def now() -> datetime:
    """Return the present instant, in UTC: the program's one clock."""
    return datetime.now(UTC)


def create_ledger(settings: Settings, origin: str, clock: Callable[[], datetime] = now) -> None:
    """Open a new ledger in the home directory; refuse where one is.

    The identity file is written last: without it there is no ledger, and what an
    interrupted attempt left behind is taken up again.
    """
    if settings.identity_file.exists():
        raise LedgerExists(read_identity(settings).origin)
    settings.home.mkdir(parents=True, exist_ok=True)
    identity = Identity(origin=origin, territory=new_id(), system=new_id())
    _create_signing_key(settings, origin)
    keyring = keyring_of(settings, create=True)
    if not (settings.keys / FILE_NAME).exists():
        KeyStore.create(
            settings.keys, keyring=keyring, journal=settings.destroyed, now=clock()
        ).close()
    with connect(settings) as connections:
        connections.create_tables()
        with open_log(settings, connections, create=True) as log:
            genesis = make_genesis(origin, clock().isoformat(timespec="seconds"))
            if log.end() == 0 and None in log.append([genesis]):
                raise OutcomeOpen
            Folder(log, PostgresFoldStore(connections), origin).fold_through(0)
    write_durably(settings.identity_file, msgspec.json.encode(identity))


@contextlib.contextmanager
def open_ledger(
    settings: Settings,
    clock: Callable[[], datetime] = now,
    observe: Observe = unobserved,
    *,
    may_wait: bool = False,
) -> Iterator[Installation]:
    """Open the ledger of the home directory, having checked that it may be trusted to go on.

    `observe` hears of each transaction of the key store, for metrics. Where the log does not
    answer and this process `may_wait` for it, it opens all the same, to show what was folded so
    far: nothing is written before the log was compared (`application.guard`).
    """
    identity = read_identity(settings)
    signer = Signer.decode(settings.signing_key.read_text("ascii").strip())
    with (
        connect(settings) as connections,
        open_keys(settings, observe) as keys,
        contextlib.ExitStack() as stack,
    ):
        connections.create_tables()
        log = stack.enter_context(open_log(settings, connections))
        store = PostgresFoldStore(connections)
        folder = Folder(log, store, identity.origin)
        guard = Guard(lambda: look_over(folder))
        heed(log, guard.wake)
        publisher = Publisher(settings.tiles, signer, journal=settings.checkpoints)
        folded = store.cursor().offset_last >= 0
        compared = guard.look_first(may_wait=may_wait and folded)
        check_published(publisher, store)

        committer = Committer(folder, lambda at: publish_all(publisher, store, at), guard.ensure)
        register = Register(folder, PostgresCopies(connections))
        committer.publish()
        projections = PostgresProjections(connections)
        projections.create()
        try:
            installation = Installation(
                settings=settings,
                identity=identity,
                ledger=Ledger(folder, committer, Vault(keys, register)),
                register=register,
                keys=keys,
                shown=Projector(folder, keys, lambda: register.read().ordered, projections),
                cursors=PostgresCursors(connections),
                askings=PostgresAskings(connections),
                inbox=PostgresInbox(connections),
                glances=PostgresGlances(connections),
                arrivals=PostgresArrivals(connections),
                access=PostgresAccess(connections),
                staff=PostgresStaff(connections),
                publisher=publisher,
                verifier=signer.verifier,
                clock=clock,
            )
            if compared:  # upkeep does it too
                settle_reservations(installation.services)
            guard.start()
            yield installation
        finally:
            guard.close()
            committer.close()


def open_keys(
    settings: Settings, observe: Observe = unobserved, *, keyring: Keyring | None = None
) -> KeyStore:
    """Open the key store, which first finishes what a crash or a restored backup left.

    `keyring` is the one that the settings name unless told otherwise.
    """
    return KeyStore.open(
        settings.keys,
        keyring=keyring or keyring_of(settings),
        journal=settings.destroyed,
        options=Options(backup=settings.key_backup, observe=observe),
    )


def rest_garbage_collector(young: int = 100_000) -> None:
    """Let the collector of cycles look more rarely, after `young` objects, and not at old ones.

    For processes that take files in: a file makes some hundred thousand objects without a
    cycle, and looking through them costs over a quarter of a file's time. Memory stays flat
    all the same: what is not in a cycle is freed at once. A page leaves a hundred objects in
    cycles, and nobody is answered while they are collected, 1.3 µs each: who draws pages
    says fewer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 50, 100)


def database_directory(settings: Settings) -> Path:
    """Return where the embedded server's data lies.

    In the home directory, but for root with a home that the server's account cannot
    reach: then under /var/lib/metroledger, by a digest of the home's path.
    """
    return reachable_directory(settings.postgres)


@contextlib.contextmanager
def connect(settings: Settings) -> Iterator[Connections]:
    """Lend connections to the ledger's database, starting the embedded one where it is that."""
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            server = EmbeddedPostgres(database_directory(settings))
            conninfo = stack.enter_context(server).conninfo
        else:
            conninfo = settings.database_url
        connections = Connections(conninfo)
        stack.callback(connections.close)
        yield connections


def _create_signing_key(settings: Settings, origin: str) -> None:
    if not settings.signing_key.exists():
        settings.signing_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        signer = Signer(name=origin, kind=KeyKind.ED25519, seed=os.urandom(32))
        write_durably(settings.signing_key, signer.encode().encode() + b"\n")
    signer = Signer.decode(settings.signing_key.read_text("ascii").strip())
    settings.verifying_key.write_text(signer.verifier.encode() + "\n", "ascii")
