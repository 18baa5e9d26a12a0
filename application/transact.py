"""The one write path: load → decide → seal → append → await the answer.

A frame around eventsourcing's `Application` and `Repository`: our functions fold and
decide, our mapper is the only place that seals, and `save` hands the recorder a whole
commit with the version of *every* stream that was read.

A use case calls `Ledger.transact(command, decide)`. `decide` gets a `Loading`, loads
what it needs, and returns the changes; it may be called again on a newer state, so it
does nothing else. A stream that has ended is left out of `expects`: it never moves, so
what was read of it stays true.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import EventStore, Mapper, StoredEvent
from eventsourcing.utils import Environment
from typing_extensions import override

from application.driving import drive
from application.protocol import Nothing, Proposal, Refusal, write
from application.recorder import DIGEST_SIZE, LedgerRecorder
from application.vault import key_name
from domain.errors import Refused, Unavailable
from domain.values import Stream
from keys.redaction import Redacted
from ledger.frames import Draft, Opened, key_id_of, open_event, seal_event
from ledger.record import (
    RECORD_MAX,
    Header,
    Kind,
    Read,
    Write,
    decode_frame,
    encode_frame,
    encode_header,
)
from ledger.rule import Fate
from schemas.registry import ENDING_TOPICS, KIND_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from application.committer import Committer
    from application.protocol import Decision
    from application.vault import Vault
    from domain.events import Change, Event
    from domain.values import Actor
    from ledger.fold import Folder
    from ledger.store import Accepted

State = TypeVar("State")

READING_TOPICS: Final = frozenset(event.TOPIC for event in KIND_OF)


class Aggregate(Protocol[State]):
    """A module of `domain.aggregates`: where its state begins, and how an event moves it."""

    @property
    def INITIAL(self) -> State:  # noqa: N802 (a module's constant)
        """The state before any event."""

    @property
    def evolve(self) -> Callable[[State, Any], State]:
        """The state after an event."""


class RecordTooLarge(Unavailable):
    """A commit does not fit one record; nothing was appended."""

    def __init__(self, size: int) -> None:
        """Take the record's size in bytes."""
        super().__init__(
            f"a commit of {size} bytes is larger than a record may be ({RECORD_MAX}); nothing was "
            "appended and nothing is lost: report it, this program should have cut it"
        )


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """What the repository rebuilds: a stream's events folded into its state."""

    state: State
    version: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Unopened:
    """A reading in its delivery's stream: nothing of it changes the delivery."""

    event_type: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A stored reading, left closed."""

    originator_version: int
    event: Unopened


class SealingMapper(Mapper[UUID]):
    """Between drafted events and stored ones: seals on the way in, opens on the way out."""

    def __init__(self, vault: Vault) -> None:
        """Take the vault whose keys open what is read."""
        self._vault = vault

    @override
    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Seal one drafted event."""
        draft: Draft = domain_event
        state = draft.header + encode_frame(seal_event(draft))
        return StoredEvent(draft.originator_id, draft.originator_version, draft.event.TOPIC, state)

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Open one stored event."""
        (opened,) = self.open_all([stored_event])
        return opened

    def open_all(self, stored: Sequence[StoredEvent]) -> Iterator[Opened | Closed]:
        """Open stored events, fetching the keys of all at once; readings stay closed."""
        frames = [
            None if event.topic in READING_TOPICS else decode_frame(event.state, DIGEST_SIZE)[0]
            for event in stored
        ]
        wanted = {key for frame in frames if frame and (key := key_id_of(frame))}
        keys = self._vault.fetch(wanted)
        ordered = self._vault.ordered() if len(keys) < len(wanted) else frozenset()
        for event, frame in zip(stored, frames, strict=True):
            if frame is None:
                yield Closed(event.originator_version, Unopened(event.topic))
            else:
                yield open_event(frame, event.state[:DIGEST_SIZE], keys, ordered)


class _BulkEventStore(EventStore[UUID]):
    """The library's event store, opening a stream's events with one fetch of keys."""

    mapper: SealingMapper

    @override
    def get(self, originator_id: UUID, **bounds: Any) -> Iterator[Any]:
        return self.mapper.open_all(self.recorder.select_events(originator_id, **bounds))


class Ledger(Application[UUID]):
    """The write path, and what reads whole streams; one for a process."""

    name = "metroledger"
    mapper: SealingMapper
    recorder: LedgerRecorder

    def __init__(self, folder: Folder, committer: Committer, vault: Vault) -> None:
        """Take the folder (log and store), the shared committer, and the vault."""
        self.folder = folder
        self.committer = committer
        self.vault = vault
        super().__init__()

    @override
    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Keep the process's environment out: only `metroledger/` reads it."""
        return Environment(name, {})

    @override
    def construct_mapper(self) -> SealingMapper:
        """Use the mapper that seals."""
        return SealingMapper(self.vault)

    @override
    def construct_recorder(self) -> LedgerRecorder:
        """Use the recorder over the commit log."""
        return LedgerRecorder(self.folder, self.committer)

    @override
    def construct_event_store(self) -> EventStore[UUID]:
        """Use the event store that opens in bulk."""
        return _BulkEventStore(self.mapper, self.recorder)

    def load(self, aggregate: Aggregate[State], stream: UUID) -> Loaded[State]:
        """Return a stream's folded state; one that does not exist is at its initial state."""
        projector: Any = partial(_project, aggregate)  # the library's are for its aggregates
        try:
            loaded: Loaded[State] = self.repository.get(stream, projector_func=projector)
        except AggregateNotFoundError:
            return Loaded(aggregate.INITIAL, 0, ended=False)
        return loaded

    def load_many(
        self, aggregate: Aggregate[State], streams: Collection[UUID]
    ) -> dict[UUID, Loaded[State]]:
        """Return many streams' folded states with one look at the log and the keys."""
        stored = self.recorder.select_many(streams)
        opened = self.mapper.open_all([event for events in stored.values() for event in events])
        absent: Loaded[State] = Loaded(aggregate.INITIAL, 0, ended=False)
        return {
            stream: _project(aggregate, None, islice(opened, len(events))) or absent
            for stream, events in stored.items()
        }

    def transact(
        self,
        command: UUID,
        decide: Callable[[Loading], Iterable[Change]],
        *,
        context: Context,
        derived: bool = False,
    ) -> Accepted | None:
        """Carry a command to its answer; return its accepted commit, None for nothing to do.

        Raises `Refused` when it was refused (and barred, unless it is derived),
        `Unavailable` when the outcome is open.
        """
        return self.carry(command, lambda: self._propose(command, decide, context), derived=derived)

    def carry(
        self, command: UUID, propose: Callable[[], Decision], *, derived: bool = False
    ) -> Accepted | None:
        """Carry a command whose decisions `propose` makes; see `transact`."""
        last: Decision = Nothing()

        def decide() -> Decision:
            nonlocal last
            last = propose()
            return last

        fate, accepted = drive(write(command.bytes, derived=derived), self.committer, decide)
        if fate is Fate.ACCEPTED:
            return accepted or self.committer.accepted(command.bytes)
        if isinstance(last, Refusal):  # of a derived command: it binds nobody, and is no success
            raise last.error
        return None

    def _propose(
        self, command: UUID, decide: Callable[[Loading], Iterable[Change]], context: Context
    ) -> Decision:
        loading = Loading(self)
        try:
            changes = list(decide(loading))
            return self.propose(command, loading, changes, context) if changes else Nothing()
        except Refused as error:
            return Refusal(error)

    def propose(
        self, command: UUID, loading: Loading, changes: list[Change], context: Context
    ) -> Proposal:
        """Seal changes into one record that expects every stream that was read."""
        header = header_of(command, loading.seen, changes)
        proposals: list[bytes] = []
        drafts = self.draft(encode_header(header), loading, changes, context)
        self.save(*drafts, header=header, proposals=proposals)
        return proposal_of(proposals[0], header)

    def draft(
        self, header: bytes, loading: Loading, changes: list[Change], context: Context
    ) -> list[Draft]:
        """Give each change its place in its stream and the key that seals it."""
        digest = hashlib.sha256(header).digest()
        keys = self.vault.keys_for(changes)
        versions = {stream: seen.version for stream, seen in loading.seen.items()}
        drafts = []
        for change in changes:
            versions[change.stream] = versions.get(change.stream, 0) + 1
            name = key_name(change)
            drafts.append(
                Draft(
                    originator_id=change.stream,
                    originator_version=versions[change.stream],
                    event=change.event,
                    header=digest,
                    key=keys[name] if name else None,
                    at=context.at,
                    actor=context.actor,
                    extra=context.extra.get(change.event.TOPIC, b""),
                )
            )
        return drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """When, and by whom; `extra` is the private bytes of an event type that carries some."""

    at: datetime
    actor: Actor
    extra: dict[str, bytes] = field(default_factory=dict)


