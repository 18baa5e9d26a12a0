"""The ledger's core: commits, fold, verified replay, published tiles, bytes a reading.

The rival for commits is eventsourcing's own PostgreSQL recorder, in the same run on the
same server, writing the same opaque event; ours also arbitrates, builds the tree and
publishes a signed checkpoint before it answers. fsync is on for database, tiles and
checkpoint; one process; no replication.
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Final

from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.connections import Connections
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from bench.place import home
from bench.rate import blocked, submitted
from bench.records import FILES, METERS, deliveries
from bench.table import Row, arguments, report
from keys.keyring import FileKeyring
from keys.redaction import Redacted
from keys.store import KeyStore
from ledger.fold import fold_batch, needs, parse
from ledger.readings import key_ids, open_readings
from ledger.record import decode
from ledger.rule import Fate, Head, Rule
from ledger.store import Cursor
from metroledger.bootstrap import open_ledger
from metroledger.settings import Settings
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.log import Entry
    from metroledger.bootstrap import Installation

IN_FLIGHT: Final = (1, 32, 512)
DELIVERY_BYTES: Final = 100_000
"""No record of one event is as large, and no delivery of the benchmark smaller."""


def main() -> None:
    """Run every part and print the table."""
    asked = arguments(__doc__.splitlines()[0] if __doc__ else "")
    with home() as settings, open_ledger(settings) as installation:
        rows = list(commits(installation, asked.seconds))
        records = deliveries(installation)
        rows += published(installation, records)
        rows += folded(installation)
        rows += replayed(installation)
        rows += sizes(installation, records)
    conditions = [
        "PostgreSQL with fsync and synchronous_commit on, Unix socket, same machine",
        "tiles and checkpoint fsynced before each answer; a commit is one event of 300 bytes",
        f"{FILES} deliveries of {METERS:,} readings with ten registers each, one commit each",
    ]
    report(rows, conditions, asked.json)


# ── commits ──────────────────────────────────────────────────────────────────────────────────────


def commits(installation: Installation, seconds: float) -> Iterator[Row]:
    """Commits a second, ours and the library's, by how many are in flight."""
    rival = _rival(installation)
    committer = installation.ledger.committer
    theirs = (0.0, 0.0, 0.0)
    for in_flight in IN_FLIGHT:
        theirs = blocked(rival.insert_events, in_flight, seconds)
        mine = submitted(committer, in_flight, seconds)
        yield Row(
            what=f"eventsourcing PostgreSQL recorder, {in_flight} in flight",
            value=theirs[0],
            unit="commits/s",
            note=f"p50 {theirs[1]:.1f} ms, p99 {theirs[2]:.1f} ms",
        )
        yield Row(
            what=f"metroledger, published before the answer, {in_flight} in flight",
            value=mine[0],
            unit="commits/s",
            note=f"p50 {mine[1]:.1f} ms, p99 {mine[2]:.1f} ms; {mine[0] / theirs[0]:.1f} times",
            aim="10 times" if in_flight == max(IN_FLIGHT) else "",
        )
    threads = blocked(installation.ledger.recorder.insert_events, max(IN_FLIGHT), seconds)
    yield Row(
        what=f"  the same, each of the {max(IN_FLIGHT)} a blocked thread",
        value=threads[0],
        unit="commits/s",
        note=f"p50 {threads[1]:.1f} ms, p99 {threads[2]:.1f} ms; "
        f"{threads[0] / theirs[0]:.1f} times",
    )
    rival.datastore.close()


def _rival(installation: Installation) -> PostgresApplicationRecorder:
    place = conninfo_to_dict(EmbeddedPostgres(installation.settings.postgres).conninfo)
    datastore = PostgresDatastore(
        dbname=str(place["dbname"]),
        host=str(place["host"]),
        port=str(place.get("port") or 5432),
        user=str(place["user"]),
        password="",
        pool_size=20,
        max_overflow=0,
        connect_timeout=60,
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="rival_events")
    recorder.create_table()
    return recorder


# ── deliveries: appended, folded, published ──────────────────────────────────────────────────────


def published(installation: Installation, records: list[bytes]) -> Iterator[Row]:
    """Readings a second from sealed records to published tiles."""
    committer = installation.ledger.committer
    begin = time.perf_counter()
    answers = [committer.submit(record, decode(record).header.command, ()) for record in records]
    for answer in answers:
        answer.result()
    rate = len(records) * METERS / (time.perf_counter() - begin)
    yield Row(
        what="readings hashed, folded, indexed, under a published checkpoint",
        value=rate,
        unit="readings/s",
        note="Tessera's POSIX log: 38,000 leaves/s on this kind of machine",
    )


