"""A small real ledger, its records byte by byte, and what a forger can do to them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.dso.enedis.series import town
from application import consenting, erasure
from application.erasure import certificate_of
from domain.aggregates.consent import Origin
from domain.errors import MetroledgerError, Refused
from domain.values import Category
from ledger.frames import key_id_of, open_event
from ledger.readings import key_ids, open_readings
from ledger.record import Kind, assemble, decode, encode_frame, encode_header, split
from ledger.simulated import SimulatedLog
from metroledger.bootstrap import administrator
from metroledger.cli.audits import subject_of
from proofs.merkle import leaf_hash, root
from replay.refold import Refold
from replay.report import audit_closed, audit_open
from schemas.canonical import b64
from schemas.leaf import READING_LEAF_SIZE, decode_leaf, rest_of
from schemas.private import decode_private
from tests.application.world import ORIGIN, SEED, grant, settle, take, write_nights
from tests.scenarios.erasing import ask_for_erasure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from random import Random
    from uuid import UUID

    from keys.key import Key
    from ledger.record import Frame, Record
    from ledger.rule import Head
    from metroledger.bootstrap import Installation
    from replay.report import Report, Subject
    from tests.application.world import Place

HOUSEHOLDS: Final = 14
NIGHTS: Final = 4
FIRST: Final = date(2026, 3, 1)

CLOSED, OPEN, ERASED = "closed", "open", "erased"
"""Who must see that a byte was altered: any auditor; one with keys; nobody, by design."""


@dataclass(slots=True)
class Evidence:
    """Everything that an auditor has of a ledger, taken out of it."""

    records: list[bytes]
    subject: Subject
    keys: dict[UUID, Key]
    ordered: frozenset[UUID]
    commits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        kinds = [decode(record).header.kind for record in self.records]
        self.commits = [at for at, kind in enumerate(kinds) if kind is Kind.COMMIT]

    def closed(self, records: Sequence[bytes]) -> Report:
        return audit_closed(replace(self.subject, log=SimulatedLog(records=list(records))))

    def opened(self, records: Sequence[bytes]) -> Report:
        def fetch(ids: set[UUID]) -> dict[UUID, Key]:
            return {one: self.keys[one] for one in ids if one in self.keys}

        return audit_open(replace(self.subject, log=SimulatedLog(records=list(records))), fetch)

    def with_one(self, at: int, record: bytes) -> list[bytes]:
        return [*self.records[:at], record, *self.records[at + 1 :]]


def inhabit(installation: Installation, directory: Path) -> None:
    """Write some hundred records of every kind that this ledger has."""
    homes = town(SEED, HOUSEHOLDS)
    both = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)
    households = [
        settle(installation, home.number, categories=both[: 1 + place % 2])
        for place, home in enumerate(homes)
    ]
    nights = [FIRST + timedelta(days=n) for n in range(NIGHTS)]
    for path in write_nights(directory, homes, nights):
        take(installation, path)
    for household in households[:2]:
        consenting.withdraw_consent(
            installation.services, household.consents[0], origin=Origin.RESIDENT
        )
    for household in households[2:4]:
        ask_for_erasure(installation, household)
        erasure.erase(installation.services, household.account, administrator(installation))
        certificate_of(installation.services, household.account)
    with contextlib.suppress(Refused):
        # A second consent to the same: so the barrier of a refusal is in the log too.
        grant(installation, households[5].account, households[5].meter)


def evidence_of(installation: Installation) -> Evidence:
    """Take out of a ledger what its auditors have."""
    log = installation.log
    entries = [entry for at in range(log.end()) for entry in log.read(at, limit=1)]
    records = [entry.record for entry in entries]
    ids = {one for record in records for frame in decode(record).frames for one in _keys_of(frame)}
    return Evidence(
        records=records,
        subject=subject_of(installation),
        keys=installation.keys.fetch(ids),
        ordered=installation.register.read().ordered,
    )


def _keys_of(frame: Frame) -> Iterator[UUID]:
    if (key := key_id_of(frame)) is not None:
        yield key
    if frame.readings is not None:
        yield from key_ids(frame.readings, decode_private(frame.private).extra)


def zones(record: bytes, ordered: frozenset[UUID]) -> Iterator[tuple[str, str]]:
    """Yield for each byte of a commit's record which part it is of, and who must see it altered."""
    header, _ = split(record)
    yield from _zone("header", CLOSED, 4 + len(header))
    yield from _zone("frame count", CLOSED, 2)
    for frame in decode(record).frames:
        yield from _zone("lengths", CLOSED, 14)
        yield from _zone("leaf", CLOSED, len(frame.leaf))
        yield from _zone("private", CLOSED, len(frame.private))
        key = key_id_of(frame)
        yield from _zone("sealed", ERASED if key in ordered else OPEN, len(frame.sealed))
        if frame.readings is not None:
            yield from _zone("readings' leaves", CLOSED, len(frame.readings.leaves))
            yield from _zone("readings' lengths", CLOSED, 2 * len(frame.readings))
            ids = key_ids(frame.readings, decode_private(frame.private).extra)
            for one, sealed in zip(ids, frame.readings.sealed, strict=True):
                yield from _zone("sealed readings", ERASED if one in ordered else OPEN, len(sealed))


