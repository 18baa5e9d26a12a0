"""Shows what the ledger accepted, in its order, as sealed projections.

Whoever needs the projections to be up to date brings them there: `catch_up` may run in any
process at any time. One works at a time (a kernel's lock), the others wait for its cursor;
a batch is applied whole or not at all, so it may be killed anywhere.

There are two parts, each with a cursor of its own, so that a day's deliveries do not keep
anybody waiting for an account. A reading is copied as it lies in the log, sealed under its
consent's key of the year: no key is needed, and destroying the key purges the copy with the
original. When a consent has more than a month of such slips they are opened and sealed anew
as a page a month (`compact`). What stands of an account is opened, evolved and sealed again
under the account's own key. An event that cannot be read is passed over and written down
(`unread`): the fold took it by its header alone, and what it is is for the audit to say.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import defaultdict
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.errors import Corrupt, Unavailable
from domain.events.account import AccountErased
from keys import sealing
from keys.redaction import Redacted, missing
from ledger.frames import open_event
from ledger.retrieval import read_records
from projections import covers, requests, standing
from projections.entries import Entry, month_of, open_pages, open_slips, seal_page
from projections.figures import figures_of, open_figures, seal_figures
from projections.gathering import Gathered, believed, gather, whole
from projections.store import Batch, Held, Part, Sealed, Slip, StandingRow, Unread
from schemas.private import NO_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from keys.key import Key
    from keys.store import KeyStore
    from keys.tree import Ring
    from ledger.fold import Folder
    from ledger.frames import Opened
    from ledger.store import Accepted
    from projections.covers import Cover
    from projections.figures import Figures
    from projections.store import Page, ProjectionStore

    _Placed = tuple[int, Opened]

COMMITS_AT_ONCE: Final = 400
BYTES_AT_ONCE: Final = 12 << 20
IDLE_MAX: Final = 10_000
"""After so many events that are not of a part, its cursor moves past them for good."""
SLIPS_MAX: Final = 31
"""How many readings of a consent may lie as slips before they are filed into pages."""

PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.002


class ShownTooLate(Unavailable):
    """The projections did not come up to date in time; the ledger itself has what was done."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "what was just done is on the ledger and is not shown yet; look again in a moment"
        )


