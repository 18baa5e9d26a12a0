"""Transactions that only ever see a store that is current.

Two things can make a store's rows lie: another process ended the epoch, so the
epoch key held in memory is no more; or the journal lists keys that are still
there (a crash between journal and delete, a store restored from a backup). Both
are looked at *inside* the transaction that reads the rows, so there is no moment
between looking and reading. While a transaction reads, SQLite lets no other
commit; an epoch key is destroyed only after the commit that leaves it behind. So
the key of the epoch that a transaction sees is in the keyring, or the store and
the keyring do not belong together.

The epoch key alone is kept in memory between calls (for a keeper on the network
one unwrap at start is enough); it goes as soon as the store's epoch is another.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from threading import RLock
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Corrupt
from keys import database, files
from keys.journal import Journal
from keys.key import person_binding, unwrap
from keys.keyring import Epoch, Keyring

_GIVEN_S = 0.25
_LOOK_S = 0.002


class EpochKeyMissing(Corrupt):
    """The store is under an epoch key that the keyring does not hold."""

    def __init__(self, epoch: UUID) -> None:
        """Name the epoch that is missing."""
        super().__init__(
            f"This copy of the key store is under epoch {epoch}, whose key is not in the keyring. "
            "If its epoch has ended, it opens nothing, as intended: restore the copy that was made "
            "at the last epoch's end. If not, put this store's own keyring back."
        )
        self.epoch = epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKey:
    """What an epoch's 32 bytes are used for, each by a key derived for that use alone."""

    id: UUID
    since: datetime
    wrapping: AESGCM = field(repr=False)
    index_sealing: AESGCM = field(repr=False)
    index_tagging: bytes = field(repr=False)

    @classmethod
    def of(cls, epoch: Epoch) -> "EpochKey":
        """Derive the three keys by keyed BLAKE2b, as `keys.sealing` explains."""
        return cls(
            id=epoch.id,
            since=epoch.since,
            wrapping=AESGCM(_derive(epoch.secret, b"epoch wrap")),
            index_sealing=AESGCM(_derive(epoch.secret, b"epoch index seal")),
            index_tagging=_derive(epoch.secret, b"epoch index tag"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An open transaction: the rows, and the epoch key that they are under.

    While an epoch ends some are still under the former one; new ones never are.
    """

    connection: sqlite3.Connection
    epoch: EpochKey
    former: EpochKey | None
    generation: int
    applied: int

    @property
    def epochs(self) -> tuple[EpochKey, ...]:
        """The epoch key that is written under; while an epoch ends, before it the former one.

        In this order, for what is looked at most then is what was not re-wrapped yet.
        """
        return (self.epoch,) if self.former is None else (self.former, self.epoch)

    def open_person(self, owner: bytes, key_id: bytes, wrapped: bytes) -> bytes | None:
        """Unwrap a person's key, or answer None when it does not belong where it stands."""
        for epoch in self.epochs:
            binding = person_binding(epoch=epoch.id.bytes, owner=owner, key_id=key_id)
            if (secret := unwrap(epoch.wrapping, wrapped, binding)) is not None:
                return secret
        return None


CatchUp = Callable[[Transaction, Journal], int]
"""Does what the journal lists and the store lacks; answers how many keys went."""


class Gate:
    """The one way to the store's rows; usable by several threads and processes.

    One connection behind one lock: a batch is one short call, and processes,
    not threads, are how the readers of keys scale. Never carried across a fork.
    """

    def __init__(self, path: Path, keyring: Keyring, journal: Journal, catch_up: CatchUp) -> None:
        """Connect, and check that the journal is this store's own."""
        self.path = path
        self.keyring = keyring
        self.journal = journal
        self.observe: Callable[[str, float], None] = lambda _kind, _seconds: None
        self._catch_up = catch_up
        self._lock = RLock()
        self._held: dict[UUID, EpochKey] = {}
        self._connection = database.connect(path)
        try:
            database.bring_up(self._connection)
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection and forget the epoch key."""
        with self._lock:
            self._held = {}
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that reads; it sees no key that the journal lists."""
        with self._timed("read"), self._lock, ExitStack() as stack:
            tx = stack.enter_context(self._begin("BEGIN"))
            if tx.applied != self.journal.size():
                stack.close()
                self.heal()
                tx = stack.enter_context(self._begin("BEGIN"))
            yield tx

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Open a transaction that writes, alone; it is durable when the block ends.

        Who waits for it or has it can be seen by `give_way`.
        """
        with (
            self._timed("write"),
            files.announced(self.journal.path.parent),
            self._lock,
            ExitStack() as stack,
        ):
            tx = stack.enter_context(self._begin("BEGIN IMMEDIATE"))
            while tx.applied != self.journal.size():
                stack.close()
                self.heal()
                tx = stack.enter_context(self._begin("BEGIN IMMEDIATE"))
            yield tx

    def give_way(self) -> None:
        """Let those write who wait for it: for whoever writes many times on end.

        SQLite gives no turns: who waits looks again after up to 100 ms, and must then find the
        store free. Somebody who does not get on is not waited for.
        """
        until = time.monotonic() + _GIVEN_S
        while files.is_announced(self.journal.path.parent) and time.monotonic() < until:
            time.sleep(_LOOK_S)

    @contextmanager
    def _timed(self, kind: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.observe(kind, time.perf_counter() - begun)

    def heal(self) -> int:
        """Destroy what the journal lists and the store still has; answers how many keys went."""
        with self._lock, self._begin("BEGIN IMMEDIATE") as tx:
            return self._catch_up(tx, self.journal)

    def compact(self) -> None:
        """Write the file anew, so that nothing but living rows is in it."""
        with self._lock:
            database.compact(self._connection)

    def back_up(self, target: Path) -> None:
        """Copy the store to one file, durably."""
        with self._lock:
            database.back_up(self._connection, target)

    @contextmanager
    def _begin(self, begin: str) -> Iterator[Transaction]:
        with database.transaction(self._connection, begin):
            epoch, former, generation, applied = self._connection.execute(
                "SELECT epoch, former, generation, applied FROM meta"
            ).fetchone()
            held = self._epoch_keys([UUID(bytes=one) for one in (epoch, former) if one])
            yield Transaction(
                connection=self._connection,
                epoch=held[0],
                former=held[1] if former else None,
                generation=generation,
                applied=applied,
            )

    def _epoch_keys(self, wanted: list[UUID]) -> list[EpochKey]:
        """Return the epoch keys of these ids, and hold on to no other."""
        if list(self._held) != wanted:
            held, self._held = self._held, {}
            if absent := [one for one in wanted if one not in held]:
                kept = {one.id: one for one in self.keyring.epochs()}
                for one in absent:
                    if one not in kept:
                        raise EpochKeyMissing(one)
                    held[one] = EpochKey.of(kept[one])
            self._held = {one: held[one] for one in wanted}
        return list(self._held.values())

    def _check(self) -> None:
        with database.transaction(self._connection, "BEGIN"):
            name, journal = self._connection.execute("SELECT format, journal FROM meta").fetchone()
        if name != database.FORMAT or journal != self.journal.id.bytes:
            raise database.NotOurs(self.path)


def _derive(secret: bytes, person: bytes) -> bytes:
    return blake2b(key=secret, digest_size=32, person=person).digest()
