"""Was every reading collected under a consent that was in force? Opening nothing.

The closed audit needs only leaves, private zones and the order of the log, so it
gives the same answer after an erasure as before it. For each reading:

- the consent it names was granted at a leaf before it, for the reading's category;
- no ending of that consent lies before it;
- its delivery cites an agreement that was signed before it, had not ended, and
  covers the channel, the category and the day; the grant rests on the same one.

That a consent had *expired* by date, without its event, is tested against the leaf's
hour: a claim of the metropolis until witnesses have cosigned it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.consent import ConsentExtended, ConsentGranted
from domain.events.delivery import DeliveryReceived
from proofs.merkle import leaf_hash
from replay.findings import Breach, Covered
from schemas.canonical import b64
from schemas.leaf import each_reading_leaf
from schemas.registry import CATEGORY_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from uuid import UUID

    from replay.statement import Statement

_ENDINGS = frozenset({"ConsentWithdrawn.v1", "ConsentExpired.v1", "ConsentRefused.v1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a grant's leaf shows, and the leaf of its ending so far."""

    leaf: int
    category: str
    last_day: date
    cites: str
    ending: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What an agreement's leaf shows, and the leaf of its ending so far."""

    leaf: int
    said: AgreementSigned
    ending: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """What the readings of one delivery have in common; `breach` of the agreement, if any."""

    day: date
    said: DeliveryReceived
    agreement: Agreement | None
    breach: Breach | None


@dataclass(slots=True)
class ClosedAudit:
    """The audit's state; fed every leaf that can be read, in order."""

    grants: dict[bytes, Grant] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    cites: dict[UUID, str] = field(default_factory=dict)

    def take(self, statement: Statement) -> Iterator[Covered]:
        """Note what a leaf says of agreements and consents; yield the verdict on its readings."""
        self.note(statement)
        if statement.type == DeliveryReceived.TOPIC:
            yield from self._readings(statement)

    def note(self, statement: Statement) -> None:
        """Note what one leaf says of agreements and consents."""
        said = statement.said
        match statement.type:
            case AgreementSigned.TOPIC:
                cites = b64(leaf_hash(statement.frame.leaf))
                self.cites[statement.private.stream] = cites
                self.agreements[cites] = Agreement(leaf=statement.at, said=said)
            case AgreementEnded.TOPIC:
                self._end_agreement(statement)
            case ConsentGranted.TOPIC:
                self._grant(statement.at, said)
            case ConsentExtended.TOPIC:
                self._extend(said)
            case ending if ending in _ENDINGS:
                self._end(statement.at, said.consent)

    def _end_agreement(self, statement: Statement) -> None:
        cites = self.cites.get(statement.private.stream)
        if cites is not None:
            self.agreements[cites] = replace(self.agreements[cites], ending=statement.at)

    def _grant(self, index: int, said: Any) -> None:  # noqa: ANN401 (what a leaf shows of a grant)
        grant = Grant(leaf=index, category=said.category, last_day=said.last_day, cites=said.cites)
        self.grants.setdefault(said.consent.bytes, grant)

    def _extend(self, said: Any) -> None:  # noqa: ANN401 (what a leaf shows of an extension)
        grant = self.grants.get(said.consent.bytes)
        if grant is not None:
            self.grants[said.consent.bytes] = replace(grant, last_day=said.last_day)

    def _end(self, index: int, consent: UUID) -> None:
        grant = self.grants.get(consent.bytes)
        if grant is not None and grant.ending is None:
            self.grants[consent.bytes] = replace(grant, ending=index)

    def _readings(self, statement: Statement) -> Iterator[Covered]:
        readings = statement.frame.readings
        if readings is None:
            return
        index, delivery = statement.at, self._common(statement)
        agreement = delivery.agreement.leaf if delivery.agreement else None
        for place, (kind, _, consent, _) in enumerate(each_reading_leaf(readings.leaves)):
            grant = self.grants.get(consent)
            breach = self._breach(delivery, kind, grant)
            of, ending = (grant.leaf, grant.ending) if grant else (None, None)
            yield Covered(index, place, consent, of, agreement, ending, breach)

    def _common(self, statement: Statement) -> _Delivery:
        said: DeliveryReceived = statement.said
        agreement = self.agreements.get(said.cites or "")
        breach = _agreement_breach(agreement, said, statement.day)
        return _Delivery(day=statement.day, said=said, agreement=agreement, breach=breach)

    def _breach(self, delivery: _Delivery, kind: int, grant: Grant | None) -> Breach | None:
        if grant is None:
            return Breach.NO_CONSENT
        if grant.category != CATEGORY_OF_KIND.get(kind):
            return Breach.OTHER_CATEGORY
        if grant.ending is not None:
            return Breach.AFTER_ENDING
        if grant.last_day < delivery.day:
            return Breach.AFTER_LAST_DAY
        return delivery.breach or self._ground_breach(delivery, grant)

    def _ground_breach(self, delivery: _Delivery, grant: Grant) -> Breach | None:
        """Return what is wrong with what the grant and the delivery rest on."""
        if delivery.agreement is None or grant.category not in delivery.agreement.said.categories:
            return Breach.AGREEMENT_NOT_COVERING
        cited = self.agreements.get(grant.cites)
        same = cited is not None and cited.said.operator == delivery.said.operator
        return None if same else Breach.OTHER_OPERATOR


def _agreement_breach(
    agreement: Agreement | None, said: DeliveryReceived, day: date
) -> Breach | None:
    if agreement is None:
        return Breach.NO_AGREEMENT
    if agreement.ending is not None:
        return Breach.AGREEMENT_ENDED
    covers = (
        agreement.said.operator == said.operator
        and said.channel in agreement.said.channels
        and agreement.said.first_day <= day <= agreement.said.last_day
    )
    return None if covers else Breach.AGREEMENT_NOT_COVERING