def folded(installation: Installation) -> Iterator[Row]:
    """Events a second through the pure fold alone, on the log as recorded.

    One-event records and deliveries apart: a rate over both would say how many of
    each there happened to be.
    """
    entries = list(_entries(installation))
    small = [entry for entry in entries if len(entry.record) < DELIVERY_BYTES]
    state = _Folded()
    begin = time.perf_counter()
    state.take(small)
    between, events = time.perf_counter(), state.cursor.position
    state.take(entries[len(small) :])
    end = time.perf_counter()
    yield Row(
        what=f"the fold alone, {len(small):,} records of one event",
        value=events / (between - begin),
        unit="events/s",
        aim="60,000",
    )
    yield Row(
        what=f"the fold alone, {len(entries) - len(small):,} deliveries",
        value=(state.cursor.position - events) / (end - between),
        unit="readings/s",
    )


class _Folded:
    """What the fold keeps between batches, in memory."""

    def __init__(self) -> None:
        self.cursor = Cursor()
        self._heads: dict[bytes, Head] = {}
        self._fates: dict[bytes, Fate] = {}

    def take(self, entries: list[Entry]) -> None:
        for at in range(0, len(entries), 1_000):
            parsed = [parse(entry) for entry in entries[at : at + 1_000]]
            streams, commands = needs(parsed)
            result, _ = fold_batch(
                Rule(),
                self.cursor,
                parsed,
                {s: self._heads[s] for s in streams if s in self._heads},
                {c: self._fates[c] for c in commands if c in self._fates},
            )
            self._heads.update(result.heads)
            self._fates.update(result.fates)
            self.cursor = result.cursor


def _entries(installation: Installation) -> Iterator[Entry]:
    start = 0
    while batch := installation.log.read(start, limit=2_000, bytes_max=32 << 20):
        yield from batch
        start = batch[-1].offset + 1


# ── verified replay ──────────────────────────────────────────────────────────────────────────────


def replayed(installation: Installation) -> Iterator[Row]:
    """Readings a second, verified and decrypted, by two processes."""
    offsets = [
        entry.offset for entry in _entries(installation) if len(entry.record) >= DELIVERY_BYTES
    ]
    settings = installation.settings
    jobs = [(settings, EmbeddedPostgres(settings.postgres).conninfo, offsets[n::2]) for n in (0, 1)]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_warm, (0, 1)))
        begin = time.perf_counter()
        results = list(pool.map(_open_all, jobs))
        elapsed = time.perf_counter() - begin
    yield Row(
        what="verified replay with decryption, two processes",
        value=sum(count for count, _ in results) / elapsed,
        unit="readings/s",
        note=f"memory grew by {max(growth for _, growth in results):.0f} MB after the first record",
        aim="150,000",
    )


def _warm(_: int) -> None:
    time.sleep(0.2)


def _open_all(job: tuple[Settings, str, list[int]]) -> tuple[int, float]:
    """Open every reading of the records at some offsets; count them, and the growth in MB.

    Growth after the first record: what more records add, the process having its caches.
    """
    settings, conninfo, offsets = job
    log = PostgresLog(Connections(conninfo))
    count, after_first = 0, 0
    with KeyStore.open(
        settings.keys, keyring=FileKeyring(settings.keyring), journal=settings.destroyed
    ) as keys:
        for offset in offsets:
            frame = decode(log.read(offset, limit=1)[0].record).frames[0]
            if frame.readings is None:
                continue
            ids = key_ids(frame.readings, decode_private(frame.private).extra)
            opened = open_readings(
                frame.readings, ids, range(len(ids)), keys.fetch(set(ids)), frozenset()
            )
            count += sum(not isinstance(one.reading, Redacted) for one in opened)
            after_first = after_first or _memory_kb()
    return count, (_memory_kb() - after_first) / 1024


def _memory_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────


def sizes(installation: Installation, records: list[bytes]) -> Iterator[Row]:
    """Bytes a reading takes at each place."""
    readings = len(records) * METERS
    yield Row(
        what="bytes a reading in the log",
        value=sum(map(len, records)) / readings,
        unit="bytes",
        aim="250",
    )
    frame = decode(records[0]).frames[0]
    sealed = sum(map(len, frame.readings.sealed)) / METERS if frame.readings else 0
    yield Row(
        what="  of it sealed payload (leaf 65, key id 16, expects 40)", value=sealed, unit="bytes"
    )
    conninfo = EmbeddedPostgres(installation.settings.postgres).conninfo
    with Connections(conninfo).use() as connection:
        (size,) = connection.execute("select pg_total_relation_size('readings')").fetchone() or (0,)
    yield Row(what="bytes a reading in the narrow index", value=size / readings, unit="bytes")
    tiles = sum(f.stat().st_size for f in installation.settings.tiles.rglob("*") if f.is_file())
    yield Row(what="all published files", value=tiles / 1024, unit="KiB")


if __name__ == "__main__":
    main()
