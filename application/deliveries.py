"""Take in what an operator delivered: all of it or nothing, and once.

A delivery was decrypted, parsed and validated to its end before it comes here. It is
named by a keyed hash of its content, so the same file twice is the same command, and
is cut by position, before any consent is looked at, so every retry cuts alike. Each
part is one commit that expects every consent and collection it takes a reading under:
when one of 3,000 ends between decision and fold, the part is void, decided again and
sent again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.collecting import (
    Collecting,
    Collector,
    Slice,
    find_points,
)
from application.disregarding import note_disregarded
from application.offices import agreement_in_force
from application.protocol import Nothing
from application.sealing import DeliveryFrame, propose_delivery
from application.services import derived_id
from application.transact import Loading
from domain.aggregates import agreement, delivery
from domain.errors import Corrupt, Unavailable
from domain.events import Change
from domain.events.delivery import DeliveryReceived
from domain.values import civil_day
from keys import sealing
from keys.names import KeyName, Purpose
from keys.tree import KeyDestroyed, MintingClosed
from ledger.readings import seal_readings
from projections.store import Part
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64
from schemas.leaf import READING_LEAF_SIZE, decode_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from application.collecting import End, Points
    from application.incoming import Incoming
    from application.protocol import Decision
    from application.services import Services
    from domain.aggregates.delivery import Delivery
    from keys.key import Key
    from ledger.forms import Form
    from ledger.record import Read, Readings
    from ledger.rule import Head
    from ledger.store import Accepted

PART_BYTES: Final = 820_000
"""What the readings of one part may need, so that its record stays below 900 kB."""

READING_BYTES: Final = READING_LEAF_SIZE + 16 + 2 + sealing.OVERHEAD + 2 * 20
"""Of a reading beside its packed payload: leaf, key id, length, seal, two `expects`."""

_DECISIONS_MAX: Final = 5


class ConsentsInMotion(Unavailable):
    """Consents ended faster than a delivery could be decided; nothing was taken in."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "consents of this delivery are ending while it is decided; nothing of the part was "
            "taken in and nothing is lost: ingest the same file again"
        )


class ShownAmiss(Corrupt):
    """A consent or its collection is not shown as it stands, though what is shown is up to date."""

    def __init__(self) -> None:
        """Take nothing: whose it is, is nobody's to read here."""
        super().__init__(
            "something on the ledger about a consent in this delivery could not be shown, so it "
            "cannot be decided on; nothing of the part was taken in and the file is whole: run "
            "'metroledger projections rebuild', and where that does not help 'metroledger audit'"
        )


class Result(StrEnum):
    """What became of a delivery."""

    TAKEN_IN = "taken_in"
    ALREADY_TAKEN_IN = "already_taken_in"
    PARKED = "parked"
    ALREADY_PARKED = "already_parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a delivery, and of each row that this call decided on.

    `ends` is empty when the delivery was taken in before. `counts` is the total.
    """

    id: UUID
    result: Result
    counts: dict[str, int]
    ends: Sequence[End] = ()

    @property
    def rows(self) -> dict[str, Counter[str]]:
        """For each point number, how many rows had which end."""
        found: dict[str, Counter[str]] = {}
        for point, end in self.ends:
            found.setdefault(point, Counter())[end] += 1
        return found


@dataclass(slots=True)
class _Part:
    """One part on its way: what is decided of it, again on each newer state."""

    collecting: Collecting
    delivery: UUID
    number: int
    parts: int
    rows: Sequence[Form]
    ends: Sequence[End] = ()
    received: DeliveryReceived | None = None
    expects: Sequence[Read] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What became of the rows, in total."""
        return self.received.counts if self.received else {}

    def decide(self, command: UUID) -> Decision:
        """Decide the part on the present state, sealing what is covered."""
        for _ in range(_DECISIONS_MAX):
            try:
                return self._decide(command)
            except (MintingClosed, KeyDestroyed):
                continue  # a consent ended since: the state now says so
        raise ConsentsInMotion

    def _decide(self, command: UUID) -> Decision:
        services, incoming = self.collecting.services, self.collecting.incoming
        heads = services.ledger.folder.store.heads([read.stream for read in self.expects])
        services.shown.catch_up(Part.STANDING)
        loading = Loading(services.ledger)
        state = loading(delivery, self.delivery).state
        if self.number in state.received:
            return Nothing()
        at = services.clock()
        agreed = agreement_in_force(services, incoming.operator, at)
        signed = loading(agreement, agreed) if agreed else None
        collector = Collector(self.collecting, signed, at, civil_day(at))
        taken, ends = collector.sort(self.rows)
        self._expect(collector.expects(taken), heads)
        readings, key_ids = seal_readings(collector.sealable(taken))
        event = self._event(agreed, readings, ends)
        changes = self._changes(state, event)
        kept = readings if len(readings) else None
        frame = DeliveryFrame(changes=changes, readings=kept, key_ids=key_ids, expects=self.expects)
        self.ends, self.received = ends, event
        context = replace(services.context(), at=at)
        return propose_delivery(services.ledger, command, loading, frame, context)

    def _expect(self, expects: Sequence[Read], heads: Mapping[bytes, Head]) -> None:
        """Note what the commit expects, which must be what stood before all was shown, or later.

        Else no commit of the part would ever be accepted, and each attempt grew the log.
        """
        if any(one.stream in heads and one.version < heads[one.stream].version for one in expects):
            raise ShownAmiss
        self.expects = expects

    def _event(
        self, agreed: UUID | None, readings: Readings, ends: Sequence[End]
    ) -> DeliveryReceived:
        services, incoming = self.collecting.services, self.collecting.incoming
        hashes = [leaf_hash(readings.leaf(place)) for place in range(len(readings))]
        counts = Counter(end for _, end in ends)
        counts.update(incoming.counts if self.number == 1 else {})
        return DeliveryReceived(
            cites=services.register.read().cites[agreed] if agreed else None,
            operator=incoming.operator,
            channel=incoming.channel,
            flow=incoming.flow,
            part=self.number,
            parts=self.parts,
            readings=len(readings),
            root=b64(root(hashes)),
            counts=dict(sorted(counts.items())),
        )

    def _changes(self, state: Delivery, event: DeliveryReceived) -> list[Change]:
        changes = [Change(stream=self.delivery, event=e) for e in delivery.receive(state, event)]
        after = delivery.evolve(state, event)
        if len(after.received) == self.parts:
            completed = delivery.complete(after, rows=len(self.collecting.incoming.rows))
            changes += [Change(stream=self.delivery, event=one) for one in completed]
        return changes

    def is_taken_in_by(self, accepted: Accepted | None) -> bool:
        """Whether the accepted commit is this call's own, by the leaf that was folded.

        Another process may have been faster with the same part: its decision is then the
        one on the ledger, and it has told of it.
        """
        if accepted is None or self.received is None:
            return False
        store = self.collecting.services.ledger.folder.store
        (leaf,) = store.entries(accepted.leaf, accepted.leaf + 1)
        folded = decode_leaf(leaf).payload or {}
        return (folded["root"], folded["counts"]) == (self.received.root, self.received.counts)


