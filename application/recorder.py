"""eventsourcing's recorder over the commit log: the frame of the write path.

An insert is one commit: it answers when the record was accepted and the published
checkpoint covers it, and raises the library's `IntegrityError` when a stream was not
where the insert expects it. With a `header` (as `transact` passes) the events' state
is their sealed frames; without one the state is opaque bytes, stored as they are,
which is all that the library's own conformance suite needs.
"""

from __future__ import annotations

import hashlib
import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    StoredEvent,
)
from typing_extensions import override

from application.driving import drive
from application.protocol import Proposal, submit
from ledger.record import Frame, Header, Kind, Write, assemble, encode_frame, encode_header
from ledger.retrieval import read_record, read_records
from ledger.store import Accepted
from schemas import canonical
from schemas.leaf import decode_reading_leaf
from schemas.private import decode_private
from schemas.registry import reading_type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from application.committer import Committer
    from ledger.fold import Folder
    from ledger.record import Readings, Record
    from schemas.private import Private

DIGEST_SIZE: Final = 32
_PAGE: Final = 200
_POLL_S: Final = 0.02


class _Opaque(msgspec.Struct, frozen=True, kw_only=True):
    """The leaf of an event whose state is opaque: only what the library names it by."""

    v: int
    type: str
    stream: UUID | None = None
    version: int = 0


_leaf_decoder: Final = msgspec.json.Decoder(_Opaque)