def _zone(name: str, seen_by: str, size: int) -> Iterator[tuple[str, str]]:
    return ((name, seen_by) for _ in range(size))


def seen_closed(before: Record, altered: bytes) -> bool:
    """Whether an altered record shows that it is, to who has the published leaves and no key."""
    try:
        record = decode(altered)
        if len(record.frames) != len(before.frames):
            return True
        digest = hashlib.sha256(record.header_bytes).digest()
        return any(
            frame.leaf != published.leaf or not _bound(frame, digest)
            for frame, published in zip(record.frames, before.frames, strict=True)
        )
    except MetroledgerError:
        return True  # it is void, and the leaves that were published of it are missing


def _bound(frame: Frame, digest: bytes) -> bool:
    leaf = decode_leaf(frame.leaf)
    if rest_of(digest, frame.private) != leaf.rest:
        return False
    if frame.readings is None:
        return not (leaf.payload or {}).get("readings")
    leaves = frame.readings.leaves
    hashes = [
        leaf_hash(leaves[at : at + READING_LEAF_SIZE])
        for at in range(0, len(leaves), READING_LEAF_SIZE)
    ]
    payload = leaf.payload or {}
    return (payload["readings"], payload["root"]) == (len(hashes), b64(root(hashes)))


def seen_open(altered: bytes, evidence: Evidence) -> bool:
    """Whether an altered record shows that it is, to who has the keys as well."""
    try:
        record = decode(altered)
        digest = hashlib.sha256(record.header_bytes).digest()
        for frame in record.frames:
            open_event(frame, digest, evidence.keys, evidence.ordered)
            if frame.readings is not None:
                ids = key_ids(frame.readings, decode_private(frame.private).extra)
                every = open_readings(
                    frame.readings, ids, range(len(ids)), evidence.keys, evidence.ordered
                )
                list(every)
    except MetroledgerError:
        return True
    return False


def flip(record: bytes, at: int, bit: int) -> bytes:
    return record[:at] + bytes([record[at] ^ 1 << bit]) + record[at + 1 :]


@dataclass(slots=True)
class Flips:
    """How many flips were made in each part, and those that were seen by another than expected."""

    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexpected: list[tuple[int, int, int, str]] = field(default_factory=list)


def flip_all(evidence: Evidence, records: Sequence[int], bits: Sequence[int]) -> Flips:
    """Flip every byte of the given records, one at a time."""
    done = Flips()
    for number in records:
        record = evidence.records[number]
        before = decode(record)
        for at, (zone, seen_by) in enumerate(zones(record, evidence.ordered)):
            for bit in bits:
                altered = flip(record, at, (bit + at) % 8)
                done.made[zone, seen_by] += 1
                if seen_closed(before, altered):
                    seen = CLOSED
                else:
                    seen = OPEN if seen_open(altered, evidence) else ERASED
                if seen != seen_by:
                    done.unexpected.append((number, at, bit, f"{zone}: {seen} not {seen_by}"))
    return done


