"""The fold: from records in order to what they change. Pure but for the `Folder`.

`fold_batch` applies the rule to a batch of entries over the state before it, and
returns everything that changes; the `Folder` reads entries, looks up what the batch
needs, and commits the result with a compare-and-swap. Whoever folds, the result is
the same, so any number of processes may.

Before it folds, a `Folder` makes sure that this is the log it has been folding: the
same genesis, an end not behind the cursor, and the last record folded still there,
byte for byte. A tail that was cut off and grew again is caught only so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec

from domain.errors import Corrupt
from ledger import record as records
from ledger.genesis import digest_of, read_genesis
from ledger.record import Frame, Kind, Record, RecordMalformed
from ledger.rule import NO_STREAM, RULE, Fate, Head, Rule, UnknownRule, Void, advance
from ledger.store import Accepted, Cursor, Folded, ReadingRow, Segment
from proofs.merkle import leaf_hash
from schemas.leaf import each_reading_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from ledger.log import CommitLog, Entry
    from ledger.store import FoldStore

BATCH_RECORDS: Final = 2_000
BATCH_BYTES: Final = 16 << 20


class LogNotOurs(Corrupt):
    """The log is not, or not any more, the one that was folded so far."""

    def __init__(self, why: str) -> None:
        """Take a sentence on what differs."""
        super().__init__(
            f"folding has stopped: {why}; nothing was changed; do not restart the log before the "
            "cause is known (manual: the log is not the one we folded)"
        )


@dataclass(slots=True)
class _Overlay:
    """The state before the batch, and on top of it what the batch has changed so far."""

    heads: dict[bytes, Head]
    fates: dict[bytes, Fate]
    new_heads: dict[bytes, Head] = field(default_factory=dict)
    new_fates: dict[bytes, Fate] = field(default_factory=dict)

    def head(self, stream: bytes) -> Head:
        return self.new_heads.get(stream) or self.heads.get(stream, NO_STREAM)

    def fate(self, command: bytes) -> Fate | None:
        return self.new_fates.get(command) or self.fates.get(command)


@dataclass(slots=True)
class _Batch:
    """What the batch adds, in order, and how far it has come."""

    genesis: bytes
    rule: int
    position: int
    digest: bytes
    size: int
    begun: bool
    accepted: list[Accepted] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    readings: list[ReadingRow] = field(default_factory=list)
    voids: dict[int, Void] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """An entry with its record, None where the fixed form fails."""

    offset: int
    digest: bytes
    record: Record | None


def parse(entry: Entry) -> Parsed:
    """Parse an entry; malformed bytes are no error here, they are a void record."""
    try:
        record = records.decode(entry.record)
    except RecordMalformed:
        record = None
    return Parsed(entry.offset, digest_of(entry.record), record)


def fold_batch(
    rule: Rule,
    cursor: Cursor,
    entries: Sequence[Parsed],
    heads: Mapping[bytes, Head],
    fates: Mapping[bytes, Fate],
) -> tuple[Folded, Mapping[int, Void]]:
    """Return what a batch changes, and the offsets of its void records with the reason.

    `heads` and `fates` hold at least what `needs` names of the batch, as of `cursor`.
    """
    state = _Overlay(dict(heads), dict(fates))
    batch = _Batch(
        genesis=cursor.genesis,
        rule=cursor.rule,
        position=cursor.position,
        digest=cursor.accepted,
        size=cursor.size,
        begun=cursor.offset_last >= 0,
    )
    for entry in entries:
        if entry.record is None:
            batch.voids[entry.offset] = Void.MALFORMED
        elif (void := _judge(rule, batch, entry.record, state)) is not None:
            batch.voids[entry.offset] = void
        else:
            _accept(batch, state, entry.offset, entry.record)
    return _close(cursor, batch, state, entries), batch.voids


def needs(entries: Sequence[Parsed]) -> tuple[set[bytes], set[bytes]]:
    """Return the streams and the command ids that judging a batch looks up."""
    streams: set[bytes] = set()
    commands: set[bytes] = set()
    for entry in entries:
        if entry.record is not None:
            commands.add(entry.record.header.command)
            streams.update(stream for stream, _ in entry.record.header.expects())
    return streams, commands


def _judge(rule: Rule, batch: _Batch, record: Record, state: _Overlay) -> Void | None:
    first = not batch.begun and not batch.genesis
    if first and record.header.kind is Kind.GENESIS:
        return None
    return rule.judge(record.header, state)


def _accept(batch: _Batch, state: _Overlay, offset: int, record: Record) -> None:
    header = record.header
    if header.kind is Kind.GENESIS:
        batch.genesis = digest_of(records.assemble(record.header_bytes, (), record.note))
        batch.rule = RULE
        return
    if header.kind is Kind.BARRIER:
        state.new_fates[header.command] = Fate.BARRED
        return
    state.new_fates[header.command] = Fate.ACCEPTED
    if header.kind is Kind.RULE:
        batch.rule = _rule_of(record)
        return
    _accept_commit(batch, state, offset, record)


def _accept_commit(batch: _Batch, state: _Overlay, offset: int, record: Record) -> None:
    header = record.header
    for write in header.writes:
        state.new_heads[write.stream] = advance(write)
        batch.segments.append(Segment(write.stream, write.version + 1, write.events, offset))
    events, leaves = header.events, len(record.frames)
    leaf = batch.size + len(batch.leaves)
    position = batch.position + 1
    batch.accepted.append(Accepted(header.command, offset, position, events, leaf, leaves))
    batch.leaves.extend(frame.leaf for frame in record.frames)
    for place, frame in enumerate(record.frames):
        batch.readings.extend(reading_rows(offset, place, frame))
    digest = hashlib.sha256(record.header_bytes).digest()
    batch.position += events
    batch.digest = hashlib.sha256(batch.digest + digest).digest()


def reading_rows(offset: int, frame_place: int, frame: Frame) -> Iterator[ReadingRow]:
    """Yield where each reading of a frame lies, by the consent its leaf names."""
    if frame.readings is None:
        return
    leaves = each_reading_leaf(frame.readings.leaves)
    for place, (_, _, consent, _) in enumerate(leaves):
        yield ReadingRow(consent, offset, frame_place, place)


def _rule_of(record: Record) -> int:
    try:
        version = msgspec.json.decode(record.note, type=dict[str, int])["rule"]
    except (ValueError, RecursionError, KeyError):  # msgspec's own, bad UTF-8, nesting
        version = -1
    if version != RULE:
        raise UnknownRule(version)
    return version


def _close(before: Cursor, batch: _Batch, state: _Overlay, entries: Sequence[Parsed]) -> Folded:
    last = entries[-1]
    cursor = Cursor(
        offset=last.offset + 1,
        offset_last=last.offset,
        last=last.digest,
        genesis=batch.genesis,
        identity=before.identity,
        rule=batch.rule,
        position=batch.position,
        accepted=batch.digest,
        frontier=before.frontier.extend(map(leaf_hash, batch.leaves)),
    )
    return Folded(
        cursor=cursor,
        records=len(entries),
        heads=state.new_heads,
        fates=state.new_fates,
        accepted=batch.accepted,
        segments=batch.segments,
        leaves=batch.leaves,
        readings=batch.readings,
    )


def _up_to_rule(entries: Sequence[Parsed]) -> Sequence[Parsed]:
    """Cut a batch before a change of rule.

    So all before it is folded, even by a program that must stop there.
    """
    for place, entry in enumerate(entries):
        if place and entry.record is not None and entry.record.header.kind is Kind.RULE:
            return entries[:place]
    return entries


def _following(cursor: Cursor, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return what follows the last record that was folded, which comes first; see that it stands.

    Each batch is read from that record on: a tail that was cut off and has grown again is
    caught before anything is folded on top of it. Raises `LogNotOurs`.
    """
    if not entries or entries[0].offset != cursor.offset_last:
        raise LogNotOurs("the last record that was folded is not there any more")
    if digest_of(entries[0].record) != cursor.last:
        raise LogNotOurs("the last record that was folded is another one now")
    return entries[1:]