class LedgerRecorder(ApplicationRecorder):
    """The library's recorder; every event it answers was accepted by the fold."""

    def __init__(self, folder: Folder, committer: Committer) -> None:
        """Take the folder (log and store) and the committer that all writers share."""
        self._folder = folder
        self._committer = committer

    @override
    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        header: Header | None = None,
        proposals: list[bytes] | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        """Commit events; return their notification ids. Raises `IntegrityError` on conflict.

        With `proposals` the record is put there and nothing is appended: `transact`
        carries it through the whole protocol, which may send it more than once.
        """
        if not stored_events:
            return []
        if header is None:
            header, frames = opaque_commit(stored_events)
        else:
            frames = [event.state[DIGEST_SIZE:] for event in stored_events]
        record = assemble(encode_header(header), frames)
        if proposals is not None:
            proposals.append(record)
            return None
        accepted = self._commit(header, record)
        return list(range(accepted.position, accepted.position + accepted.events))

    def _commit(self, header: Header, record: bytes) -> Accepted:
        steps = submit(header.command, Proposal(record=record, expects=tuple(header.expects())))
        _, accepted = drive(steps, self._committer)
        if accepted is None:
            message = "a stream is not where this commit expects it"
            raise IntegrityError(message)
        return accepted

    @override
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return a stream's events, by version."""
        stream = originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
        events = [
            event
            for segment in self._folder.store.segments(stream.bytes, max(gt or 0, 0))
            for event in self._stream_events(segment.offset, stream)
            if (gt is None or event.originator_version > gt)
            and (lte is None or event.originator_version <= lte)
        ]
        if desc:
            events.reverse()
        return events[:limit]

    def select_many(self, streams: Collection[UUID]) -> dict[UUID, list[StoredEvent]]:
        """Return all events of many streams, reading each record once."""
        segments = self._folder.store.segments_of({stream.bytes for stream in streams})
        found: dict[UUID, list[StoredEvent]] = {stream: [] for stream in streams}
        for record in read_records(self._folder.log, sorted({s.offset for s in segments})):
            for event in stored_events_of(record):
                if event.originator_id in found:
                    found[_uuid(event.originator_id)].append(event)
        return found

    def _stream_events(self, offset: int, stream: UUID) -> Iterator[StoredEvent]:
        for event in stored_events_of(read_record(self._folder.log, offset)):
            if event.originator_id == stream:
                yield event

    @override
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return accepted events in ledger order, numbered from 1 without a gap."""
        first = max((start or 0) + (0 if inclusive_of_start else 1), 1)
        found: list[Notification] = []
        for notification in self._notifications(first):
            if len(found) >= limit or (stop is not None and notification.id > stop):
                break
            if not topics or notification.topic in topics:
                found.append(notification)
        return found

    def _notifications(self, first: int) -> Iterator[Notification]:
        while commits := self._folder.store.commits(first, _PAGE):
            for commit in commits:
                if commit.position + commit.events > first:
                    events = stored_events_of(read_record(self._folder.log, commit.offset))
                    for place, event in enumerate(events, commit.position):
                        if place >= first:
                            yield _numbered(event, place)
            following = commits[-1].position + commits[-1].events
            if following <= first:
                return
            first = following

    @override
    def max_notification_id(self) -> int | None:
        """Return how many events were accepted, None for none."""
        return self._folder.store.cursor().position or None

    @override
    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> ListenNotifySubscription[LedgerRecorder]:
        """Return an iterator over accepted events that goes on as more are accepted."""
        return _Tail(self, gt, topics)


class _Tail(ListenNotifySubscription[LedgerRecorder]):
    """A subscription that looks for more every 20 ms: other processes append too."""

    @override
    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(_POLL_S)
        except BaseException as error:  # noqa: BLE001 (handed to the iterating thread)
            self._thread_error = error
            self.stop()


def stored_events_of(record: Record) -> Iterator[StoredEvent]:
    """Yield a record's events as the library's: a frame's own, then its readings.

    The state of an event is the digest of its commit's header, then its frame; of a
    reading its key's id, its 65-byte leaf, and its sealed bytes.
    """
    digest = hashlib.sha256(record.header_bytes).digest()
    for frame in record.frames:
        leaf = _leaf_decoder.decode(frame.leaf)
        if leaf.v == 0 and leaf.stream is not None:
            yield StoredEvent(leaf.stream, leaf.version, leaf.type, frame.sealed)
            continue
        private = decode_private(frame.private)
        state = encode_frame(Frame(leaf=frame.leaf, private=frame.private, sealed=frame.sealed))
        yield StoredEvent(private.stream, private.version, leaf.type, digest + state)
        if frame.readings is not None:
            yield from _stored_readings(frame.readings, private)


def _stored_readings(readings: Readings, private: Private) -> Iterator[StoredEvent]:
    for place, sealed in enumerate(readings.sealed):
        leaf = readings.leaf(place)
        topic = reading_type(decode_reading_leaf(leaf).kind).TOPIC
        key = private.extra[16 * place : 16 * place + 16]
        yield StoredEvent(private.stream, private.version + 1 + place, topic, key + leaf + sealed)


def _numbered(event: StoredEvent, number: int) -> Notification:
    return Notification(
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        state=event.state,
        id=number,
    )


def opaque_commit(events: Sequence[StoredEvent]) -> tuple[Header, list[bytes]]:
    """Return header and frames of a commit whose events carry opaque state."""
    versions: dict[UUID, list[int]] = {}
    for event in events:
        versions.setdefault(_uuid(event.originator_id), []).append(event.originator_version)
    for of_stream in versions.values():
        if any(later != earlier + 1 for earlier, later in pairwise(of_stream)):
            message = "the versions of a stream do not follow each other"
            raise IntegrityError(message)
    writes = tuple(
        Write(stream.bytes, max(of_stream[0] - 1, 0), len(of_stream), 0)
        for stream, of_stream in versions.items()
    )
    header = Header(kind=Kind.COMMIT, command=os.urandom(16), writes=writes)
    return header, [encode_frame(_opaque_frame(event)) for event in events]


def _opaque_frame(event: StoredEvent) -> Frame:
    leaf = _Opaque(
        v=0,
        type=event.topic,
        stream=_uuid(event.originator_id),
        version=event.originator_version,
    )
    return Frame(leaf=canonical.encode(leaf), private=b"", sealed=event.state)


def _uuid(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
