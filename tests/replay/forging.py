"""A writer that obeys nobody: it seals like ours and appends whatever it is told to.

Its records pass the fold, for the fold looks at headers alone. `Forger` keeps the
versions of its streams, so that every commit is accepted; what a commit says may be as
false as a test wants it. `publish` folds the log and publishes what it led to, `alter`
changes a record afterwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.events.account import DestructionOrdered
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentGranted,
    ConsentWithdrawn,
    Evidence,
)
from domain.events.delivery import DeliveryReceived
from domain.events.reading import (
    IndexReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Register,
    Run,
)
from domain.values import Actor, Category, Channel, Direction, Fluid, Role, midnight
from keys.key import Key
from ledger import record as records
from ledger.fold import Folder
from ledger.frames import Draft, seal_event
from ledger.genesis import make_genesis
from ledger.memory import MemoryFoldStore
from ledger.readings import row_of, seal_readings
from ledger.record import Frame, Header, Kind, Read, Readings, Write
from ledger.simulated import SimulatedLog
from proofs.checkpoint import Checkpoint
from proofs.merkle import leaf_hash, root
from replay.report import Subject
from schemas.canonical import b64
from schemas.leaf import Leaf, encode_leaf, hour_of, rest_of
from schemas.private import NO_KEY, Private, encode_private
from schemas.registry import ENDING_TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from domain.events import Event
    from domain.events.reading import Reading
    from ledger.record import Record

ORIGIN: Final = "ledger.example.org/forged"
NOON: Final = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
FIRST_DAY: Final = date(2026, 1, 1)
LAST_DAY: Final = date(2027, 12, 31)
YESTERDAY: Final = date(2026, 11, 24)
SYSTEM: Final = Actor(role=Role.SYSTEM, id=UUID(int=1))
EVIDENCE: Final = Evidence(
    channel="portal",
    wording=UUID(int=2),
    wording_version="1",
    sha256="0" * 64,
    language="fr",
    act="button pressed",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One event to be written: what, by whose key, and with which readings."""

    stream: UUID
    event: Event
    key: Key | None = None
    readings: Readings | None = None
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Held:
    """A consent as the forger made it: its id, its point, the keys of its evidence and readings."""

    id: UUID
    number: str
    evidence: Key
    readings: Key