class Folder:
    """Folds a log into a store; owns nothing but the two, and may be one of many."""

    def __init__(
        self, log: CommitLog, store: FoldStore, origin: str, rule: Rule | None = None
    ) -> None:
        """Take the two ports and the origin that the log's genesis must state."""
        self.log = log
        self.store = store
        self.origin = origin
        self.rule = rule or Rule()
        self._identity: str | None = None

    def check(self) -> None:
        """Make sure that the log is the one folded so far; raise `LogNotOurs` or `NoGenesis`.

        To be called on every new connection, after a change of leader, and each minute.
        """
        cursor = self.store.cursor()
        self._remember(cursor)
        description = self.log.describe()
        if description.faults:
            raise LogNotOurs("; ".join(description.faults))
        if cursor.offset_last < 0:
            return
        if description.identity != cursor.identity:
            raise LogNotOurs("the log was deleted and made again")
        first = self.log.read(self.log.begin(), limit=1)
        if not first or digest_of(first[0].record) != cursor.genesis:
            raise LogNotOurs("its first record is not the genesis that was folded")
        read_genesis(records.decode(first[0].record), self.origin)
        if self.log.end() < cursor.offset:
            raise LogNotOurs("the log ends before what was folded of it")
        _following(cursor, self.log.read(cursor.offset_last, limit=1))

    def fold(self) -> int:
        """Fold one batch from where the store stands; return how many records it held.

        Returns 0 at the end of the log, and when another folder was faster (the
        store has then moved on without us).
        """
        folded = _run(self.steps())
        return folded.records if folded else 0

    def steps(self, cursor: Cursor | None = None) -> Generator[None, None, Folded | None]:
        """Do what `fold` does, pausing wherever another process may come in between.

        The simulation drives many folders at once through these pauses, and leaves
        some of them asleep in one while others go on. Returns what was committed. `cursor` is
        where the store stood a moment ago; it is asked unless told, and where it has moved on
        since, nothing is committed.
        """
        cursor = cursor or self.store.cursor()
        self._remember(cursor)
        yield
        start = cursor.offset if cursor.offset_last < 0 else cursor.offset_last
        entries = self.log.read(start, limit=BATCH_RECORDS, bytes_max=BATCH_BYTES)
        if cursor.offset_last >= 0:
            entries = _following(cursor, entries)
        if not entries:
            return None
        parsed = _up_to_rule([parse(entry) for entry in entries])
        if cursor.offset_last < 0:
            cursor = self._begin(cursor, parsed[0])
        if cursor.rule not in (0, RULE):
            raise UnknownRule(cursor.rule)
        streams, commands = needs(parsed)
        yield
        heads = self.store.heads(streams)
        yield
        fates = self.store.fates(commands)
        yield
        folded, _ = fold_batch(self.rule, cursor, parsed, heads, fates)
        return folded if self.store.commit(cursor, folded) else None

    def _remember(self, cursor: Cursor) -> None:
        """Keep which log is folded; raise `LogNotOurs` where the ledger was moved to another."""
        if cursor.offset_last < 0:
            return
        if self._identity is None:
            self._identity = cursor.identity
        elif self._identity != cursor.identity:
            raise LogNotOurs("the ledger was moved to another log; start this process again")

    def _begin(self, cursor: Cursor, first: Parsed) -> Cursor:
        """Take the log's genesis as the ledger's; raise `NoGenesis` where it is not."""
        if first.record is None:
            raise LogNotOurs("its first record is not a genesis")
        read_genesis(first.record, self.origin)
        self._identity = self.log.describe().identity
        return replace(cursor, identity=self._identity)

    def fold_through(self, offset: int, note: Callable[[Folded], None] = lambda _: None) -> Cursor:
        """Fold until the record at `offset` is folded, by us or by somebody else.

        Returns where the store then stood, at least; `note` is told of each batch that was
        committed here. After a commit of ours the store stands where we put it, so it is asked
        again only where another folder was faster.
        """
        cursor = self.store.cursor()
        while cursor.offset <= offset:
            folded = _run(self.steps(cursor))
            if folded is not None:
                note(folded)
                cursor = folded.cursor
                continue
            cursor = self.store.cursor()
            if cursor.offset <= offset and self.log.end() <= offset:
                raise LogNotOurs(f"the record at offset {offset} is not in the log any more")
        return cursor


def _run(steps: Generator[None, None, Folded | None]) -> Folded | None:
    """Run steps to their end without a pause; return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # typed by the generator
