"""The lookup index: from an e-mail or a meter number to random ids.

This is the only place where a guessable value leads to a person, so nothing in a
row can be searched without the epoch key: the value's tag is a keyed digest
(fourteen digits under a plain one are found in hours), and the content is sealed,
bound to its tag and owner, so that a row that is moved opens nothing. While an
epoch ends every row gets a new tag and a new seal, piece by piece; until that is done a
value is looked for under both keys.

An entry is *reserved* by a command before its event is appended, *confirmed* when
the event is folded, *freed* when the command is barred::

    reserve ──▶ reserved ──confirm──▶ confirmed ──remove, forget──▶ gone
                   └─────free──▶ gone

Only confirmed entries are found. One value may have several: joint holders and
the next occupant declare the same meter. An e-mail has one owner among residents and one
among the staff, reserved or confirmed, or two people could sign in as one.

What is not confirmed because a process died is settled from the log: `reserved`
lists the commands. The whole index can be rebuilt from the log with the keys.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from os import urandom
from uuid import UUID

from cryptography.exceptions import InvalidTag

from domain.errors import Corrupt, Refused
from keys.database import select_in
from keys.gate import EpochKey, Gate, Transaction
from keys.names import owner_tag

_BINDING = b"metroledger/index/v1\0"
_NONCE_SIZE = 12


class Kind(enum.IntEnum):
    """What kind of value leads to ids. The numbers are stored."""

    EMAIL = 1
    METER = 2
    STAFF = 3
    """The e-mail of somebody who works here, and may live here too."""
    NOTICE = 4
    """A meter of which its operator was told to send nothing more; leads to the notice."""


_UNIQUE = {
    Kind.EMAIL: "e-mail is another account's",
    Kind.STAFF: "e-mail is another member's of the staff",
}
"""Kinds of which a value has one owner, or two people could sign in as one; said when taken."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value that leads to ids, in its one normal form, which the caller gives it.

    An e-mail is in lower case; a meter is its operator, fluid and number joined.
    """

    kind: Kind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a value leads: an account, and what of it (the meter; for an e-mail the account)."""

    owner: UUID
    subject: UUID


class EntryBroken(Corrupt):
    """A row of the lookup index does not open where it stands."""

    def __init__(self, number: int) -> None:
        """Give the number of the row."""
        super().__init__(
            f"Row {number} of the lookup index does not open: it was altered or moved. "
            "Restore the last backup of the key store."
        )
        self.number = number


class AlreadyTaken(Refused):
    """The e-mail belongs to another account, or another member of the staff."""

    def __init__(self, kind: Kind) -> None:
        """Take the kind alone: the value would be personal data."""
        super().__init__(f"This {_UNIQUE[kind]}: sign in with it, or choose another.")
        self.kind = kind


class OwnerGone(Refused):
    """The owner is erased or being erased: nothing new leads there."""

    def __init__(self, owner: UUID) -> None:
        """Name the owner's random id."""
        super().__init__(f"Owner {owner} is erased or being erased: open a new account.")
        self.owner = owner