@dataclass(slots=True)
class Forger:
    """Writes what it is told into a log, and knows every key."""

    chance: Random = field(default_factory=lambda: Random(7))
    log: SimulatedLog = field(default_factory=SimulatedLog)
    versions: dict[UUID, int] = field(default_factory=dict)
    keys: dict[UUID, Key] = field(default_factory=dict)
    cites: dict[UUID, str] = field(default_factory=dict)
    at: datetime = NOON
    leaves: int = 0

    def __post_init__(self) -> None:
        """Begin the log."""
        self.log.append([make_genesis(ORIGIN, "2026-11-25T00:00:00Z")])

    # ── What is written ─────────────────────────────────────────────────────────────────

    def commit(
        self,
        *said: Said,
        reads: Sequence[UUID] = (),
        claims: Mapping[UUID, UUID] | None = None,
    ) -> int:
        """Append one commit that expects its own streams and `reads`; return its first leaf.

        `claims` maps the stream that the header writes to the one that an event says it is of.
        """
        claimed = claims or {}
        header = records.encode_header(self._header(said, reads))
        digest = hashlib.sha256(header).digest()
        frames = [
            self._frame(replace(one, stream=claimed.get(one.stream, one.stream)), digest)
            for one in said
        ]
        return self.append(header, frames)

    def append(self, header: bytes, frames: Sequence[Frame]) -> int:
        """Append a record of frames as they are; return the index of its first leaf."""
        self.log.append([records.assemble(header, list(map(records.encode_frame, frames)))])
        first, self.leaves = self.leaves, self.leaves + len(frames)
        return first

    def _header(self, said: Sequence[Said], reads: Sequence[UUID]) -> Header:
        events: dict[UUID, int] = {}
        ends: set[UUID] = set()
        for one in said:
            held = len(one.readings) if one.readings else 0
            events[one.stream] = events.get(one.stream, 0) + 1 + held
            if one.event.TOPIC in ENDING_TOPICS:
                ends.add(one.stream)
        return Header(
            kind=Kind.COMMIT,
            command=self.chance.randbytes(16),
            reads=tuple(Read(s.bytes, self.versions.get(s, 0)) for s in reads if s not in events),
            writes=tuple(
                Write(stream.bytes, self.versions.get(stream, 0), count, int(stream in ends))
                for stream, count in sorted(events.items(), key=lambda item: item[0].bytes)
            ),
        )

    def _frame(self, said: Said, header: bytes) -> Frame:
        version = self.versions.get(said.stream, 0) + 1
        draft = Draft(
            originator_id=said.stream,
            originator_version=version,
            event=said.event,
            header=header,
            key=said.key,
            at=self.at,
            actor=SYSTEM,
            extra=said.extra,
        )
        frame = replace(seal_event(draft), readings=said.readings)
        self.versions[said.stream] = version + frame.events - 1
        if isinstance(said.event, AgreementSigned):
            self.cites[said.stream] = b64(leaf_hash(frame.leaf))
        return frame

    def forge(self, topic: str, **members: object) -> int:
        """Append a commit of one event whose leaf says exactly `members`, valid or not."""
        stream = self.new_id()
        header = records.encode_header(
            Header(
                kind=Kind.COMMIT,
                command=self.chance.randbytes(16),
                writes=(Write(stream.bytes, 0, 1, int(topic in ENDING_TOPICS)),),
            )
        )
        private = encode_private(
            Private(bytes(16), stream, 1, self.at, NO_KEY, SYSTEM.role, SYSTEM.id)
        )
        said: dict[str, Any] = {
            "v": 1,
            "type": topic,
            "event": self.new_id(),
            "hour": hour_of(self.at),
            "rest": rest_of(hashlib.sha256(header).digest(), private),
        }
        said.update(members)
        leaf = encode_leaf(Leaf(**said))
        return self.append(header, [Frame(leaf=leaf, private=private)])

    def new_id(self) -> UUID:
        """Draw a random id."""
        return UUID(bytes=self.chance.randbytes(16))

    def new_key(self) -> Key:
        """Draw a key, and keep it."""
        key = Key(self.new_id(), self.chance.randbytes(32))
        self.keys[key.id] = key
        return key

    # ── What an honest writer would write ───────────────────────────────────────────────

    def sign(self, **other: object) -> UUID:
        """Sign an agreement with Enedis, but for what is given otherwise."""
        said: dict[str, Any] = {
            "operator": "enedis",
            "reference": "convention",
            "channels": (Channel.SGE,),
            "categories": (Category.DAILY_INDEX, Category.MAXIMUM_POWER),
            "first_day": FIRST_DAY,
            "last_day": LAST_DAY,
        }
        stream = self.new_id()
        said.update(other)
        self.commit(Said(stream, AgreementSigned(**said)))
        return stream

    def end_agreement(self, agreement: UUID) -> int:
        """End an agreement."""
        return self.commit(Said(agreement, AgreementEnded(reason="it was ended")))

    def grant(self, agreement: UUID, **other: object) -> Held:
        """Grant a consent to the daily index of a point of its own."""
        consent = self.new_id()
        said: dict[str, Any] = {
            "consent": consent,
            "cites": self.cites[agreement],
            "category": Category.DAILY_INDEX,
            "last_day": LAST_DAY,
            "operator": "enedis",
            "fluid": Fluid.ELECTRICITY,
            "number": f"{self.chance.randrange(10**14):014}",
            "recipient": "metropole",
            "purpose": "consumption_view",
            "granted_at": self.at,
            "first_data_day": FIRST_DAY,
            "evidence": EVIDENCE,
            "holder": "SIMPSON",
            "account": self.new_id(),
            "meter": self.new_id(),
            "agreement": agreement,
        }
        said.update(other)
        granted = ConsentGranted(**said)
        held = Held(consent, granted.number, self.new_key(), self.new_key())
        self.commit(Said(consent, granted, held.evidence), reads=[agreement])
        return held

    def extend(self, held: Held, last_day: date) -> int:
        """Prolong a consent."""
        said = ConsentExtended(
            consent=held.id, last_day=last_day, extended_at=self.at, evidence=EVIDENCE
        )
        return self.commit(Said(held.id, said, held.evidence))

    def withdraw(self, held: Held) -> int:
        """End a consent by withdrawal."""
        said = ConsentWithdrawn(consent=held.id, withdrawn_at=self.at, origin="resident")
        return self.commit(Said(held.id, said, held.evidence))

    def expire(self, held: Held) -> int:
        """Record a consent's expiry."""
        said = ConsentExpired(consent=held.id, expired_on=LAST_DAY)
        return self.commit(Said(held.id, said, held.evidence))

    def deliver(
        self,
        agreement: UUID | None,
        rows: Sequence[tuple[Held, Reading]],
        *,
        as_of: Sequence[UUID] = (),
        repeat: int = 1,
        **other: object,
    ) -> int:
        """Take a delivery in; return its leaf.

        `repeat` is how often it holds each reading, `other` members of `DeliveryReceived`.
        """
        readings, ids = seal_readings([row_of(held.id, held.readings, said) for held, said in rows])
        readings = Readings(leaves=readings.leaves * repeat, sealed=readings.sealed * repeat)
        ids *= repeat
        said: dict[str, Any] = {
            "cites": self.cites[agreement] if agreement else None,
            "operator": "enedis",
            "channel": Channel.SGE,
            "flow": "R151",
            "part": 1,
            "parts": 1,
            "readings": len(readings),
            "root": root_of(readings),
            "counts": {"accepted": len(readings)},
        }
        said.update(other)
        received = DeliveryReceived(**said)
        held = readings if len(readings) else None
        return self.commit(
            Said(self.new_id(), received, readings=held, extra=ids), reads=list(as_of)
        )

    def order(self, keys: Iterable[Key]) -> int:
        """Order keys destroyed, as a meter's past is; they are not, until `destroy` is called."""
        ids, request = sorted(key.id.bytes for key in keys), self.new_id()
        said = DestructionOrdered(
            request=request, keys=len(ids), root=b64(root(map(leaf_hash, ids)))
        )
        return self.commit(Said(request, said, extra=b"".join(ids)))

    def destroy(self, keys: Iterable[Key]) -> None:
        """Forget keys for ever."""
        for key in keys:
            del self.keys[key.id]

    # ── What is audited ─────────────────────────────────────────────────────────────────

    def fetch(self, ids: set[UUID]) -> Mapping[UUID, Key]:
        """Return the living keys of ids."""
        return {key: self.keys[key] for key in ids if key in self.keys}

    def published(self) -> Subject:
        """Fold the log, publish what it led to, and return the subject of an audit."""
        store = MemoryFoldStore()
        Folder(self.log, store, ORIGIN).fold_through(self.log.end() - 1)
        cursor = store.cursor()
        return Subject(
            log=self.log,
            origin=ORIGIN,
            published=Checkpoint(origin=ORIGIN, size=cursor.size, root=cursor.frontier.root()),
            entry=list(store.entries(0, cursor.size)).__getitem__,
        )


