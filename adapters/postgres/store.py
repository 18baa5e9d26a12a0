"""What the fold wrote, in PostgreSQL: one transaction a batch, swapped by its cursor.

Rows are written with `unnest` over arrays, and the readings' index with a binary
COPY; both are many times as fast as a statement a row. The lookups use arrays too,
whose plans do not depend on statistics.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any, Final

from adapters.postgres.arrays import array, uuid, uuids
from adapters.postgres.connections import Connection, Connections
from ledger.rule import Fate, Head
from ledger.store import Accepted, Cursor, Folded, ReadingRow, Segment
from proofs.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from psycopg import Pipeline

_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_copy_reading = struct.Struct(">hi16siqiiii")

_HEADS: Final = """
    insert into heads select * from unnest(%s::uuid[], %s::bigint[], %s::boolean[])
    on conflict (stream) do update set version = excluded.version, ended = excluded.ended"""
_FATES: Final = "insert into fates select * from unnest(%s::uuid[], %s::boolean[])"
_COMMITS: Final = """
    insert into commits select * from unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::bigint[],
                                             %s::bigint[], %s::bigint[])"""
_SEGMENTS: Final = """
    insert into segments select * from unnest(%s::uuid[], %s::bigint[], %s::bigint[],
                                              %s::bigint[])"""
_LEAVES: Final = """
    insert into leaves select %s::bigint + place - 1, entry
    from unnest(%b::bytea[]) with ordinality as rows(entry, place)"""
_CURSOR: Final = (
    'select "offset", offset_last, last, genesis, identity, rule, position, accepted, frontier'
    " from cursor"
)
_SWAP: Final = """
    insert into cursor values (true, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (single) do update set "offset" = excluded."offset",
        offset_last = excluded.offset_last, last = excluded.last, genesis = excluded.genesis,
        identity = excluded.identity, rule = excluded.rule, position = excluded.position,
        accepted = excluded.accepted, frontier = excluded.frontier
    where cursor."offset" = %s and cursor.identity = %s returning 1"""


class PostgresFoldStore:
    """The `FoldStore` port over PostgreSQL."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._connections.use() as connection:
            return connection.execute(
                query.encode(), parameters, binary=True, prepare=True
            ).fetchall()

    def cursor(self) -> Cursor:
        """Return how far the fold has come."""
        rows = self._rows(_CURSOR)
        return _cursor(rows[0]) if rows else Cursor()

    def heads(self, streams: Collection[bytes]) -> Mapping[bytes, Head]:
        """Return the heads of the streams that exist."""
        if not streams:
            return {}
        rows = self._rows(
            "select uuid_send(stream), version, ended from heads where stream = any(%s::uuid[])",
            uuids(streams),
        )
        return {stream: Head(version, ended) for stream, version, ended in rows}

    def fates(self, commands: Collection[bytes]) -> Mapping[bytes, Fate]:
        """Return what became of the commands of which something has."""
        if not commands:
            return {}
        rows = self._rows(
            "select uuid_send(command), accepted from fates where command = any(%s::uuid[])",
            uuids(commands),
        )
        return {c: Fate.ACCEPTED if accepted else Fate.BARRED for c, accepted in rows}

    def commit(self, before: Cursor, folded: Folded) -> bool:
        """Apply a batch in one transaction, unless the cursor has moved; say whether."""
        with self._connections.use() as connection, _transaction(connection, folded) as pipeline:
            swapped = _swap(connection, before, folded.cursor, pipeline)
            if swapped:
                _write(connection, folded)
        return swapped

    def accepted(self, command: bytes) -> Accepted | None:
        """Return the accepted commit of a command."""
        return self.accepted_of([command]).get(command)

    def accepted_of(self, commands: Collection[bytes]) -> Mapping[bytes, Accepted]:
        """Return the accepted commits of those commands that have one."""
        if not commands:
            return {}
        rows = self._rows(_ACCEPTED + " where command = any(%s::uuid[])", uuids(commands))
        return {row[0]: _accepted(row) for row in rows}

    def segments(self, stream: bytes, after: int = 0) -> Sequence[Segment]:
        """Return where a stream's events above a version lie, in order."""
        rows = self._rows(
            'select first, events, "offset" from segments'
            " where stream = %s::uuid and first + events - 1 > %s order by first",
            uuid(stream),
            after,
        )
        return [Segment(stream, *row) for row in rows]

    def segments_of(self, streams: Collection[bytes]) -> Sequence[Segment]:
        """Return where all events of many streams lie, by stream and version."""
        rows = self._rows(
            'select uuid_send(stream), first, events, "offset" from segments'
            " where stream = any(%s::uuid[]) order by stream, first",
            uuids(streams),
        )
        return [Segment(*row) for row in rows]

    def commit_at(self, offset: int) -> Accepted | None:
        """Return the accepted commit whose record lies at an offset of the log."""
        rows = self._rows(_ACCEPTED + ' where "offset" = %s', offset)
        return _accepted(rows[0]) if rows else None

    def commits(
        self, start: int, limit: int, *, readings: bool | None = None
    ) -> Sequence[Accepted]:
        """Return commits in order, from the one that holds position `start`."""
        rows = self._rows(_COMMITS_FROM_POSITION, start, readings, readings, limit)
        return [_accepted(row) for row in rows]

    def commits_by_leaf(self, start: int, limit: int) -> Sequence[Accepted]:
        """Return commits in order, from the one that holds leaf `start`."""
        rows = self._rows(
            _COMMITS_FROM_LEAF,
            start,
            limit,
        )
        return [_accepted(row) for row in rows]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the leaves of the main tree with indexes from `start` up to `stop`."""
        for first in range(start, stop, 4_096):
            yield from (
                entry
                for (entry,) in self._rows(
                    "select entry from leaves where leaf >= %s and leaf < %s order by leaf",
                    first,
                    min(first + 4_096, stop),
                )
            )

    def readings(self, consent: bytes) -> Sequence[ReadingRow]:
        """Return where the readings taken in under a consent lie, in ledger order."""
        rows = self._rows(
            'select "offset", frame, place from readings where consent = %s::uuid'
            ' order by "offset", frame, place',
            uuid(consent),
        )
        return [ReadingRow(consent, *row) for row in rows]

    def register(self, start: int) -> Sequence[int]:
        """Return the indexes, from `start`, of the leaves of the public register."""
        rows = self._rows(
            "select leaf from leaves where in_register(entry) and leaf >= %s order by leaf", start
        )
        return [leaf for (leaf,) in rows]


_ACCEPTED: Final = (
    'select uuid_send(command), "offset", position, events, leaf, leaves from commits'
)
_COMMITS_FROM_POSITION: Final = (
    'select uuid_send(command), "offset", position, events, leaf, leaves from commits'
    " where position >= coalesce((select max(position) from commits where position <= %s), 0)"
    " and (%s::boolean is null or (events > leaves) = %s::boolean)"
    " order by position limit %s"
)
_COMMITS_FROM_LEAF: Final = (
    'select uuid_send(command), "offset", position, events, leaf, leaves from commits'
    " where leaf >= coalesce((select max(leaf) from commits where leaf <= %s), 0)"
    " order by leaf limit %s"
)


def _accepted(row: tuple[Any, ...]) -> Accepted:
    return Accepted(*row)


def _cursor(row: tuple[Any, ...]) -> Cursor:
    offset, offset_last, last, genesis, identity, rule, position, accepted, frontier = row
    return Cursor(
        offset=offset,
        offset_last=offset_last,
        last=last,
        genesis=genesis,
        identity=identity,
        rule=rule,
        position=position,
        accepted=accepted,
        frontier=Frontier.decode(frontier),
    )


@contextlib.contextmanager
def _transaction(connection: Connection, folded: Folded) -> Iterator[Pipeline | None]:
    """Begin a transaction and commit it; a small one in two round trips rather than eight.

    The second one sends all that is written, and the commit: none of it has an answer to look at.
    A COPY cannot be part of that, and whoever needs one does not notice round trips.
    """
    with contextlib.ExitStack() as stack:
        pipeline = None if folded.readings else stack.enter_context(connection.pipeline())
        stack.enter_context(connection.transaction())
        yield pipeline


def _swap(connection: Connection, before: Cursor, after: Cursor, pipeline: Pipeline | None) -> bool:
    """Move the cursor from `before` to `after`; say whether it stood at `before`.

    That ends the pipeline's first round trip: so the server sees it where a process is stopped
    while it holds the cursor, and gives it up.
    """
    moved = connection.execute(
        _SWAP.encode(),
        (
            after.offset,
            after.offset_last,
            after.last,
            after.genesis,
            after.identity,
            after.rule,
            after.position,
            after.accepted,
            after.frontier.encode(),
            before.offset,
            before.identity,
        ),
        prepare=True,
    )
    if pipeline is not None:
        pipeline.sync()
    return moved.fetchone() is not None


def _write(connection: Connection, folded: Folded) -> None:
    """Write what a batch adds, one statement a table."""
    first_leaf = folded.cursor.size - len(folded.leaves)
    heads, fates = folded.heads, folded.fates
    accepted, segments = (
        list(zip(*folded.accepted, strict=True)),
        list(zip(*folded.segments, strict=True)),
    )
    _insert(
        connection,
        _HEADS,
        uuids(heads),
        array(head.version for head in heads.values()),
        array("tf"[not head.ended] for head in heads.values()),
    )
    accepted_too = ("tf"[fate is not Fate.ACCEPTED] for fate in fates.values())
    _insert(connection, _FATES, uuids(fates), array(accepted_too))
    if accepted:
        commands, offsets, *numbers = accepted
        _insert(connection, _COMMITS, array(offsets), uuids(commands), *map(array, numbers))
    if segments:
        streams, *numbers = segments
        _insert(connection, _SEGMENTS, uuids(streams), *map(array, numbers))
    if folded.leaves:
        _insert(connection, _LEAVES, first_leaf, list(folded.leaves))
    if folded.readings:
        _copy_readings(connection, folded.readings)


def _insert(connection: Connection, statement: str, *columns: object) -> None:
    connection.execute(statement.encode(), columns, prepare=True)


def _copy_readings(connection: Connection, rows: Sequence[ReadingRow]) -> None:
    """Copy rows in the order of their key, which the index takes faster than any other."""
    pack = _copy_reading.pack
    data = b"".join(
        pack(4, 16, consent, 8, offset, 4, frame, 4, place)
        for consent, offset, frame, place in sorted(rows)
    )
    statement = 'copy readings (consent, "offset", frame, place) from stdin (format binary)'
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_COPY_HEAD + data + _COPY_END)