class LookupIndex:
    """The index's rows; each method is one durable transaction."""

    def __init__(self, gate: Gate) -> None:
        """Use the key store's gate."""
        self._gate = gate

    def reserve(self, lookup: Lookup, entry: Entry, command: UUID) -> None:
        """Reserve an entry for a command; reserving it again does nothing.

        Raises `AlreadyTaken` for another owner's e-mail, `OwnerGone` for an owner
        who is erased or being erased.
        """
        self.reserve_many([(lookup, entry)], command)

    def reserve_many(self, wanted: Iterable[tuple[Lookup, Entry]], command: UUID) -> None:
        """Reserve all of these entries for one command, or none; see `reserve`."""
        with self._gate.writing() as tx:
            for lookup, entry in wanted:
                _reserve(tx, lookup, entry, command)

    def confirm(self, command: UUID) -> int:
        """Confirm what a command reserved; answers how many entries that were."""
        return self._settle(
            "UPDATE entries SET confirmed = 1 WHERE command = ? AND confirmed = 0", command
        )

    def free(self, command: UUID) -> int:
        """Free what a barred command reserved; what is confirmed stays."""
        return self._settle("DELETE FROM entries WHERE command = ? AND confirmed = 0", command)

    def reserved(self) -> frozenset[UUID]:
        """List the commands whose reservations are neither confirmed nor freed."""
        with self._gate.reading() as tx:
            rows = tx.connection.execute(
                "SELECT DISTINCT command FROM entries WHERE confirmed = 0"
            ).fetchall()
        return frozenset(UUID(bytes=command) for (command,) in rows)

    def reserving(self, lookup: Lookup) -> frozenset[UUID]:
        """List the commands that hold a value reserved, neither confirmed nor freed."""
        with self._gate.reading() as tx:
            rows = _rows(tx, _tags(tx, _text(lookup)))
        return frozenset(UUID(bytes=row[3]) for row in rows if row[4] == 0)

    def find(self, lookup: Lookup) -> frozenset[Entry]:
        """Find where a value leads; empty when nowhere."""
        return self.find_many([lookup]).get(lookup, frozenset())

    def find_many(self, lookups: Iterable[Lookup]) -> dict[Lookup, frozenset[Entry]]:
        """Find where each value leads; a value that leads nowhere is not in the answer."""
        found: dict[Lookup, set[Entry]] = {}
        with self._gate.reading() as tx:
            wanted = {tag: one for one in lookups for tag in _tags(tx, _text(one))}
            for row in _rows(tx, list(wanted)):
                if row[4] == 1:
                    lookup = wanted[row[1]]
                    found.setdefault(lookup, set()).add(_open_subject(tx, row, lookup))
        return {lookup: frozenset(entries) for lookup, entries in found.items()}

    def lead(self, kind: Kind, values: Sequence[str]) -> dict[str, list[tuple[bytes, bytes]]]:
        """Find where many values of a kind lead: owner and subject, 16 bytes each.

        The same as `find_many`, for a file of thousands.
        """
        found: dict[str, list[tuple[bytes, bytes]]] = {}
        with self._gate.reading() as tx:
            head = bytes([kind])
            texts = {value: head + value.encode() for value in values}
            wanted = {tag: value for value, text in texts.items() for tag in _tags(tx, text)}
            for row in _rows(tx, list(wanted)):
                if row[4] == 1:
                    value = wanted[row[1]]
                    content = _content(tx, row)
                    if content[16:] != texts[value]:
                        raise EntryBroken(row[0])
                    found.setdefault(value, []).append((row[2], content[:16]))
        return found

    def remove(self, lookup: Lookup, owner: UUID) -> int:
        """Remove one owner's entries of one value: an e-mail that changed, a meter moved out of."""
        with self._gate.writing() as tx:
            return sum(
                tx.connection.execute(
                    "DELETE FROM entries WHERE tag = ? AND owner = ?", (tag, owner.bytes)
                ).rowcount
                for tag in _tags(tx, _text(lookup))
            )

    def forget(self, owner: UUID) -> int:
        """Remove all that leads to an owner; answers how many entries that were."""
        return self._settle("DELETE FROM entries WHERE owner = ?", owner)

    def _settle(self, statement: str, value: UUID) -> int:
        with self._gate.writing() as tx:
            return tx.connection.execute(statement, (value.bytes,)).rowcount


_Row = tuple[int, bytes, bytes, bytes, int, bytes]
"""Number, tag, owner, command, confirmed, sealed."""

_COLUMNS = "SELECT number, tag, owner, command, confirmed, sealed FROM entries WHERE "


def subjects_of(tx: Transaction, owner: UUID) -> set[UUID]:
    """List what an owner's confirmed entries lead to."""
    rows = tx.connection.execute(
        _COLUMNS + "owner = ? AND confirmed = 1", (owner.bytes,)
    ).fetchall()
    return {UUID(bytes=_content(tx, row)[:16]) for row in rows}