def root_of(readings: Readings) -> str:
    """Return the root over readings' leaves as a delivery's leaf holds it."""
    return b64(root(leaf_hash(readings.leaf(place)) for place in range(len(readings))))


def alter(log: SimulatedLog, offset: int, change: Callable[[Record], Record]) -> None:
    """Change the record at an offset, after it was folded and published."""
    record = change(records.decode(log.records[offset]))
    frames = [records.encode_frame(frame) for frame in record.frames]
    log.records[offset] = records.assemble(record.header_bytes, frames, record.note)


def alter_frame(record: Record, place: int, change: Callable[[Frame], Frame]) -> Record:
    """Return a record with one frame changed."""
    frames = list(record.frames)
    frames[place] = change(frames[place])
    return replace(record, frames=tuple(frames))


def index(held: Held, day: date = YESTERDAY, **other: object) -> IndexReceived:
    """Return an index of a consent's point, at the midnight that begins a day."""
    said: dict[str, Any] = {
        "number": held.number,
        "at": midnight(day),
        "direction": Direction.CONSUMPTION,
        "device": None,
        "quality": "raw",
        "reference": "M02SXIXD",
        "registers": tuple(
            Register(
                grid=grid,
                calendar=calendar,
                slot=slot,
                rank=rank,
                value_wh=9_000_000 + 1_000 * rank,
                plausibility=0,
            )
            for grid, calendar, slots in (
                ("distributor", "DI000003", ("BUHC", "BUHP", "BCHC", "BCHP")),
                ("supplier", "FC000123", ("HC", "HP", "HPH", "HCH", "HPE", "HCE")),
            )
            for rank, slot in enumerate(slots, 1)
        ),
    }
    said.update(other)
    return IndexReceived(**said)


def maximum(held: Held, day: date = YESTERDAY) -> MaximumPowerReceived:
    """Return a maximum power of a consent's point."""
    return MaximumPowerReceived(
        number=held.number,
        day=day,
        at=midnight(day) + timedelta(hours=19),
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=None,
        power=5_400,
        unit="VA",
    )


def curve(held: Held, day: date = YESTERDAY) -> LoadCurveDayReceived:
    """Return a load curve's day of a consent's point."""
    run = Run(start=midnight(day), step_s=1800, power_w=tuple(range(48)))
    return LoadCurveDayReceived(
        number=held.number,
        day=day,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=None,
        runs=(run,),
    )
