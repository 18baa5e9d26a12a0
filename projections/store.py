"""The `ProjectionStore` port: what projections keep, sealed, and how far they have come.

    cursors     of each part, the next position of the ledger to be shown
    standing    account → its sealed page (`projections.standing`)
    requests    account → where its last erasure request stands (`projections.requests`)
    slips       consent → its readings as they lie in the log, sealed, not yet in a page
    pages       consent, month → its readings of that month, sealed anew as one

A batch is applied in one transaction with a compare-and-swap on the cursor, as the fold's
is, so whoever shows may die or sleep at any moment. Everything here can be dropped and
built again from the log: a new *generation* is built beside the present one, and readers
pass to it at once (`swap`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from projections.requests import Request


class Part(StrEnum):
    """What is brought up to date by itself: few events to open, or many to copy."""

    STANDING = "standing"
    READINGS = "readings"


class Sealed(NamedTuple):
    """Sealed bytes and the id of the key that opens them."""

    key: UUID
    content: bytes


class Slip(NamedTuple):
    """One reading as it lies in the log: `leaf` of its delivery, `place` in it, its own leaf."""

    consent: bytes
    leaf: int
    place: int
    received_at: datetime
    key: bytes
    reading_leaf: bytes
    sealed: bytes


class Page(NamedTuple):
    """A month of a consent's readings; `month` is its first day.

    `figures` is what they say of its days, sealed under the same key; empty where that
    cannot be said of a month alone.
    """

    consent: UUID
    month: date
    sealed: Sealed
    figures: bytes


class Held(NamedTuple):
    """What is kept of a consent's readings; pages by month, slips in ledger order."""

    pages: Sequence[Page]
    slips: Sequence[Slip]


class Figured(NamedTuple):
    """The sealed figures of some months' pages, by month, and a consent's slips.

    The last of these pages comes whole too: slips are mostly of its month.
    """

    figures: Mapping[date, Sealed]
    last: Page | None
    slips: Sequence[Slip]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What some commits of the ledger change; `gone` are the accounts that were erased."""

    slips: Sequence[Slip] = ()
    standing: Mapping[UUID, StandingRow] = field(default_factory=dict)
    requests: Mapping[UUID, Request] = field(default_factory=dict)
    gone: Collection[UUID] = ()
    unread: Sequence[Unread] = ()


class StandingRow(NamedTuple):
    """An account's sealed page, what deliveries decide on sealed under the same key.

    Its consents by their random ids: the last day of each that is in force, None of others.
    Both are public, in the leaves of the grants.
    """

    sealed: Sealed
    covers: bytes
    consents: Mapping[UUID, date | None]


class Unread(NamedTuple):
    """An accepted event that cannot be shown: its position, and which `Corrupt` it is."""

    position: int
    reason: str


class ProjectionStore(Protocol):
    """Where projections lie. Methods may be called from several threads."""

    def position(self, part: Part) -> int:
        """Return the next position of a part to be shown, from 1."""

    def received_at(self) -> datetime | None:
        """Return when the last of the readings that are shown was received, None for none."""

    def turn(self, part: Part | None) -> AbstractContextManager[bool]:
        """Hold the right to show a part, if nobody has it; it goes with its holder.

        That of None is the right to build everything anew.
        """

    def apply(self, part: Part, before: int, after: int, batch: Batch) -> bool:
        """Apply a batch durably, unless the cursor is not `before` any more; say whether."""

    def unread(self) -> Sequence[Unread]:
        """Return what could not be shown, the oldest first, a thousand at most."""

    def standing(self, accounts: Collection[UUID]) -> Mapping[UUID, Sealed]:
        """Return the sealed pages of the accounts that have one."""

    def covers(self, accounts: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what deliveries decide on, sealed, by the account's 16 bytes."""

    def slips(self, consent: UUID) -> Sequence[Slip]:
        """Return a consent's slips, in ledger order."""

    def page(self, consent: UUID, month: date) -> Sequence[Page]:
        """Return a consent's page of a month; none where there is none."""

    def held(self, consent: UUID) -> Held:
        """Return a consent's slips and pages as they are at one instant: no reading is in both."""

    def figured(self, consent: UUID, first: date, last: date) -> Figured:
        """Return figures of pages, and all slips, as they are at one instant.

        Of the months from `first` to `last`, both included, and of the nearest on each side
        that has a page.
        """

    def lapsed(self, before: date, limit: int) -> Sequence[UUID]:
        """Return up to `limit` consents not ended whose last day lies before a day."""

    def crowded(self, slips: int, limit: int) -> Sequence[UUID]:
        """Return up to `limit` consents that have more than so many slips."""

    def file(self, pages: Iterable[Page], slips: Collection[Slip]) -> None:
        """Keep pages in place of the slips that went into them, in one transaction."""

    def purge(self, keys: Collection[UUID], consents: Collection[UUID] = ()) -> None:
        """Drop the pages and slips that were sealed under these keys, which are destroyed.

        Where it is known whose they are, `consents` makes it quick.
        """

    def last_page(self, consent: UUID) -> Sequence[Page]:
        """Return the page of a consent's last month; none where there is none."""

    def requests(self, accounts: Collection[UUID]) -> Mapping[UUID, Request]:
        """Return the last erasure requests of the accounts that made one."""

    def open_requests(self) -> Sequence[Request]:
        """Return the requests that are not closed, the oldest first."""

    def closed_requests(self, limit: int | None = None) -> Sequence[Request]:
        """Return the requests that are closed, the latest first; all unless told how many."""

    def everything(self, after: UUID | None = None) -> Iterator[tuple[UUID, Sealed]]:
        """Yield every account's page, by account, from after one where it is given."""

    def consents(self) -> Iterator[UUID]:
        """Yield every consent that has slips or pages, in order."""

    def beside(self) -> ProjectionStore:
        """Begin a new generation beside this one, empty; an earlier attempt's is dropped."""

    def swap(self) -> None:
        """Make this generation the one that is read, and drop the one before."""
