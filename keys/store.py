"""The key store as the layers above see it.

One SQLite file in a directory of its own; the keyring and the journal lie
elsewhere. Everything it answers is durable, and everything it is asked is one
transaction on a store that is current (see `keys.gate`). Keys come a batch at a
time and are not kept here; who asks does not keep them either, so an erasure
works at once.

The order of an erasure, for whoever orders it: `close_owner` (no new key comes
after that), `keys_of` (the ids that `DestructionOrdered` will hold), the order in
the log, `destroy_owner`, `fingerprints` for the certificate, `end_epoch`. Each may
be done again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from domain.errors import Refused
from keys import database, destruction, epochs, tree
from keys.gate import Gate, Transaction
from keys.index import LookupIndex, subjects_of
from keys.journal import Destroyed, Journal
from keys.key import Key, fingerprint, new_id
from keys.keyring import Keyring, new_epoch
from keys.names import KeyName, Purpose, consent_tag, owner_tag, tags
from keys.tree import Ring

FILE_NAME = "keys.sqlite"

_OWNERS = "SELECT k.id, p.owner FROM keys k JOIN persons p ON p.number = k.person WHERE k.id IN"
_NAMED = (
    "SELECT k.id, p.owner, k.purpose, k.consent, k.year FROM keys k "
    "JOIN persons p ON p.number = k.person WHERE "
)

STEPS = (
    "destroy: begun",
    "destroy: written",
    "destroy: journalled",
    "destroy: deleted",
    "destroy: committed",
    *epochs.STEPS,
)
"""The steps at which a crash leaves something to finish, as `Options.step` hears them."""


class KeptTogether(Refused):
    """The journal lies in the store's directory, and would be restored with it."""

    def __init__(self, journal: Path) -> None:
        """Name the journal."""
        super().__init__(
            f"The journal {journal} lies in the key store's directory: a backup of one would hold "
            "the other, and a restored store could not tell what was destroyed. Move it elsewhere."
        )
        self.journal = journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a store may be opened with beyond its three places."""

    backup: Path | None = None
    """Where the copy of each epoch's end goes; it never lies beside a keyring."""
    step: Callable[[str], None] = field(default=lambda _: None)
    """Hears each of `STEPS` as it is passed: for the operator's log, and for tests that kill."""
    observe: Callable[[str, float], None] = field(default=lambda _kind, _seconds: None)
    """Hears of each transaction whether it was to "read" or to "write", and its seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What opening a store had to finish before it answered anything."""

    keys_destroyed: int
    epoch_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMark:
    """Which epoch the store is in: its key's id, how many ended before it, since when it is."""

    id: UUID
    generation: int
    since: datetime


