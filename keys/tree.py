"""The rows of the key tree: find and open sub-keys in bulk, and mint new ones.

A batch is one or two statements however many keys it asks for, and a person's
key is unwrapped once for all of that person's sub-keys in it. Nothing opened
here outlives the call.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from os import urandom
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Refused
from keys.database import select_in
from keys.gate import Transaction
from keys.key import (
    SECRET_SIZE,
    Key,
    WrapBroken,
    new_id,
    person_binding,
    sub_binding,
    unwrap,
    wrap,
)
from keys.names import KeyName, consent_tag, owner_tag

_COLUMNS = (
    "SELECT k.id, k.tag, k.wrapped, p.owner, p.key_id, p.wrapped "
    "FROM keys k JOIN persons p ON p.number = k.person WHERE "
)
_PERSONS = "SELECT number, owner, key_id, wrapped FROM persons WHERE owner IN"

_INSERT = (
    "INSERT INTO keys (person, id, tag, purpose, consent, year, wrapped)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)

_Row = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
_OWNER, _FIRST = itemgetter(3), itemgetter(0)

_Wrapping = tuple[int, AESGCM]
"""A person's number, and the person's key ready to wrap."""


_RINGS = (
    "SELECT p.owner, p.key_id, p.wrapped, k.id, k.tag, k.wrapped, k.consent, k.year "
    "FROM persons p JOIN keys k ON k.person = p.number "
    "WHERE (k.purpose = 1 OR k.purpose = 3 AND k.year BETWEEN {} AND {}) AND p.owner IN"
)
"""The keys of purposes PROFILE and READINGS, of some years."""


@dataclass(slots=True)
class Ring:
    """What a delivery needs of one person: the profile's key, and those of readings.

    `readings` is by the consent's 16 bytes and the year.
    """

    profile: Key
    readings: dict[tuple[bytes, int], Key]


class KeyDestroyed(Refused):
    """A key was destroyed, or its owner's key was; its name is never used again."""

    def __init__(self, names: tuple[KeyName, ...]) -> None:
        """Take the names that were refused; nothing was minted for the others either."""
        super().__init__(
            f"{len(names)} key name(s) belong to destroyed keys, the first for "
            f"{names[0].purpose.name} of owner {names[0].owner}: what was erased cannot be "
            "written to again. Whoever comes back opens a new account, or consents anew."
        )
        self.names = names


class MintingClosed(Refused):
    """A consent has ended, or an owner is being erased: no new key is minted for it."""

    def __init__(self, names: tuple[KeyName, ...]) -> None:
        """Take the names that were refused; nothing was minted for the others either."""
        super().__init__(
            f"{len(names)} key name(s) are of a consent that has ended or an owner who is being "
            f"erased, the first for {names[0].purpose.name} of owner {names[0].owner}: "
            "nothing new may be sealed for it. Leave it out, and decide again."
        )
        self.names = names


def open_ids(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Key]:
    """Open the sub-keys of these ids; an id that is not there is not in the answer."""
    wanted = {one.bytes: one for one in ids}
    opened = _open_rows(tx, select_in(tx.connection, _COLUMNS + "k.id IN", list(wanted)))
    return {(one := wanted[raw]): Key(one, secret) for raw, _, secret in opened}


def open_names(tx: Transaction, wanted: Mapping[bytes, KeyName]) -> dict[KeyName, Key]:
    """Open the sub-keys of these tags; a name without a living key is not in the answer."""
    opened = _open_rows(tx, select_in(tx.connection, _COLUMNS + "k.tag IN", list(wanted)))
    return {wanted[tag]: Key(UUID(bytes=raw), secret) for raw, tag, secret in opened}


def open_rings(
    tx: Transaction, owners: Sequence[bytes], first_year: int, last_year: int
) -> dict[bytes, Ring]:
    """Open the keys of owners' profiles, and of their readings of some years, both included."""
    rows = select_in(tx.connection, _RINGS.format(int(first_year), int(last_year)), owners)
    rows.sort(key=_FIRST)
    rings: dict[bytes, Ring] = {}
    for owner, of_owner in groupby(rows, _FIRST):
        profile: Key | None = None
        readings: dict[tuple[bytes, int], Key] = {}
        wrapping: AESGCM | None = None
        for _, person_key, person_wrapped, raw, tag, wrapped, consent, year in of_owner:
            if wrapping is None:
                wrapping = AESGCM(_open_person(tx, owner, person_key, person_wrapped))
            key = Key(UUID(bytes=raw), _open_sub(wrapping, owner, raw, tag, wrapped))
            if consent is None:
                profile = key
            else:
                readings[consent, year] = key
        if profile is not None:
            rings[owner] = Ring(profile, readings)
    return rings


