"""The log as one Kafka topic of one partition: what production uses.

Durable when every replica in sync has it (`acks=all`, `min.insync.replicas`). No consumer
group, no offset kept in Kafka, no transactions: the fold's cursor lies in PostgreSQL, and
whoever reads names the offset it wants. Offsets have no gaps, and one that has no record
any more stops the reader (`RecordsGone`).

After a change of leader the new one may not yet answer for the newest records; it is
then asked again rather than believed, for a log that seems to end too early stops the fold.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import errors
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest, OffsetSpec

from adapters.kafka.batches import RecordsGone, entries_of
from adapters.kafka.place import Care, KafkaUnavailable, Place
from adapters.kafka.topic import describe
from adapters.kafka.wire import PATIENCE_S, PAUSE_S, Wire
from adapters.kafka.writer import APPEND_S, Writer
from application.waiting import left_s
from ledger.log import Description, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FETCH_BYTES: Final = 8 << 20
"""The most one fetch brings, in bytes; a batch that is larger comes whole all the same."""

RECORD_USUAL: Final = 1_024
"""So many bytes are fetched for each record asked for: of smaller ones some come in vain."""

_BY_NAME: Final = 12
"""The last version of a fetch that names its topic: an id would have to be looked up first."""

_OFFSETS: Final = (5, 9)
"""From the first of these on, a leader that lags says so instead of naming an older end."""


class _Page(NamedTuple):
    """What a fetch brought; `end` is the log’s, as far as its leader knows."""

    entries: list[Entry]
    end: int


class KafkaLog:
    """The `CommitLog` port over a topic of one partition."""

    def __init__(self, place: Place, care: Care, *, append_s: float = APPEND_S) -> None:
        """Take the topic, how it must be kept, and how long one append may take."""
        self._place = place
        self._care = care
        self._wire = Wire(place)
        self._writer = Writer(place, append_s)
        self._seen = 0

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, from any thread, after each change of leader and each outage.

        The log should then be checked anew: what a broker lost, it loses at such moments.
        """
        self._wire.changed = changed

    def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
        """Append records; those are in doubt that no broker has answered for in time."""
        offsets = self._writer.append(records)
        self._seen = max(self._seen, *(n + 1 for n in offsets if n is not None), 0)
        return offsets

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> Sequence[Entry]:
        """Return entries from `start`; raises `RecordsGone` where any from there on is missing."""
        found: list[Entry] = []
        size = 0
        while True:
            page = self._fetch(start + len(found), limit - len(found), bytes_max - size)
            for entry in page.entries:
                size += len(entry.record)
                if found and size > bytes_max:
                    return found
                found.append(entry)
            if len(found) >= limit or start + len(found) >= page.end:
                return found

    def _fetch(self, start: int, limit: int, bytes_max: int) -> _Page:
        """Return one fetch; without entries only where the log ends at or before `start`.

        A leader that has just begun brings nothing of what others appended last, and does not say
        so; asked for the log's end it does (`_OFFSETS`).
        """
        room = min(max(bytes_max, 1), FETCH_BYTES, limit * RECORD_USUAL)
        deadline = time.monotonic() + left_s(PATIENCE_S)
        while True:
            page = self._wire.ask(
                lambda: _fetch(self._place.topic, start, room),
                lambda response: _page(response, start, limit),
                leader=True,
            )
            self._seen = max(self._seen, page.end if page.entries else 0)
            if page.entries:
                return page
            if (begin := self.begin()) > start:
                raise RecordsGone(start, begin)
            if (end := self.end()) <= start:
                return _Page([], end)
            if time.monotonic() > deadline:
                raise KafkaUnavailable

    def end(self) -> int:
        """Return the offset after the last record.

        A leader that was cut off from the others may not know what was appended since: whoever
        says less than was seen is believed only when it stays so.
        """
        deadline = time.monotonic() + left_s(PATIENCE_S)
        while (end := self._offset(OffsetSpec.LATEST)) < self._seen:
            if time.monotonic() > deadline:
                break
            self._wire.forget_leader()
            time.sleep(PAUSE_S)
        self._seen = end
        return end

    def begin(self) -> int:
        """Return the first offset that is held."""
        return self._offset(OffsetSpec.EARLIEST)

    def _offset(self, which: int) -> int:
        return self._wire.ask(lambda: _list_offsets(self._place.topic, which), _offset, leader=True)

    def describe(self) -> Description:
        """Return the topic's identity and the faults of its settings."""
        return describe(self._wire, self._place, self._care)

    def close(self) -> None:
        """Close the connections; what is still being appended is then in doubt."""
        self._writer.close()
        self._wire.close()


def _fetch(topic: str, start: int, bytes_max: int) -> Any:  # noqa: ANN401 - the client's own
    part = FetchRequest.FetchTopic.FetchPartition(
        partition=0, fetch_offset=start, partition_max_bytes=bytes_max
    )
    return FetchRequest(
        max_version=_BY_NAME,
        max_wait_ms=0,
        min_bytes=0,
        max_bytes=bytes_max,
        isolation_level=0,
        session_id=0,
        session_epoch=-1,
        topics=[FetchRequest.FetchTopic(topic=topic, partitions=[part])],
        forgotten_topics_data=[],
    )


def _page(response: Any, start: int, limit: int) -> _Page:  # noqa: ANN401 - the client's own
    if response.error_code:
        raise errors.for_code(response.error_code)
    part = response.responses[0].partitions[0]
    error = errors.for_code(part.error_code)
    if error is errors.OffsetOutOfRangeError:
        return _Page([], start)
    if error is not errors.NoError:
        raise error
    entries = islice(entries_of(bytes(part.records or b""), start), limit)
    return _Page(list(entries), part.high_watermark)


def _list_offsets(topic: str, which: int) -> Any:  # noqa: ANN401 - the client's own
    part = ListOffsetsRequest.ListOffsetsTopic.ListOffsetsPartition(
        partition_index=0, current_leader_epoch=-1, timestamp=which
    )
    first, last = _OFFSETS
    return ListOffsetsRequest(
        min_version=first,
        max_version=last,
        replica_id=-1,
        isolation_level=0,
        topics=[ListOffsetsRequest.ListOffsetsTopic(name=topic, partitions=[part])],
    )


def _offset(response: Any) -> int:  # noqa: ANN401 - the client's own
    part = response.topics[0].partitions[0]
    error = errors.for_code(part.error_code)
    if error is not errors.NoError:
        raise error
    return int(part.offset)