class BuiltAlready(Unavailable):
    """Somebody is building everything anew already."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "everything shown is being built anew by another process; wait for it to end, and "
            "ask again only if it was stopped"
        )


class Projector:
    """Brings projections up to date with the ledger, files and rebuilds them."""

    def __init__(
        self,
        folder: Folder,
        keys: KeyStore,
        ordered: Callable[[], frozenset[UUID]],
        store: ProjectionStore,
    ) -> None:
        """Take what was folded, the keys, the ids that the log `ordered` destroyed, the store."""
        self._folder = folder
        self._keys = keys
        self._ordered = ordered
        self.store = store

    def lag(self, part: Part = Part.READINGS) -> int:
        """Return how many commits of a part were accepted and are not shown yet."""
        return len(self._next(part, self.store.position(part)))

    def catch_up(self, *parts: Part, patience_s: float = PATIENCE_S) -> None:
        """Show what was accepted before this call, in all parts unless told which.

        Raises `ShownTooLate` when somebody else is at it for longer than `patience_s`.
        """
        target = self._folder.store.cursor().position
        deadline = time.monotonic() + patience_s
        for part in parts or tuple(Part):
            while not self._is_shown(part, target):
                with self.store.turn(part) as mine:
                    if mine:
                        self._work(part, target)
                if not mine:
                    if time.monotonic() > deadline:
                        raise ShownTooLate
                    time.sleep(_PAUSE_S)

    def _is_shown(self, part: Part, target: int) -> bool:
        position = self.store.position(part)
        if position > target:
            return True
        following = self._next(part, position)
        if not following and target - position > IDLE_MAX:
            self.store.apply(part, position, target + 1, Batch())
        return not following or following[0].position > target

    def _next(self, part: Part, position: int) -> Sequence[Accepted]:
        """Return the next commits that a part is made of: those with readings, or without."""
        found = self._folder.store.commits(
            position, COMMITS_AT_ONCE, readings=part is Part.READINGS
        )
        return [commit for commit in found if commit.position >= position]

    def _work(self, part: Part, target: int) -> None:
        while commits := self._next(part, before := self.store.position(part)):
            if commits[0].position > target or not self._show(part, before, commits):
                return

    def _show(self, part: Part, before: int, commits: Sequence[Accepted]) -> bool:
        gathered, after, size = Gathered(), before, 0
        records = read_records(self._folder.log, [commit.offset for commit in commits])
        for commit, record in zip(commits, records, strict=False):
            size += gather(gathered, commit, record)
            after = commit.position + commit.events
            if size > BYTES_AT_ONCE:
                break
        pages, gone = self._stand(gathered)
        steps = believed(self._keys, gathered.steps)
        batch = Batch(
            slips=gathered.slips,
            standing=pages,
            requests=requests.moved(self.store.requests(gathered.leaving), steps),
            gone=gone,
            unread=gathered.unread,
        )
        return self.store.apply(part, before, after, batch)

    def _stand(self, gathered: Gathered) -> tuple[dict[UUID, StandingRow], set[UUID]]:
        """Return the new pages of the accounts that the gathered events are about.

        And the accounts that were erased: a leaf says so, and their keys are gone. The leaf
        alone, which anybody may append, hides nobody's pages.
        """
        by_account = self._by_account(self._open(gathered))
        rows = self.store.standing(list(by_account))
        profile = {account: row.key for account, row in rows.items()}
        for account, events in by_account.items():
            own = (one for _, one in events if one.originator_id == account)
            profile.setdefault(account, next((one.private.key for one in own), NO_KEY))
        keys = whole(self._keys, profile.values())
        pages = {
            account: _page(account, key, rows.get(account), events, gathered.unread)
            for account, events in by_account.items()
            if (key := keys.get(profile[account])) is not None
        }
        gone = {
            account
            for account, events in by_account.items()
            if account not in pages and any(isinstance(o.event, AccountErased) for _, o in events)
        }
        return pages, gone

    def _by_account(self, opened: list[_Placed]) -> dict[UUID, list[_Placed]]:
        """Sort events by the account they are about: whose key seals them says so."""
        owners = self._keys.owners_of({one.private.key for _, one in opened})
        by_account: dict[UUID, list[_Placed]] = defaultdict(list)
        for position, one in opened:
            public = one.private.key == NO_KEY  # then the stream is the account's own
            account = one.originator_id if public else owners.get(one.private.key)
            if account is not None:
                by_account[account].append((position, one))
        return by_account

    def _open(self, gathered: Gathered) -> list[_Placed]:
        """Open what is sealed and can still be; what was erased is left out."""
        wanted = {one.private.key for one in gathered.frames} - {NO_KEY}
        keys = whole(self._keys, wanted)
        ordered = self._ordered() if len(keys) < len(wanted) else frozenset()
        found: list[_Placed] = []
        for position, header, frame, _ in gathered.frames:
            try:
                opened = open_event(frame, header, keys, ordered)
            except Corrupt as error:
                gathered.unread.append(Unread(position, type(error).__name__))
                continue
            if not isinstance(opened.event, Redacted) and standing.concerns(opened.event):
                found.append((position, opened))
        return found

    # ── filing: from slips to pages ──────────────────────────────────────────────────────────

    def compact(self, limit: int = 200) -> int:
        """File the slips of up to `limit` consents into pages; return of how many it was done.

        What cannot be opened stays as it is, for the audit to name.
        """
        filed = 0
        with self.store.turn(Part.READINGS) as mine:
            for consent in self.store.crowded(SLIPS_MAX, limit) if mine else ():
                with contextlib.suppress(Corrupt):
                    self._file(consent)
                    filed += 1
        return filed

    def _file(self, consent: UUID) -> None:
        """Open a consent's slips, and seal each month they belong to anew.

        A slip whose key was destroyed on order goes with the rest: nobody can open it.
        """
        slips = self.store.slips(consent)
        keys = self._keys.fetch({UUID(bytes=slip.key) for slip in slips})
        ordered = self._ordered() if len(keys) < len({slip.key for slip in slips}) else frozenset()
        pages = []
        by_key: dict[bytes, list[Slip]] = defaultdict(list)
        for slip in slips:
            by_key[slip.key].append(slip)
        for key_id, of_year in by_key.items():
            entries = sorted(open_slips(of_year, keys, ordered), key=month_of)
            for month, new in groupby(entries, key=month_of):
                kept = open_pages(self.store.page(consent, month), keys, ordered)
                key, held = keys[UUID(bytes=key_id)], sorted([*kept, *new])
                figures = seal_figures(consent, month, key, figures_of(held))
                pages.append(seal_page(consent, month, key, held, figures))
        self.store.file(pages, slips)

    # ── rebuilding, and saying what is there ─────────────────────────────────────────────────

    def rebuild(self) -> Projector:
        """Build everything again from the log beside what is read now, then let it be read.

        Nobody waits meanwhile: the new generation comes as far as the present one while
        that goes on, and takes its place in one transaction. Raises `BuiltAlready` while
        somebody else is at it: each would drop what the other has built.
        """
        with self.store.turn(None) as mine:
            if not mine:
                raise BuiltAlready
            return self._build()

    def _build(self) -> Projector:
        fresh = Projector(self._folder, self._keys, self._ordered, self.store.beside())
        fresh._work_through()
        while True:
            with self.store.turn(Part.STANDING) as one, self.store.turn(Part.READINGS) as other:
                if one and other:
                    fresh._work_through()
                    fresh.store.swap()
                    return fresh
            time.sleep(_PAUSE_S)

    def _work_through(self) -> None:
        for part in Part:
            self._work(part, self._folder.store.cursor().position)

    def digest(self) -> str:
        """Return a digest over all that is shown, opened: equal whoever built it, and how.

        It depends on the ledger and on which keys are alive, on nothing else.
        """
        digest = hashlib.sha256()
        for account, sealed in self.store.everything():
            key = self._keys.fetch([sealed.key]).get(sealed.key)
            if key is not None:
                content = sealing.open(key, sealed.content, _binding(account))
                digest.update(account.bytes + hashlib.sha256(content).digest())
        for request in sorted([*self.store.open_requests(), *self.store.closed_requests()]):
            digest.update(repr(request).encode())
        for consent in self.store.consents():
            entries = self.entries(consent)
            if entries:
                digest.update(consent.bytes + repr(sorted(entries)).encode())
        return digest.hexdigest()

    def entries(self, consent: UUID, first: date = date.min, last: date = date.max) -> list[Entry]:
        """Return a consent's readings; of some days, and others: other months stay closed."""
        pages, slips = self.store.held(consent)
        near = [page for page in pages if first.replace(day=1) <= page.month <= last]
        return self._opened(Held(near, slips))

    def latest(self, consent: UUID) -> list[Entry]:
        """Return the newest of a consent's readings: its last page, and its slips.

        Slips alone would not do: a late day lies there beside a page that has newer ones.
        """
        return self._opened(Held(self.store.last_page(consent), self.store.slips(consent)))

    def _opened(self, held: Held) -> list[Entry]:
        pages, slips = held
        keys, ordered = self._keys_of([page.sealed for page in pages], slips)
        return open_pages(pages, keys, ordered) + open_slips(slips, keys, ordered)

    def figures_around(self, consent: UUID, first: date, last: date) -> dict[date, Figures] | None:
        """Return the figures of months, in order, and of the nearest with any on each side.

        Those of a month that has slips beside its page are worked out anew. None where a
        month has no figures.
        """
        filed, newest, slips = self.store.figured(consent, first, last)
        keys, ordered = self._keys_of(filed.values(), slips)
        months: dict[date, Figures | None] = {}
        for month, sealed in filed.items():
            if sealed.key in keys:
                months[month] = open_figures(consent, month, keys[sealed.key], sealed.content)
            else:
                missing("page", sealed.key, ordered)
        loose = sorted(open_slips(slips, keys, ordered), key=month_of)
        for month, group in groupby(loose, key=month_of):
            paged: Sequence[Page] = ()
            if newest is not None and month == newest.month:
                paged = [newest]
            elif month in months:
                paged = self.store.page(consent, month)  # where the slips may be by now
            held = {*open_pages(paged, keys, ordered), *group}
            months[month] = figures_of(sorted(held))
        whole = {month: one for month, one in sorted(months.items()) if one is not None}
        return whole if len(whole) == len(months) else None

    def _keys_of(
        self, pages: Iterable[Sealed], slips: Iterable[Slip]
    ) -> tuple[dict[UUID, Key], frozenset[UUID]]:
        """Return the living keys of pages and slips, and where any is gone all ordered so."""
        wanted = {page.key for page in pages}
        wanted |= {UUID(bytes=key) for key in {slip.key for slip in slips}}
        keys = self._keys.fetch(wanted)
        return keys, self._ordered() if len(keys) < len(wanted) else frozenset()

    def covers_of(self, rings: Mapping[bytes, Ring]) -> dict[bytes, list[Cover]]:
        """Return what a delivery decides on, by account, of those whose keys these are."""
        return {
            account: covers.decode(
                sealing.open(rings[account].profile, sealed, _binding_of_covers(account))
            )
            for account, sealed in self.store.covers(rings.keys()).items()
        }

    def standing_of(self, accounts: Iterable[UUID]) -> dict[UUID, standing.Standing]:
        """Return how accounts stand; one that is unknown, or was erased, is not in the answer."""
        rows = self.store.standing(list(accounts))
        keys = whole(self._keys, {row.key for row in rows.values()})
        return {
            account: standing.decode(sealing.open(keys[row.key], row.content, _binding(account)))
            for account, row in rows.items()
            if row.key in keys
        }


def _page(
    account: UUID, key: Key, row: Sealed | None, events: list[_Placed], unread: list[Unread]
) -> StandingRow:
    stands = standing.EMPTY
    if row is not None:
        stands = standing.decode(sealing.open(key, row.content, _binding(account)))
    for position, one in events:
        try:
            stands = standing.evolve(stands, one.originator_id, one.originator_version, one.event)
        except Corrupt as error:
            unread.append(Unread(position, type(error).__name__))
    content = sealing.seal(key, standing.encode(stands), _binding(account))
    decided_on = sealing.seal(
        key, covers.encode(covers.covers_of(stands)), _binding_of_covers(account.bytes)
    )
    lasting = {
        consent: placed.state.last_day if not placed.ended else None
        for consent, placed in stands.consents.items()
    }
    return StandingRow(Sealed(key.id, content), decided_on, lasting)


def _binding_of_covers(account: bytes) -> bytes:
    return b"metroledger/covers/v1\0" + account


def _binding(account: UUID) -> bytes:
    return b"metroledger/standing/v1\0" + account.bytes