class KeyStore:
    """The keys of everyone, in one place; usable by several threads and processes."""

    def __init__(self, gate: Gate, options: Options, opening: Opening) -> None:
        """Use `create` or `open`."""
        self._gate = gate
        self._options = options
        self.opening = opening
        self.index = LookupIndex(gate)

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        keyring: Keyring,
        journal: Path,
        now: datetime,
        options: Options | None = None,
    ) -> Self:
        """Make an empty store, with its journal and its first epoch key, and open it.

        Raises `KeyStoreExists`. A journal that is there is kept and obeyed.
        """
        _require_apart(directory, journal)
        path = directory / FILE_NAME
        if path.exists():
            raise database.KeyStoreExists(path)
        book = Journal.create(journal)
        if not keyring.epochs():
            keyring.add(new_epoch(now))
        epoch = keyring.epochs()[-1]
        database.create(path, journal=book.id, applied=book.start, epoch=epoch.id)
        return cls.open(directory, keyring=keyring, journal=journal, options=options)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        keyring: Keyring,
        journal: Path,
        options: Options | None = None,
    ) -> Self:
        """Open a store, and first finish whatever a crash or a restored backup left undone.

        Raises `KeyStoreMissing`, `EpochKeyMissing` for a copy whose epoch has
        ended, `JournalBroken`, `KeyStoreDamaged`.
        """
        _require_apart(directory, journal)
        options = options or Options()
        gate = Gate(directory / FILE_NAME, keyring, Journal(journal), destruction.catch_up)
        gate.observe = options.observe
        try:
            gone = gate.heal()
            ended = epochs.finish_forward(gate, backup=options.backup, step=options.step)
        except BaseException:
            gate.close()
            raise
        return cls(gate, options, Opening(keys_destroyed=gone, epoch_ended=ended))

    def __enter__(self) -> Self:
        """Enter the store's lifetime."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the file and forget the epoch key."""
        self._gate.close()

    def mint(self, names: Iterable[KeyName]) -> dict[KeyName, Key]:
        """Get the key of each name, minting those that are not there; durable on return.

        All or none. Raises `KeyDestroyed` or `MintingClosed`, which list the names
        that stood in the way, so that the caller can go on without them.
        """
        wanted = tags(names)
        with self._gate.reading() as tx:
            found = tree.open_names(tx, wanted)
        if len(found) == len(wanted):
            return found
        with self._gate.writing() as tx:
            found = tree.open_names(tx, wanted)
            absent = {tag: name for tag, name in wanted.items() if name not in found}
            tree.refuse(tx, absent)
            minted = tree.add(tx, absent)
        return found | minted

    def fetch(self, ids: Iterable[UUID]) -> dict[UUID, Key]:
        """Get the keys of these ids; what is not there is not in the answer.

        `keys.redaction.missing` says what an absence means. Raises `WrapBroken`.
        """
        with self._gate.reading() as tx:
            return tree.open_ids(tx, ids)

    def find(self, names: Iterable[KeyName]) -> dict[KeyName, Key]:
        """Get the living keys of these names, minting none."""
        with self._gate.reading() as tx:
            return tree.open_names(tx, tags(names))

    def names_of(self, ids: Iterable[UUID]) -> dict[UUID, KeyName]:
        """Say what each of these keys is called; one that is not there is not in the answer."""
        with self._gate.reading() as tx:
            rows = database.select_in(tx.connection, _NAMED + "k.id IN", [one.bytes for one in ids])
        return {key_id: name for name, key_id in _names(rows)}

    def owners_of(self, ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """Say whose key each of these is; one that is not there is not in the answer."""
        wanted = {one.bytes: one for one in ids}
        with self._gate.reading() as tx:
            rows = database.select_in(tx.connection, _OWNERS, list(wanted))
        return {wanted[raw]: UUID(bytes=owner) for raw, owner in rows}

    def rings(self, owners: Iterable[bytes], first_year: int, last_year: int) -> dict[bytes, Ring]:
        """Get of each owner the keys that a delivery of some years needs, with one look.

        An owner without a living profile key is not in the answer.
        """
        with self._gate.reading() as tx:
            return tree.open_rings(tx, list(owners), first_year, last_year)

    def keys_of(self, owner: UUID) -> dict[KeyName, UUID]:
        """List the names and ids of an owner's living keys."""
        return self._named("p.owner = ?", owner.bytes)

    def aged(self, purpose: Purpose, last_year: int) -> dict[KeyName, UUID]:
        """List everybody's living keys of a purpose whose civil year is at most `last_year`."""
        return self._named("k.purpose = ? AND k.year <= ?", int(purpose), last_year)

    def destroyed(self, names: Iterable[KeyName]) -> frozenset[KeyName]:
        """Return those of these names whose own keys were destroyed."""
        wanted = tags(names)
        with self._gate.reading() as tx:
            return frozenset(wanted[tag] for tag in tree.buried(tx, list(wanted)))

    def ids_of(self, owner: UUID) -> set[UUID]:
        """List the random ids of what is an owner's: what index entries lead to, what keys are for.

        So the account itself, its meters and its consents, whether they are on the log or
        about to be.
        """
        with self._gate.reading() as tx:
            consents = tx.connection.execute(
                "SELECT DISTINCT k.consent FROM keys k JOIN persons p ON p.number = k.person"
                " WHERE p.owner = ? AND k.consent NOTNULL",
                (owner.bytes,),
            ).fetchall()
            return {UUID(bytes=one) for (one,) in consents} | subjects_of(tx, owner)

    def close_consents(self, consents: Iterable[tuple[UUID, UUID]]) -> None:
        """Mint nothing more for these (owner, consent); keys that are there still open."""
        self._close(consent_tag(owner, consent) for owner, consent in consents)

    def close_owner(self, owner: UUID) -> None:
        """Mint nothing more for this owner, and let nothing new lead there."""
        self._close([owner_tag(owner)])

    def destroy(self, ids: Iterable[UUID], now: datetime) -> frozenset[UUID]:
        """Destroy keys for ever; on return they are in the journal and out of the store.

        Answers the ids that were not destroyed before. An id that is not there is
        journalled too: another copy of this store may hold it.
        """
        wanted = {one.bytes: one for one in ids}
        with self._gate.writing() as tx:
            query = "SELECT id FROM tombstones WHERE id IN"
            for (dead,) in database.select_in(tx.connection, query, list(wanted)):
                del wanted[dead]
            query = "SELECT id, tag FROM keys WHERE id IN"
            known = dict(database.select_in(tx.connection, query, list(wanted)))
            self._destroy(
                tx,
                [
                    Destroyed(kind="key", key_id=key_id, tag=known.get(raw), at=now)
                    for raw, key_id in wanted.items()
                ],
            )
        self._options.step("destroy: committed")
        return frozenset(wanted.values())

    def destroy_owner(self, owner: UUID, now: datetime) -> frozenset[UUID]:
        """Destroy an owner's key, all keys under it and all that leads there, for ever.

        Answers the ids of the sub-keys that went. The owner's names are closed
        with it, also those that were never minted.
        """
        tag = owner_tag(owner)
        with self._gate.writing() as tx:
            gone: dict[bytes, bytes] = {}
            if not tx.connection.execute(
                "SELECT 1 FROM tombstones WHERE tag = ?", (tag,)
            ).fetchone():
                key_id, gone = _person_and_keys(tx, owner)
                lines = [
                    Destroyed(kind="key", key_id=UUID(bytes=one), tag=name, at=now)
                    for one, name in gone.items()
                ]
                self._destroy(tx, [Destroyed(kind="owner", key_id=key_id, tag=tag, at=now), *lines])
        self._options.step("destroy: committed")
        return frozenset(UUID(bytes=one) for one in gone)

    def fingerprints(self, ids: Iterable[UUID]) -> dict[UUID, bytes]:
        """Get the fingerprints of keys, living or destroyed.

        What was destroyed before this copy of the store knew it has none.
        """
        wanted = {one.bytes: one for one in ids}
        with self._gate.reading() as tx:
            living = tree.open_ids(tx, wanted.values())
            query = "SELECT id, fingerprint FROM tombstones WHERE fingerprint NOTNULL AND id IN"
            dead = database.select_in(tx.connection, query, list(wanted))
        return {one: fingerprint(key) for one, key in living.items()} | {
            wanted[raw]: known for raw, known in dead
        }

    def epoch(self) -> EpochMark:
        """Say which epoch the store is in."""
        with self._gate.reading() as tx:
            return EpochMark(id=tx.epoch.id, generation=tx.generation, since=tx.epoch.since)

    def is_ending(self) -> bool:
        """Say whether an epoch's end was begun and is not done.

        Raises `KeyringUnreadable` where the keyring is lost; a keeper on the network is not asked.
        """
        return len(self._gate.keyring.since()) > 1

    def end_epoch(self, now: datetime) -> EpochMark:
        """End the epoch: from the return on, every older copy of the store opens nothing."""
        epochs.end(self._gate, now, backup=self._options.backup, step=self._options.step)
        return self.epoch()

    def finish_epoch(self) -> bool:
        """Finish an epoch's end that was cut short; say whether there was one, and nobody at it."""
        return epochs.finish_forward(
            self._gate, backup=self._options.backup, step=self._options.step
        )

    def back_up(self, target: Path) -> None:
        """Copy the store to one file; the copy opens until this epoch ends."""
        self._gate.back_up(target)

    def _named(self, which: str, *parameters: bytes | int) -> dict[KeyName, UUID]:
        with self._gate.reading() as tx:
            rows = tx.connection.execute(_NAMED + which, parameters).fetchall()
        return dict(_names(rows))

    def _close(self, closed: Iterable[bytes]) -> None:
        with self._gate.writing() as tx:
            tx.connection.executemany(
                "INSERT OR IGNORE INTO closed VALUES (?)", [(tag,) for tag in closed]
            )

    def _destroy(self, tx: Transaction, entries: list[Destroyed]) -> None:
        if not entries:
            return
        step = self._options.step
        step("destroy: begun")
        self._gate.journal.append(tuple(entries), lambda: step("destroy: written"))
        step("destroy: journalled")
        destruction.catch_up(tx, self._gate.journal)
        step("destroy: deleted")


def _names(
    rows: Iterable[tuple[bytes, bytes, int, bytes | None, int | None]],
) -> Iterator[tuple[KeyName, UUID]]:
    for key_id, owner, purpose, consent, year in rows:
        name = KeyName(
            owner=UUID(bytes=owner),
            purpose=Purpose(purpose),
            consent=None if consent is None else UUID(bytes=consent),
            year=year,
        )
        yield name, UUID(bytes=key_id)


def _person_and_keys(tx: Transaction, owner: UUID) -> tuple[UUID, dict[bytes, bytes]]:
    """Get the id of an owner's key (a fresh one if there is none), and its keys' ids and tags."""
    row = tx.connection.execute(
        "SELECT number, key_id FROM persons WHERE owner = ?", (owner.bytes,)
    ).fetchone()
    if row is None:
        return new_id(), {}
    rows = tx.connection.execute("SELECT id, tag FROM keys WHERE person = ?", (row[0],))
    return UUID(bytes=row[1]), dict(rows.fetchall())


def _require_apart(directory: Path, journal: Path) -> None:
    if journal.absolute().parent.is_relative_to(directory.absolute()):
        raise KeptTogether(journal)