def another_command(record: bytes, heads: Mapping[bytes, Head] | None = None) -> bytes | None:
    """Give a record's events to another command; with `heads`, where the rule accepts it.

    None where no rule would: a stream has ended, and takes nothing any more.
    """
    before = decode(record)
    header = replace(before.header, command=os.urandom(16))
    if heads is not None:
        if any(heads[write.stream].ended for write in header.writes):
            return None
        writes = (write._replace(version=heads[write.stream].version) for write in header.writes)
        header = replace(header, reads=(), writes=tuple(writes))
    return assemble(encode_header(header), [encode_frame(frame) for frame in before.frames])


def _heads(records: Sequence[bytes]) -> Mapping[bytes, Head]:
    """Return where every stream stands after these records."""
    refold = Refold(SimulatedLog(records=list(records)), ORIGIN)
    for _ in refold.commits():
        pass
    return refold.heads


def mutations(evidence: Evidence, chance: Random) -> Iterator[tuple[str, list[bytes]]]:
    """Yield a thousand forgeries of the whole log without end: what was done, and the records.

    None is made of records that carry no event: barriers, void records and the genesis are
    not in the tree; `metroledger replay` is who compares those.
    """
    while True:
        records, commits = evidence.records, evidence.commits
        one, other = sorted(chance.sample(commits, 2))
        at = chance.randrange(4, len(records[one]))
        zone, seen_by = list(zones(records[one], evidence.ordered))[at]
        if seen_by == CLOSED:
            flipped = flip(records[one], at, chance.randrange(8))
            yield f"flip a bit of the {zone}", evidence.with_one(one, flipped)
        swapped = list(records)
        swapped[one], swapped[other] = records[other], records[one]
        yield "swap two records", swapped
        yield "drop a record", [*records[:one], *records[one + 1 :]]
        yield "replay an old record in another's place", evidence.with_one(other, records[one])
        again = another_command(records[one], _heads(records[:other]))
        if again is not None:
            inserted = [*records[:other], again, *records[other:]]
            yield "insert an old event under a new command", inserted
        stolen = another_command(records[one])
        if stolen is not None:
            yield "give an event to another command", evidence.with_one(one, stolen)
        yield from _of_frames(evidence, one, chance)


def _of_frames(evidence: Evidence, one: int, chance: Random) -> Iterator[tuple[str, list[bytes]]]:
    """Yield forgeries of the events inside a record, its header left as it was."""
    before = decode(evidence.records[one])
    frames = [encode_frame(frame) for frame in before.frames]
    if len(frames) > 1:
        first, second = chance.sample(range(len(frames)), 2)
        swapped = list(frames)
        swapped[first], swapped[second] = frames[second], frames[first]
        record = assemble(before.header_bytes, swapped)
        yield "swap two events of a record", evidence.with_one(one, record)
        record = assemble(before.header_bytes, [frames[first]] * len(frames))
        yield "repeat an event of a record", evidence.with_one(one, record)
    donor = decode(evidence.records[chance.choice(evidence.commits)])
    if donor.frames != before.frames and donor.frames[0].events == before.frames[0].events:
        record = assemble(before.header_bytes, [encode_frame(donor.frames[0]), *frames[1:]])
        yield "put an event in another's place", evidence.with_one(one, record)


def overwrite(place: Place, records: Sequence[bytes]) -> None:
    """Write other records into a ledger's database, as its owner can."""
    with psycopg.connect(place.database or "") as connection:
        connection.execute("alter table log disable trigger user")
        connection.execute("truncate log")
        with connection.cursor() as cursor:
            cursor.executemany("insert into log values (%s, %s)", list(enumerate(records)))
        connection.execute("alter table log enable trigger user")