def rekey(tx: Transaction, after: int, limit: int) -> int | None:
    """Tag and seal entries anew under the present epoch key, `limit` at most after a number.

    Answers the last one's number, None when all are done. Raises `EntryBroken`.
    """
    rows = tx.connection.execute(
        _COLUMNS + "number > ? ORDER BY number LIMIT ?", (after, limit)
    ).fetchall()
    anew = []
    for row in rows:
        content = _content(tx, row)
        tag = _tag(tx.epoch, content[16:])
        anew.append((tag, _seal(tx.epoch, tag, row[2], content), row[0]))
    tx.connection.executemany("UPDATE entries SET tag = ?, sealed = ? WHERE number = ?", anew)
    return rows[-1][0] if len(rows) == limit else None


def _rows(tx: Transaction, tags: list[bytes]) -> list[_Row]:
    return select_in(tx.connection, _COLUMNS + "tag IN", tags)


def _reserve(tx: Transaction, lookup: Lookup, entry: Entry, command: UUID) -> None:
    text = _text(lookup)
    present = [(_open(tx, row), row) for row in _rows(tx, _tags(tx, text))]
    if any(one == entry and (row[4] == 1 or row[3] == command.bytes) for one, row in present):
        return
    if lookup.kind in _UNIQUE and any(one.owner != entry.owner for one, _ in present):
        raise AlreadyTaken(lookup.kind)
    _require_open(tx, entry.owner)
    tag = _tag(tx.epoch, text)
    sealed = _seal(tx.epoch, tag, entry.owner.bytes, entry.subject.bytes + text)
    tx.connection.execute(
        "INSERT INTO entries (tag, owner, command, confirmed, sealed) VALUES (?, ?, ?, 0, ?)",
        (tag, entry.owner.bytes, command.bytes, sealed),
    )


def _require_open(tx: Transaction, owner: UUID) -> None:
    tag = owner_tag(owner)
    query = (
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM tombstones WHERE tag = ?) "
        "OR EXISTS (SELECT 1 FROM closed WHERE tag = ?)"
    )
    if tx.connection.execute(query, (tag, tag)).fetchone():
        raise OwnerGone(owner)


def _text(lookup: Lookup) -> bytes:
    """Lay out a value as its tag and its seal take it."""
    return bytes([lookup.kind]) + lookup.value.encode()


def _tags(tx: Transaction, text: bytes) -> list[bytes]:
    """Return what a value's rows may be tagged: while an epoch ends, under either key."""
    return [_tag(epoch, text) for epoch in tx.epochs]


def _tag(epoch: EpochKey, text: bytes) -> bytes:
    return blake2b(text, digest_size=16, key=epoch.index_tagging, person=b"index tag").digest()


def _seal(epoch: EpochKey, tag: bytes, owner: bytes, content: bytes) -> bytes:
    """Seal a subject's 16 bytes and a value's text, bound to tag and owner."""
    nonce = urandom(_NONCE_SIZE)
    return nonce + epoch.index_sealing.encrypt(nonce, content, _BINDING + tag + owner)


def _open(tx: Transaction, row: _Row) -> Entry:
    return Entry(UUID(bytes=row[2]), UUID(bytes=_content(tx, row)[:16]))


def _open_subject(tx: Transaction, row: _Row, lookup: Lookup) -> Entry:
    """Open a row that was found by its value, and check that it holds that value."""
    content = _content(tx, row)
    if content[16:] != _text(lookup):
        raise EntryBroken(row[0])
    return Entry(UUID(bytes=row[2]), UUID(bytes=content[:16]))


def _content(tx: Transaction, row: _Row) -> bytes:
    number, tag, owner, _, _, sealed = row
    binding = _BINDING + tag + owner
    for epoch in tx.epochs:
        try:
            return epoch.index_sealing.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], binding)
        except (InvalidTag, ValueError):  # a ValueError when it is too short to hold a nonce
            continue
    raise EntryBroken(number)
