"""What a person may see: the one seam through which every read of personal data goes.

`authorise` looks at the log's own heads and at the acts that wait for it (`application.inbox`),
so a withdrawal denies at once, in every process, whatever a projection still holds and whether
the log answers. An erasure that was asked for denies too, until it is answered. What it returns is
the only key to `consumption`. A consent that is not the reader's does not exist: 404, never 403.

A person's right of access (GDPR article 15) outlives the consent: under `Use.ACCESS` the
holder alone gets what is held, also after a withdrawal, until it is erased.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from application.removed import removed_years, tell_removed
from application.views import Access, Overview, consents_of, meters_of
from domain.aggregates import consent, power, terms
from domain.aggregates.account import ASKED, AccountStatus
from domain.aggregates.leaving import is_of_past
from domain.aggregates.reading import fold
from domain.errors import Corrupt, Refused, Unavailable
from domain.events.consent import ConsentGranted
from domain.events.terms import TextKind
from domain.values import civil_day
from projections.consumption import daily
from projections.projector import ShownTooLate
from projections.standing import EMPTY, Standing
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date, datetime
    from uuid import UUID

    from application.glance import Glance
    from application.services import Services
    from domain.aggregates.consumption import DayConsumption
    from domain.aggregates.power import DayPower
    from domain.events.reading import Reading
    from ledger.rule import Head

PATIENCE_S: Final = 2.0
"""How long a page waits for what was just done; after that it shows what there is."""

_ASKED: Final = {
    AccountStatus.INACTIVE: AccountStatus.INACTIVE_LEAVING,
    AccountStatus.ACTIVE: AccountStatus.ACTIVE_LEAVING,
}
"""How an account stands once its holder has asked for the erasure."""


class NothingHere(Refused):
    """There is no such thing, or it is not this reader's: nobody is told which."""

    status = 404

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("there is nothing here that is yours; check the address")


class NoLongerShown(Refused):
    """The consent has ended, and with it the use it allowed."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "this consent has ended, and nothing is shown under it any more; what is still held "
            "can be taken away with the export of your data, or be erased"
        )


class PastErased(NoLongerShown):
    """The consent has ended, and what was measured under it was erased as its holder asked."""

    def __init__(self) -> None:
        """Take nothing."""
        Refused.__init__(
            self,
            "what was measured under this consent is erased because you asked for it, now or in a "
            "moment; whoever wants to be shown this meter again consents anew",
        )


class ErasureAwaited(Refused):
    """The holder has asked to be erased, and nothing is shown until that is answered."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "you have asked for the erasure of your account, and nothing is shown until that is "
            "answered; what is held can be taken away with the export of your data"
        )


class TermsToAccept(Refused):
    """The terms of use in force are still to be accepted."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the terms of use in force are still to be accepted, and nothing is shown before; "
            "accept them, or take your data away with the export and ask for its erasure"
        )


class Use(StrEnum):
    """What a reader wants the data for."""

    SHOW = "show"
    """What was consented to; ends with the consent."""
    ACCESS = "access"
    """The holder's own right of access and portability; ends with the erasure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One reading that is held, as it was received."""

    received_at: datetime
    reading: Reading


def overview(services: Services, account_id: UUID) -> Overview:
    """Return an account with its meters and consents; `NothingHere` where it was erased."""
    return _overview(services, account_id, _look(services, account_id))


def admitted(services: Services, account_id: UUID) -> Overview:
    """Return an account of which data may be shown; `TermsToAccept` where terms wait for a yes."""
    seen = overview(services, account_id)
    if seen.must_accept:
        raise TermsToAccept
    return seen


def authorise(services: Services, reader: UUID, consent_id: UUID, use: Use = Use.SHOW) -> Access:
    """Return what an account may read of a consent.

    Raises `NothingHere` unless the consent is the reader's own and can still be opened,
    `NoLongerShown` when it has ended or lapsed and the use ends with it. Whether it has
    ended is asked of the fold itself: what is shown may lag behind a withdrawal.
    """
    standing = _standing(services, reader)
    holder = standing.accounts.get(reader)
    wanted = standing.consents.get(consent_id)
    about = [reader.bytes, consent_id.bytes]
    if wanted is not None and wanted.state.granted is not None:
        about.append(wanted.state.granted.meter.bytes)
    glance = services.glances.glance(about, services.register.next)
    moved = holder is None or glance.heads[reader.bytes].version != holder.version
    if moved or wanted is None:
        return _authorised(services, _look(services, reader), consent_id, use)
    return _authorised(services, _Look(reader, standing, glance), consent_id, use)


def admitted_to(services: Services, account_id: UUID, consent_id: UUID) -> tuple[Overview, Access]:
    """Return what `admitted` and `authorise` do, by one look at the account and at the fold."""
    look = _look(services, account_id)
    seen = _overview(services, account_id, look)
    if seen.must_accept:
        raise TermsToAccept
    return seen, _authorised(services, look, consent_id, Use.SHOW)


def consumption(
    services: Services, access: Access, first_day: date, last_day: date
) -> tuple[DayConsumption, ...]:
    """Return what was consumed from one day to another, both included; see the domain's own."""
    first = max(first_day, access.granted.first_data_day)
    if first > last_day:
        return ()
    pieces = daily(services.shown, access.consent, first, last_day)
    return tell_removed(services, access, pieces)


def powers(
    services: Services, access: Access, first_day: date, last_day: date
) -> tuple[DayPower, ...]:
    """Return the highest power of each day from one to another, both included, in order."""
    first = max(first_day, access.granted.first_data_day)
    entries = services.shown.entries(access.consent, first, last_day)
    days = power.powers(fold(entry.taken for entry in entries), first, last_day)
    gone = removed_years(services, access, {one.day.year for one in days if not one.highest})
    if not gone:
        return days
    return tuple(replace(one, removed=one.highest is None and one.day.year in gone) for one in days)


