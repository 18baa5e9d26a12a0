"""Projections in PostgreSQL: a schema for each generation, one of them current.

Which generation is current is one row, read again in each transaction that writes, and
looked up by a reader when a table that it knew is gone.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from adapters.postgres.arrays import array, uuids
from adapters.postgres.projection_rows import copy_slips, forget, put_requests, put_standing
from projections.requests import Outcome, Request
from projections.store import Batch, Figured, Held, Page, Part, Sealed, Slip, Unread

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from adapters.postgres.connections import Connection, Connections

_CREATION: Final = 7236103275
_TURNS: Final = {Part.STANDING: 7236103276, Part.READINGS: 7236103277, None: 7236103278}
_CHUNK: Final = 1_000
_REQUESTS: Final = (
    "select account, requested_at, identified_at, held_at, validated_at, ordered_at, closed_at,"
    " outcome from {}.requests"
)
_LAST_PAGE: Final = (
    "select month, key, sealed, figures from {}.pages where consent = %s"
    " order by month desc limit 1"
)
_PAGE: Final = "select month, key, sealed, figures from {}.pages where consent = %s and month = %s"
_HELD: Final = (
    "select null::date as month, leaf, place, received_at, uuid_send(key) as key, reading_leaf,"
    " sealed, null::bytea as figures from {0}.slips where consent = %s union all"
    " select month, null, null, null, uuid_send(key), null, sealed, figures"
    " from {0}.pages where consent = %s"
)
_FIGURED: Final = (
    "select month, leaf, place, received_at, key, reading_leaf,"  # noqa: S608 - of constants
    " case when month is null or month = max(month) over () then sealed end, figures"
    f" from ({_HELD}"
    " and month >= coalesce((select max(month) from {0}.pages"
    "   where consent = %s and month < %s), '-infinity')"
    " and month <= coalesce((select min(month) from {0}.pages"
    "   where consent = %s and month > %s), 'infinity')) as held"
    " order by month, leaf, place"
)
"""One statement, for one instant: between two, slips may be filed into pages."""


class PostgresProjections:
    """The `ProjectionStore` port over PostgreSQL: the current generation, or one being built."""

    def __init__(self, connections: Connections, generation: int | None = None) -> None:
        """Take the connections, and the generation unless it is the current one."""
        self._connections = connections
        self._own = generation
        self._known: int | None = generation

    def create(self) -> None:
        """Begin with an empty first generation, unless there is one.

        Or with another one, where the present one was made before it had all its tables.
        """
        with self._connections.use() as connection, connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_CREATION,))
            former = _current(connection)
            if former is None:
                _create(connection, 1)
                connection.execute("insert into projection values (true, 1)")
            elif not _is_whole(connection, former):
                _create(connection, former + 1)
                connection.execute("update projection set generation = %s", (former + 1,))
                connection.execute(sql.SQL("drop schema {} cascade").format(_schema(former)))

    # ── writing ──────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def turn(self, part: Part | None) -> Iterator[bool]:
        """Hold the right to show a part, or of None to build all anew, if nobody has it.

        The server takes it from the dead.
        """
        lock = _TURNS[part]
        with self._connections.use() as connection:
            row = connection.execute("select pg_try_advisory_lock(%s)", (lock,)).fetchone()
            mine = bool(row and row[0])
            try:
                yield mine
            finally:
                if mine and not connection.closed:
                    connection.execute("select pg_advisory_unlock(%s)", (lock,))

    def position(self, part: Part) -> int:
        """Return the next position of a part to be shown, from 1."""
        return int(self._read("select next from {}.cursors where part = %s", part.value)[0][0])

    def received_at(self) -> datetime | None:
        """Return when the last of the readings that are shown was received, None for none."""
        rows = self._read("select received_at from {}.cursors where part = 'readings'")
        found: datetime | None = rows[0][0]
        return found

    def apply(self, part: Part, before: int, after: int, batch: Batch) -> bool:
        """Apply a batch in one transaction, unless the cursor has moved; say whether."""
        with self._writing() as (connection, schema):
            moved = connection.execute(
                sql.SQL(
                    "update {}.cursors set next = %s, received_at = greatest(received_at, %s)"
                    " where part = %s and next = %s returning 1"
                ).format(schema),
                (after, _last_received(batch.slips), part.value, before),
            ).fetchone()
            if moved is None:
                return False
            if batch.slips:
                copy_slips(connection, schema, batch.slips)
            if batch.standing:
                put_standing(connection, schema, batch.standing)
            put_requests(connection, schema, batch.requests)
            if batch.gone:
                forget(connection, schema, batch.gone)
            for one in batch.unread:
                connection.execute(
                    sql.SQL("insert into {}.unread values (%s, %s) on conflict do nothing").format(
                        schema
                    ),
                    one,
                )
        return True

    def file(self, pages: Iterable[Page], slips: Collection[Slip]) -> None:
        """Keep pages in place of the slips that went into them, in one transaction."""
        with self._writing() as (connection, schema):
            for page in pages:
                connection.execute(
                    sql.SQL(
                        "insert into {}.pages values (%s, %s, %s, %s, %s) on conflict"
                        " (consent, month) do update set key = excluded.key,"
                        " sealed = excluded.sealed, figures = excluded.figures"
                    ).format(schema),
                    (page.consent, page.month, *page.sealed, page.figures),
                )
            connection.execute(
                sql.SQL(
                    "delete from {}.slips using unnest(%s::uuid[], %s::bigint[], %s::int[])"
                    " as filed(consent, leaf, place) where slips.consent = filed.consent"
                    " and slips.leaf = filed.leaf and slips.place = filed.place"
                ).format(schema),
                (
                    uuids(slip.consent for slip in slips),
                    array(slip.leaf for slip in slips),
                    array(slip.place for slip in slips),
                ),
            )

    def purge(self, keys: Collection[UUID], consents: Collection[UUID] = ()) -> None:
        """Drop the pages and slips that were sealed under these keys, in one transaction.

        They lie in the order of their consents; without these, all of them are looked at.
        """
        dead = uuids(key.bytes for key in keys)
        of_whom = uuids(consent.bytes for consent in consents) if consents else None
        with self._writing() as (connection, schema):
            for table in ("slips", "pages"):
                connection.execute(
                    sql.SQL(
                        "delete from {}.{} where key in (select unnest(%s::uuid[]))"
                        " and (%s::uuid[] is null or consent = any(%s::uuid[]))"
                    ).format(schema, sql.Identifier(table)),
                    (dead, of_whom, of_whom),
                )

    def beside(self) -> PostgresProjections:
        """Begin a new generation beside the current one, empty."""
        with self._connections.use() as connection, connection.transaction():
            following = (_current(connection) or 0) + 1
            connection.execute(
                sql.SQL("drop schema if exists {} cascade").format(_schema(following))
            )
            _create(connection, following)
        return PostgresProjections(self._connections, following)

    def swap(self) -> None:
        """Make this generation the one that is read, and drop the one before."""
        with self._connections.use() as connection, connection.transaction():
            former = _current(connection)
            connection.execute("update projection set generation = %s", (self._known,))
            if former is not None and former != self._known:
                connection.execute(sql.SQL("drop schema {} cascade").format(_schema(former)))
        self._own = None

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def unread(self) -> Sequence[Unread]:
        """Return what could not be shown, the oldest first, a thousand at most."""
        rows = self._read("select position, reason from {}.unread order by position limit 1000")
        return [Unread._make(row) for row in rows]

    def standing(self, accounts: Collection[UUID]) -> Mapping[UUID, Sealed]:
        """Return the sealed pages of the accounts that have one."""
        if not accounts:
            return {}
        rows = self._read(
            "select account, key, sealed from {}.standing where account = any(%s::uuid[])",
            uuids(account.bytes for account in accounts),
        )
        return {account: Sealed(key, content) for account, key, content in rows}

    def covers(self, accounts: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what deliveries decide on, sealed, by the account's 16 bytes."""
        return dict(
            self._read(
                "select uuid_send(account), covers from {}.standing"
                " where account = any(%s::uuid[])",
                uuids(accounts),
            )
        )

    def slips(self, consent: UUID) -> Sequence[Slip]:
        """Return a consent's slips, in ledger order."""
        rows = self._read(
            "select uuid_send(consent), leaf, place, received_at, uuid_send(key), reading_leaf,"
            " sealed from {}.slips where consent = %s order by leaf, place",
            consent,
        )
        return [Slip._make(row) for row in rows]

    def page(self, consent: UUID, month: date) -> Sequence[Page]:
        """Return a consent's page of a month; none where there is none."""
        return self._pages(_PAGE, consent, month)

    def last_page(self, consent: UUID) -> Sequence[Page]:
        """Return the page of a consent's last month; none where there is none."""
        return self._pages(_LAST_PAGE, consent)

    def _pages(self, query: str, consent: UUID, *parameters: object) -> Sequence[Page]:
        return [
            Page(consent, month, Sealed(key, content), figures)
            for month, key, content, figures in self._read(query, consent, *parameters)
        ]

    def held(self, consent: UUID) -> Held:
        """Return slips and pages as they are at one instant; see the port."""
        query = _HELD + " order by month, leaf, place"
        return Held(*_told_apart(consent, self._read(query, consent, consent)))

    def figured(self, consent: UUID, first: date, last: date) -> Figured:
        """Return figures and slips as they are at one instant; see the port."""
        asked = (consent, consent, consent, first, consent, last)
        pages, slips = _told_apart(consent, self._read(_FIGURED, *asked))
        figures = {page.month: Sealed(page.sealed.key, page.figures) for page in pages}
        return Figured(figures, pages[-1] if pages else None, slips)

    def lapsed(self, before: date, limit: int) -> Sequence[UUID]:
        """Return up to `limit` consents not ended whose last day lies before a day."""
        rows = self._read(
            "select consent from {}.lasting where last_day < %s order by last_day limit %s",
            before,
            limit,
        )
        return [consent for (consent,) in rows]

    def crowded(self, slips: int, limit: int) -> Sequence[UUID]:
        """Return up to `limit` consents that have more than so many slips."""
        rows = self._read(
            "select consent from {}.slips group by consent having count(*) > %s limit %s",
            slips,
            limit,
        )
        return [consent for (consent,) in rows]

    def requests(self, accounts: Collection[UUID]) -> Mapping[UUID, Request]:
        """Return the last erasure requests of the accounts that made one."""
        if not accounts:
            return {}
        found = self._requests(
            "where account = any(%s::uuid[])", uuids(account.bytes for account in accounts)
        )
        return {one.account: one for one in found}

    def open_requests(self) -> Sequence[Request]:
        """Return the requests that are not closed, the oldest first."""
        return self._requests("where closed_at is null order by requested_at, account")

    def closed_requests(self, limit: int | None = None) -> Sequence[Request]:
        """Return the requests that are closed, the latest first; all unless told how many."""
        return self._requests("where closed_at is not null order by closed_at desc limit %s", limit)

    def _requests(self, which: str, *parameters: object) -> list[Request]:
        rows = self._read(f"{_REQUESTS} {which}", *parameters)
        return [
            Request._make([*dates, Outcome(outcome) if outcome else None])
            for *dates, outcome in rows
        ]

    def everything(self, after: UUID | None = None) -> Iterator[tuple[UUID, Sealed]]:
        """Yield every account's page, by account, from after one where it is given."""
        last = after or UUID(int=0)
        while rows := self._read(
            "select account, key, sealed from {}.standing where account > %s"
            " order by account limit %s",
            last,
            _CHUNK,
        ):
            yield from ((account, Sealed(key, content)) for account, key, content in rows)
            last = rows[-1][0]

    def consents(self) -> Iterator[UUID]:
        """Yield every consent that has slips or pages, in order."""
        last = UUID(int=0)
        while rows := self._read(
            "select consent from (select consent from {0}.slips where consent > %s union"
            " select consent from {0}.pages where consent > %s) as held"
            " order by consent limit %s",
            last,
            last,
            _CHUNK,
        ):
            yield from (consent for (consent,) in rows)
            last = rows[-1][0]

    def _read(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from the generation that is current; once more when it was just replaced."""
        for attempt in (0, 1):
            with self._connections.use() as connection:
                if self._known is None:
                    self._known = _current(connection)
                text = query.format(f"projection_{self._known}")
                try:
                    return connection.execute(
                        text.encode(), parameters, binary=True, prepare=True
                    ).fetchall()
                except psycopg.errors.UndefinedTable:
                    if attempt or self._own is not None:
                        raise
                    self._known = None
        return []

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[Connection, sql.Identifier]]:
        """Open a transaction on this store's generation, which stays current until it ends."""
        with self._connections.use() as connection, connection.transaction():
            generation = self._own
            if generation is None:
                generation = self._known = _current(connection, hold=True)
            yield connection, _schema(generation)


def _last_received(slips: Sequence[Slip]) -> datetime | None:
    """Return when the last of some slips was received, None for none."""
    return max((slip.received_at for slip in slips), default=None)


def _told_apart(consent: UUID, rows: Iterable[tuple[Any, ...]]) -> tuple[list[Page], list[Slip]]:
    pages, slips = [], []
    for month, leaf, place, received_at, key, reading_leaf, sealed, figures in rows:
        if month is None:
            slip = Slip(consent.bytes, leaf, place, received_at, key, reading_leaf, sealed)
            slips.append(slip)
        else:
            pages.append(Page(consent, month, Sealed(UUID(bytes=key), sealed), figures))
    return pages, slips


def _schema(generation: int | None) -> sql.Identifier:
    return sql.Identifier(f"projection_{generation}")


def _current(connection: Connection, *, hold: bool = False) -> int | None:
    """Return the current generation, None before there is one; held, it stays until the end."""
    query = "select generation from projection"
    row = connection.execute(f"{query} for share" if hold else query).fetchone()
    return int(row[0]) if row else None


def _is_whole(connection: Connection, generation: int) -> bool:
    """Tell whether a generation has the table that was added last."""
    row = connection.execute(
        "select to_regclass(%s) is not null", (f"projection_{generation}.requests",)
    ).fetchone()
    return bool(row and row[0])


def _create(connection: Connection, generation: int) -> None:
    text = resources.files(__package__).joinpath("projections.sql").read_text("utf-8")
    connection.execute(text.replace("{schema}", f"projection_{generation}").encode())