class Loading:
    """What one decision loads; it notes the version of everything it hands out."""

    def __init__(self, ledger: Ledger) -> None:
        """Take the ledger to load from."""
        self._ledger = ledger
        self.seen: dict[UUID, Loaded[Any]] = {}

    def __call__(self, aggregate: Aggregate[State], stream: UUID) -> Stream[State]:
        """Return a stream with its state, and expect it to be where it is now."""
        if stream not in self.seen:
            self.seen[stream] = self._ledger.load(aggregate, stream)
        return Stream(stream, self.seen[stream].state)


def _project(
    aggregate: Aggregate[State], _: None, events: Iterable[Opened | Closed]
) -> Loaded[State] | None:
    state, version, ended = aggregate.INITIAL, 0, False
    for opened in events:
        state = aggregate.evolve(state, opened.event)
        version, ended = opened.originator_version, ended or _ends(opened.event)
    return Loaded(state, version, ended) if version else None


def proposal_of(record: bytes, header: Header) -> Proposal:
    """Return the proposal of a record, unless no log would take it."""
    if len(record) > RECORD_MAX:
        raise RecordTooLarge(len(record))
    return Proposal(record=record, expects=tuple(header.expects()))


def header_of(command: UUID, seen: dict[UUID, Loaded[Any]], changes: Sequence[Change]) -> Header:
    """Return the header of a commit: what it writes, and what else was read for it."""
    counts: dict[UUID, int] = {}
    ends: dict[UUID, bool] = {}
    for change in changes:
        counts[change.stream] = counts.get(change.stream, 0) + 1
        ends[change.stream] = change.event.ENDS
    writes = tuple(
        Write(stream.bytes, seen[stream].version if stream in seen else 0, count, ends[stream])
        for stream, count in counts.items()
    )
    reads = tuple(
        Read(stream.bytes, loaded.version)
        for stream, loaded in seen.items()
        if stream not in counts and not loaded.ended
    )
    return Header(kind=Kind.COMMIT, command=command.bytes, reads=reads, writes=writes)


def _ends(event: Event | Redacted | Unopened) -> bool:
    if isinstance(event, Redacted | Unopened):
        return event.event_type in ENDING_TOPICS
    return event.ENDS
