"""What one journal line does to the store.

There is one way to destroy a key: write it in the journal, then catch up with
the journal. Opening a store after a crash, or a store restored from a backup, is
the same second half, so the way that is rare is walked every day.

Destroying a sub-key deletes its row *and re-keys the path above it*: its person
gets a new key, and the sub-keys that remain are wrapped anew under that. Why: the
old wrapped bytes may lie in a backup. They open under the person's old key, which
lies wrapped in the same backup under the epoch key. Were the person's key kept,
it would go over into the next epoch and could open the old bytes for ever. So the
old person's key must have no wrap but under epoch keys that will be destroyed.

What stays behind is a tombstone: the key's id, the tag of its name, its
fingerprint and the instant. A wrapped key that is broken is destroyed like any
other, without a fingerprint: nothing may stand in the way of a destruction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.database import select_in
from keys.gate import Transaction
from keys.journal import Destroyed, Journal
from keys.key import (
    Key,
    fingerprint,
    new_secret,
    person_binding,
    sub_binding,
    unwrap,
    wrap,
)
from keys.names import owner_tag

_BY_KEY = "SELECT number, owner, key_id, wrapped FROM persons WHERE key_id = ?"
_BY_NUMBER = "SELECT number, owner, key_id, wrapped FROM persons WHERE number = ?"

_Tombstone = tuple[bytes, bytes | None, bytes | None, str]
"""Id, tag, fingerprint, instant: a row of that table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """A person's row, with its key if the wrap is whole."""

    number: int
    owner: bytes
    key_id: bytes
    secret: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _SubKey:
    """A sub-key's row, with its key if the wraps above it are whole."""

    id: bytes
    tag: bytes
    secret: bytes | None


def catch_up(tx: Transaction, journal: Journal) -> int:
    """Do what the journal lists and the store has not done; answers how many keys went.

    Runs inside a transaction that writes. A torn last line is cut off.
    """
    entries, end = journal.since(tx.applied)
    journal.cut(end)
    gone = _destroy_owners(tx, [one for one in entries if one.kind == "owner"])
    gone += _destroy_keys(tx, [one for one in entries if one.kind == "key"])
    tx.connection.execute("UPDATE meta SET applied = ?", (end,))
    return gone


def _destroy_owners(tx: Transaction, entries: Sequence[Destroyed]) -> int:
    """Delete persons with all that is theirs: sub-keys and entries of the lookup index."""
    gone = 0
    for entry in entries:
        at = entry.at.isoformat()
        person = _person(tx, _BY_KEY, entry.key_id.bytes)
        if person is None:
            _forget_unkeyed(tx, entry)
        else:
            subs = _sub_keys(tx, person)
            _bury(tx, [_tombstone(one, at) for one in subs])
            tx.connection.execute("DELETE FROM entries WHERE owner = ?", (person.owner,))
            tx.connection.execute("DELETE FROM keys WHERE person = ?", (person.number,))
            tx.connection.execute("DELETE FROM persons WHERE number = ?", (person.number,))
            gone += len(subs)
        _bury(tx, [(entry.key_id.bytes, entry.tag, None, at)])
    return gone


def _forget_unkeyed(tx: Transaction, entry: Destroyed) -> None:
    """Delete the lookup entries of an owner who has no key here; rare, so by a scan."""
    for (owner,) in tx.connection.execute("SELECT DISTINCT owner FROM entries").fetchall():
        if owner_tag(UUID(bytes=owner)) == entry.tag:
            tx.connection.execute("DELETE FROM entries WHERE owner = ?", (owner,))


def _destroy_keys(tx: Transaction, entries: Sequence[Destroyed]) -> int:
    """Delete sub-keys and re-key their persons, one person at a time."""
    instants = {one.key_id.bytes: one.at.isoformat() for one in entries}
    query = "SELECT DISTINCT person FROM keys WHERE id IN"
    people = {number for (number,) in select_in(tx.connection, query, list(instants))}
    gone = 0
    for number in sorted(people):
        person = _person(tx, _BY_NUMBER, number)
        if person is None:
            continue
        subs = _sub_keys(tx, person)
        dead = [one for one in subs if one.id in instants]
        _bury(tx, [_tombstone(one, instants[one.id]) for one in dead])
        tx.connection.executemany("DELETE FROM keys WHERE id = ?", [(one.id,) for one in dead])
        _rekey(tx, person, [one for one in subs if one.id not in instants])
        gone += len(dead)
    _bury(tx, [(one.key_id.bytes, one.tag, None, one.at.isoformat()) for one in entries])
    return gone


def _rekey(tx: Transaction, person: _Person, remaining: Iterable[_SubKey]) -> None:
    """Give a person a new key, and wrap the remaining sub-keys under it.

    A wrap that is broken stays as it is: it opens nothing before or after.
    """
    secret = new_secret()
    wrapping = AESGCM(secret)
    wraps = [
        (
            wrap(wrapping, one.secret, sub_binding(owner=person.owner, key_id=one.id, tag=one.tag)),
            one.id,
        )
        for one in remaining
        if one.secret is not None
    ]
    binding = person_binding(epoch=tx.epoch.id.bytes, owner=person.owner, key_id=person.key_id)
    tx.connection.executemany("UPDATE keys SET wrapped = ? WHERE id = ?", wraps)
    tx.connection.execute(
        "UPDATE persons SET wrapped = ? WHERE number = ?",
        (wrap(tx.epoch.wrapping, secret, binding), person.number),
    )


def _person(tx: Transaction, query: str, value: bytes | int) -> _Person | None:
    row = tx.connection.execute(query, (value,)).fetchone()
    if row is None:
        return None
    number, owner, key_id, wrapped = row
    secret = tx.open_person(owner, key_id, wrapped)
    return _Person(number=number, owner=owner, key_id=key_id, secret=secret)


def _sub_keys(tx: Transaction, person: _Person) -> list[_SubKey]:
    rows = tx.connection.execute(
        "SELECT id, tag, wrapped FROM keys WHERE person = ?", (person.number,)
    ).fetchall()
    wrapping = None if person.secret is None else AESGCM(person.secret)
    return [_sub_key(person, wrapping, row) for row in rows]


def _sub_key(person: _Person, wrapping: AESGCM | None, row: tuple[bytes, bytes, bytes]) -> _SubKey:
    key_id, tag, wrapped = row
    binding = sub_binding(owner=person.owner, key_id=key_id, tag=tag)
    secret = None if wrapping is None else unwrap(wrapping, wrapped, binding)
    return _SubKey(id=key_id, tag=tag, secret=secret)


def _tombstone(sub: _SubKey, at: str) -> _Tombstone:
    known = None if sub.secret is None else fingerprint(Key(UUID(bytes=sub.id), sub.secret))
    return sub.id, sub.tag, known, at


def _bury(tx: Transaction, tombstones: Iterable[_Tombstone]) -> None:
    """Leave tombstones; one that is there already stays as it was."""
    tx.connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?, ?)", tombstones)