def refuse(tx: Transaction, wanted: Mapping[bytes, KeyName]) -> None:
    """Raise `KeyDestroyed` or `MintingClosed` if any of these names may not be minted."""
    owners = {name.owner: owner_tag(name.owner) for name in wanted.values()}
    barred = _present(tx, "tombstones", [*wanted, *owners.values()])
    dead = [n for t, n in wanted.items() if t in barred or owners[n.owner] in barred]
    if dead:
        raise KeyDestroyed(tuple(dead))
    consents = {
        name: consent_tag(name.owner, name.consent)
        for name in wanted.values()
        if name.consent is not None
    }
    closed = _present(tx, "closed", [*owners.values(), *consents.values()])
    over = [n for n in wanted.values() if owners[n.owner] in closed or consents.get(n) in closed]
    if over:
        raise MintingClosed(tuple(over))


def buried(tx: Transaction, wanted: Sequence[bytes]) -> set[bytes]:
    """Return those of these tags that a destroyed key left behind."""
    return _present(tx, "tombstones", wanted)


def add(tx: Transaction, wanted: Mapping[bytes, KeyName]) -> dict[KeyName, Key]:
    """Mint a key for each of these names, and a person's key where there is none yet."""
    persons = _persons(tx, list(dict.fromkeys(name.owner.bytes for name in wanted.values())))
    noise = urandom(SECRET_SIZE * len(wanted))
    minted: dict[KeyName, Key] = {}
    rows = []
    for n, (tag, name) in enumerate(wanted.items()):
        key = Key(new_id(), noise[SECRET_SIZE * n : SECRET_SIZE * (n + 1)])
        number, wrapping = persons[name.owner.bytes]
        binding = sub_binding(owner=name.owner.bytes, key_id=key.id.bytes, tag=tag)
        wrapped = wrap(wrapping, key.secret, binding)
        consent = None if name.consent is None else name.consent.bytes
        rows.append((number, key.id.bytes, tag, int(name.purpose), consent, name.year, wrapped))
        minted[name] = key
    tx.connection.executemany(
        _INSERT,
        rows,
    )
    return minted


def _persons(tx: Transaction, owners: Sequence[bytes]) -> dict[bytes, _Wrapping]:
    """Open the persons' keys of these owners, and mint those that are not there."""
    known = {
        owner: (number, AESGCM(_open_person(tx, owner, key_id, wrapped)))
        for number, owner, key_id, wrapped in select_in(tx.connection, _PERSONS, owners)
    }
    new = [owner for owner in owners if owner not in known]
    (last,) = tx.connection.execute("SELECT coalesce(max(number), 0) FROM persons").fetchone()
    rows = []
    for number, owner in enumerate(new, last + 1):
        secret, key_id = urandom(SECRET_SIZE), new_id().bytes
        binding = person_binding(epoch=tx.epoch.id.bytes, owner=owner, key_id=key_id)
        rows.append((number, owner, key_id, wrap(tx.epoch.wrapping, secret, binding)))
        known[owner] = (number, AESGCM(secret))
    tx.connection.executemany("INSERT INTO persons VALUES (?, ?, ?, ?)", rows)
    return known


def _open_rows(tx: Transaction, rows: list[_Row]) -> list[tuple[bytes, bytes, bytes]]:
    """Unwrap each row's sub-key, and each person's key once: id, tag, secret.

    Ordered by owner, so that one cipher object (2.5 kB) lives at a time.
    """
    rows.sort(key=_OWNER)
    opened = []
    owner, wrapping = b"", None
    for raw, tag, wrapped, of, person_key, person_wrapped in rows:
        if wrapping is None or of != owner:
            owner, wrapping = of, AESGCM(_open_person(tx, of, person_key, person_wrapped))
        opened.append((raw, tag, _open_sub(wrapping, owner, raw, tag, wrapped)))
    return opened


def _open_sub(wrapping: AESGCM, owner: bytes, raw: bytes, tag: bytes, wrapped: bytes) -> bytes:
    secret = unwrap(wrapping, wrapped, sub_binding(owner=owner, key_id=raw, tag=tag))
    if secret is None:
        raise WrapBroken(UUID(bytes=raw))
    return secret


def _open_person(tx: Transaction, owner: bytes, key_id: bytes, wrapped: bytes) -> bytes:
    secret = tx.open_person(owner, key_id, wrapped)
    if secret is None:
        raise WrapBroken(UUID(bytes=key_id))
    return secret


_PRESENT = {
    "tombstones": "SELECT tag FROM tombstones WHERE tag IN",
    "closed": "SELECT tag FROM closed WHERE tag IN",
}


def _present(tx: Transaction, table: str, wanted: Sequence[bytes]) -> set[bytes]:
    return {one for (one,) in select_in(tx.connection, _PRESENT[table], wanted)}