def received_last(services: Services, access: Access) -> datetime | None:
    """Return when the newest reading under a consent was received, None before any."""
    entries = services.shown.latest(access.consent)
    return max((entry.received_at for entry in entries), default=None)


def readings(services: Services, access: Access) -> Iterator[Held]:
    """Yield what is held under a consent as the operator said it, in the order it was received."""
    for entry in sorted(services.shown.entries(access.consent)):
        yield Held(received_at=entry.received_at, reading=entry.reading)


class _Look(NamedTuple):
    """An account as it is shown, and what the fold said of its streams after that was read.

    What is glanced at is of all its streams, and of those ids that are about to be some.
    """

    account: UUID
    standing: Standing
    glance: Glance

    @property
    def heads(self) -> Mapping[bytes, Head]:
        """The streams' heads."""
        return self.glance.heads

    @property
    def waiting(self) -> frozenset[UUID]:
        """Those of its ids that an act is about which the log does not hold yet."""
        return self.glance.waiting

    @property
    def lags(self) -> bool:
        """Whether something happened to the account itself that is not shown yet."""
        placed, head = self.standing.accounts.get(self.account), self.heads.get(self.account.bytes)
        return head is not None and (placed is None or placed.version != head.version)

    def ends(self, consent_id: UUID, granted: ConsentGranted) -> bool:
        """Whether an act that waits ends what is shown under a consent."""
        return not self.waiting.isdisjoint((consent_id, granted.meter))

    def erased(self, granted: ConsentGranted) -> bool:
        """Whether the holder asked to erase what was measured under a consent."""
        if granted.meter in self.waiting:
            return True
        placed = self.standing.accounts.get(self.account)
        asked = placed.state.pasts if placed else ()
        return any(is_of_past(granted, one) for one in asked)

    @property
    def status(self) -> AccountStatus:
        """The account's, an erasure that was asked for a moment ago included."""
        placed = self.standing.accounts.get(self.account)
        status = placed.state.status if placed else AccountStatus.UNOPENED
        return _ASKED.get(status, status) if self.account in self.waiting else status


def _overview(services: Services, account_id: UUID, look: _Look) -> Overview:
    standing = look.standing
    holder = standing.accounts[account_id].state if account_id in standing.accounts else None
    if holder is None or holder.opened is None:
        raise NothingHere
    texts = services.register.read(look.glance.added).texts.values()
    current = next(
        (terms.current_version(text) for text in texts if text.kind is TextKind.TERMS_OF_USE), None
    )
    return Overview(
        account=account_id,
        name=holder.opened.name,
        email=holder.opened.email,
        language=holder.opened.language,
        status=look.status,
        terms_accepted=holder.accepted.version if holder.accepted else None,
        terms_current=current,
        meters=tuple(meters_of(standing)),
        consents=tuple(consents_of(standing, look.waiting, civil_day(services.clock()))),
        pasts=holder.pasts,
        pasts_kept=frozenset(standing.meters.keys() & look.waiting),
    )


def _authorised(services: Services, look: _Look, consent_id: UUID, use: Use) -> Access:
    placed = look.standing.consents.get(consent_id)
    if placed is None or placed.state.granted is None:
        raise NothingHere
    head = look.heads[consent_id.bytes]
    withdrawn = head.ended or look.ends(consent_id, placed.state.granted)
    ended = withdrawn or consent.has_lapsed(placed.state, services.clock())
    if ended and use is Use.SHOW:
        raise PastErased if look.erased(placed.state.granted) else NoLongerShown
    if look.lags and use is Use.SHOW:
        raise ShownTooLate
    if look.status in ASKED and use is Use.SHOW:
        raise ErasureAwaited
    return Access(consent=consent_id, granted=placed.state.granted, ended=ended)


def _standing(services: Services, account_id: UUID) -> Standing:
    return services.shown.standing_of([account_id]).get(account_id, EMPTY)


def _look(services: Services, account_id: UUID) -> _Look:
    """Return how an account stands now, waiting for the projections only where they lag."""
    ids = {account_id, *services.keys.ids_of(account_id)}
    standing = _standing(services, account_id)
    glance = _glance(services, ids, standing)
    if not _is_current(standing, glance.heads):
        with contextlib.suppress(Unavailable, Corrupt):  # not in time, or the log does not answer
            services.shown.catch_up(Part.STANDING, patience_s=PATIENCE_S)
        standing = _standing(services, account_id)
        glance = _glance(services, ids, standing)
    return _Look(account_id, standing, glance)


def _glance(services: Services, ids: Collection[UUID], standing: Standing) -> Glance:
    """Look at all streams of an account, at those too that are not shown yet.

    What is new is known to the key store before it is shown (`ids`): a meter has its row in
    the lookup index, a consent or a refusal the key of its evidence.
    """
    streams = {stream.bytes for stream in ids} | _versions(standing).keys()
    return services.glances.glance(streams, services.register.next)


def _is_current(standing: Standing, heads: Mapping[bytes, Head]) -> bool:
    """Tell whether no stream of the account has moved beyond what is shown of it."""
    shown = _versions(standing)
    return all(head.version == shown.get(stream) for stream, head in heads.items())


def _versions(standing: Standing) -> dict[bytes, int]:
    return {
        stream.bytes: placed.version
        for kind in (standing.accounts, standing.meters, standing.consents, standing.collections)
        for stream, placed in kind.items()
    }
