"""Was every reading collected under a consent that was in force? Opening nothing.

The closed audit needs only leaves, private zones and the order of the log, so it
gives the same answer after an erasure as before it. For each reading:

- the consent it names was granted at a leaf before it, for the reading's category;
- no ending of that consent lies before it;
- its delivery cites an agreement that was signed before it, had not ended, and
  covers the channel, the category and the day; the grant rests on one of the same
  operator.

That a consent had *expired* by date, without its event, is tested against the leaf's
hour: a claim of the metropolis until witnesses have cosigned it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.values import civil_day
from proofs.merkle import leaf_hash
from replay.findings import Breach, Covered
from schemas.canonical import b64
from schemas.leaf import READING_LEAF_SIZE, decode_leaf
from schemas.private import decode_private
from schemas.registry import CATEGORY_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.record import Frame
    from replay.refold import Replayed
    from schemas.leaf import Leaf

_ENDINGS = frozenset({"ConsentWithdrawn.v1", "ConsentExpired.v1", "ConsentRefused.v1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a grant's leaf shows, and the leaf of its ending so far."""

    leaf: int
    category: str
    last_day: date
    operator: str | None
    ending: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What an agreement's leaf shows, and the leaf of its ending so far."""

    leaf: int
    operator: str
    channels: frozenset[str]
    categories: frozenset[str]
    first_day: date
    last_day: date
    ending: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """What the readings of one delivery have in common; `breach` of the agreement, if any."""

    leaf: int
    day: date
    operator: str
    agreement: Agreement | None
    breach: Breach | None


@dataclass(slots=True)
class ClosedAudit:
    """The audit's state; fed every accepted commit in order."""

    grants: dict[bytes, Grant] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    cites: dict[UUID, str] = field(default_factory=dict)

    def take(self, replayed: Replayed) -> Iterator[Covered]:
        """Yield the verdict on each reading of a commit."""
        for index, frame in enumerate(replayed.record.frames, replayed.commit.leaf):
            leaf = self.show(index, frame)
            if leaf.type == "DeliveryReceived.v1":
                yield from self._delivery(index, frame, leaf)

    def show(self, index: int, frame: Frame) -> Leaf:
        """Note what one leaf says of agreements and consents; return it."""
        leaf = decode_leaf(frame.leaf)
        self._note(index, frame, leaf)
        return leaf

    def _note(self, index: int, frame: Frame, leaf: Leaf) -> None:
        match leaf.type:
            case "AgreementSigned.v1":
                self._sign(index, frame, leaf)
            case "AgreementEnded.v1":
                self._end_agreement(index, frame)
            case "ConsentGranted.v1" if leaf.consent is not None:
                self._grant(index, leaf, leaf.consent)
            case "ConsentExtended.v1" if leaf.consent is not None:
                self._extend(leaf, leaf.consent)
            case ending if ending in _ENDINGS and leaf.consent is not None:
                self._end(index, leaf.consent)

    def _sign(self, index: int, frame: Frame, leaf: Leaf) -> None:
        payload: dict[str, Any] = leaf.payload or {}
        cites = b64(leaf_hash(frame.leaf))
        self.cites[decode_private(frame.private).stream] = cites
        self.agreements[cites] = Agreement(
            leaf=index,
            operator=payload["operator"],
            channels=frozenset(payload["channels"]),
            categories=frozenset(payload["categories"]),
            first_day=date.fromisoformat(payload["first_day"]),
            last_day=date.fromisoformat(payload["last_day"]),
        )

    def _end_agreement(self, index: int, frame: Frame) -> None:
        cites = self.cites.get(decode_private(frame.private).stream)
        if cites is not None:
            self.agreements[cites] = replace(self.agreements[cites], ending=index)

    def _grant(self, index: int, leaf: Leaf, consent: UUID) -> None:
        agreement = self.agreements.get(leaf.cites or "")
        self.grants.setdefault(
            consent.bytes,
            Grant(
                leaf=index,
                category=leaf.category or "",
                last_day=date.fromisoformat(leaf.last_day or "0001-01-01"),
                operator=agreement.operator if agreement else None,
            ),
        )

    def _extend(self, leaf: Leaf, consent: UUID) -> None:
        grant = self.grants.get(consent.bytes)
        if grant is not None and leaf.last_day is not None:
            last_day = date.fromisoformat(leaf.last_day)
            self.grants[consent.bytes] = replace(grant, last_day=last_day)

    def _end(self, index: int, consent: UUID) -> None:
        grant = self.grants.get(consent.bytes)
        if grant is not None and grant.ending is None:
            self.grants[consent.bytes] = replace(grant, ending=index)

    def _delivery(self, index: int, frame: Frame, leaf: Leaf) -> Iterator[Covered]:
        if frame.readings is None:
            return
        delivery = self._common(index, leaf)
        leaves = frame.readings.leaves
        for place in range(len(frame.readings)):
            start = place * READING_LEAF_SIZE
            kind, consent = leaves[start], leaves[start + 17 : start + 33]
            grant = self.grants.get(consent)
            yield Covered(
                leaf=index,
                place=place,
                consent=str(UUID(bytes=consent)),
                grant=grant.leaf if grant else None,
                agreement=delivery.agreement.leaf if delivery.agreement else None,
                ending=grant.ending if grant else None,
                breach=_breach(delivery, kind, grant),
            )

    def _common(self, index: int, leaf: Leaf) -> _Delivery:
        payload: dict[str, Any] = leaf.payload or {}
        agreement = self.agreements.get(leaf.cites or "")
        day = day_of_hour(leaf.hour)
        return _Delivery(
            leaf=index,
            day=day,
            operator=payload["operator"],
            agreement=agreement,
            breach=_agreement_breach(agreement, payload, day),
        )


def day_of_hour(hour: str) -> date:
    """Return the Europe/Paris day in which a leaf's hour begins."""
    return civil_day(datetime.strptime(hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC))


def _agreement_breach(
    agreement: Agreement | None, payload: dict[str, Any], day: date
) -> Breach | None:
    if agreement is None:
        return Breach.NO_AGREEMENT
    if agreement.ending is not None:
        return Breach.AGREEMENT_ENDED
    covers = (
        agreement.operator == payload["operator"]
        and payload["channel"] in agreement.channels
        and agreement.first_day <= day <= agreement.last_day
    )
    return None if covers else Breach.AGREEMENT_NOT_COVERING


def _breach(delivery: _Delivery, kind: int, grant: Grant | None) -> Breach | None:
    category = CATEGORY_OF_KIND.get(kind)
    if grant is None:
        return Breach.NO_CONSENT
    if category is None or grant.category != category:
        return Breach.OTHER_CATEGORY
    return _consent_breach(delivery, grant) or _ground_breach(delivery, grant, category)


def _consent_breach(delivery: _Delivery, grant: Grant) -> Breach | None:
    if grant.ending is not None:
        return Breach.AFTER_ENDING
    return Breach.AFTER_LAST_DAY if grant.last_day < delivery.day else None


def _ground_breach(delivery: _Delivery, grant: Grant, category: str) -> Breach | None:
    if delivery.breach is not None or delivery.agreement is None:
        return delivery.breach or Breach.NO_AGREEMENT
    if category not in delivery.agreement.categories:
        return Breach.AGREEMENT_NOT_COVERING
    return None if grant.operator == delivery.operator else Breach.OTHER_OPERATOR