def take_in(services: Services, incoming: Incoming) -> Outcome:
    """Take a delivery in, part by part; parts that were taken in before stay as they are."""
    stream, key = delivery_id(services, incoming)
    cuts = list(cut(incoming.rows))
    points = find_points(services, incoming)
    slices = slices_of(services, stream, cuts, points)
    ends: list[End] = []
    counts: Counter[str] = Counter()
    new = False
    for number in range(1, len(cuts) * slices + 1):
        place, number_of_slice = divmod(number - 1, slices)
        collecting = Collecting(services, incoming, points, Slice(number_of_slice, slices))
        part = _Part(collecting, stream, number, len(cuts) * slices, cuts[place])
        command = derived_id(key, b"part", stream.bytes, number.to_bytes(4, "big"))
        accepted = services.ledger.carry(command, partial(part.decide, command), derived=True)
        if part.is_taken_in_by(accepted):
            new = True
            counts.update(part.counts)
            ends += part.ends
    if new:
        note_disregarded(services, incoming, points)
    result = Result.TAKEN_IN if new else Result.ALREADY_TAKEN_IN
    return Outcome(id=stream, result=result, counts=dict(counts), ends=ends)


def delivery_id(services: Services, incoming: Incoming) -> tuple[UUID, Key]:
    """Return a delivery's id and the key it was derived with.

    The key is the year's of receipt; a delivery taken in under last year's key keeps
    that id, so that a file sent again after New Year is still the same one.
    """
    year = civil_day(services.clock()).year
    parts = (
        incoming.operator.encode(),
        incoming.channel.encode(),
        incoming.attempt.to_bytes(4, "big"),
        incoming.digest,
    )
    before = KeyName(owner=services.territory, purpose=Purpose.DELIVERY, year=year - 1)
    for key in services.keys.find([before]).values():
        stream = derived_id(key, b"delivery", *parts)
        if services.ledger.folder.store.heads([stream.bytes]):
            return stream, key
    key = services.territory_key(Purpose.DELIVERY, year)
    return derived_id(key, b"delivery", *parts), key


def cut(rows: Sequence[Form]) -> Iterator[Sequence[Form]]:
    """Cut rows by position into parts that fit one record each; at least one part."""
    start, size = 0, 0
    for place, row in enumerate(rows):
        needed = size_of(row)
        if place > start and size + needed > PART_BYTES:
            yield rows[start:place]
            start, size = place, 0
        size += needed
    yield rows[start:]


def slices_of(
    services: Services, stream: UUID, cuts: Sequence[Sequence[Form]], points: Points
) -> int:
    """Return into how many slices each cut is divided by the accounts behind its points.

    A point that several accounts declared is copied for each, so a cut may outgrow one
    record. The accounts' meters are then divided by their random ids, which stays the
    same whoever else declares a point. What the first commit chose is kept: the parts
    it counted say so.
    """
    parts = services.ledger.load(delivery, stream).state.parts
    if parts:
        return max(parts // len(cuts), 1)
    largest = max(
        sum(max(len(points.get(row.measured.number, ())), 1) * size_of(row) for row in rows)
        for rows in cuts
    )
    return 1 if largest <= PART_BYTES else -(-2 * largest // PART_BYTES)


def size_of(row: Form) -> int:
    """Return the bytes of a record that a reading needs at most."""
    return READING_BYTES + len(row.packed)
