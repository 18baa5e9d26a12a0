"""One world: a log, the stores folded from it, the published tree, and who acts in it.

Every actor is a generator that pauses wherever another process may come in between;
it yields None to be scheduled again, or a condition to be scheduled once that holds.
The code under test is the product's own: the protocol's generators, the folder's
steps, the rule, the store and the log. What is modelled here is what surrounds them:
processes, which die anywhere, and the publisher's order (`proofs.publication`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from application.committer import has_moved
from application.protocol import (
    Append,
    Decide,
    LookUp,
    Nothing,
    Proposal,
    Refusal,
    Settle,
    Settled,
)
from domain.errors import Refused
from ledger.fold import Folder
from ledger.genesis import make_genesis
from ledger.log import Entry
from ledger.memory import MemoryFoldStore
from ledger.rule import Fate
from ledger.simulated import SimulatedLog
from proofs.merkle import Frontier, leaf_hash
from tests.simulation.mutants import REAL, Parts
from tests.simulation.toy import (
    DECISIONS,
    Change,
    Command,
    Mind,
    Seen,
    ToyStore,
    header_of,
    opening,
    record_of,
    text_of,
)

ORIGIN: Final = "ledger.example/simulated"

Steps = Generator[Callable[[], bool] | None, None, None]


class Violation(AssertionError):
    """Something happened that must never happen."""


def require(holds: bool, otherwise: str, *about: object) -> None:
    """Raise `Violation` with a sentence about ids and numbers, unless it holds."""
    if not holds:
        raise Violation(
            otherwise.format(*(text_of(a) if isinstance(a, bytes) else a for a in about))
        )


@dataclass(slots=True)
class ChoppyLog(SimulatedLog):
    """Gives as few entries at a time as chance has it, so that batches are cut anywhere."""

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> list[Entry]:
        chance = self.chance
        most = limit if chance is None else 1 + int(chance.random() * 5)
        return list(SimulatedLog.read(self, start, limit=min(limit, most), bytes_max=bytes_max))


@dataclass(slots=True)
class Publication:
    """The directory that the world sees, and the lock on it."""

    tiles: int = 0
    """Leaves that the tiles on the disk cover."""
    journal: list[tuple[int, bytes]] = field(default_factory=list)
    checkpoint: int = 0
    """Size of the published checkpoint."""
    history: list[tuple[int, bytes]] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    holder: object = None


@dataclass(slots=True)
class Answer:
    """What was told to whoever sent a command."""

    command: Command
    accepted: bool
    refused: bool


@dataclass(slots=True)
class World:
    """Everything that one schedule works on; `chance` decides what is left open."""

    chance: Random
    parts: Parts = REAL
    trace: list[str] | None = None
    log: ChoppyLog = field(init=False)
    store: ToyStore = field(init=False)
    reader: MemoryFoldStore = field(init=False)
    public: Publication = field(default_factory=Publication)
    answers: list[Answer] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    """Commands that somebody was told were accepted, whether or not it was answered."""
    counts: dict[str, int] = field(default_factory=dict)
    fresh: int = 9

    def __post_init__(self) -> None:
        """Begin with two of everything; sometimes with nothing folded yet."""
        begun = begin()
        self.log = ChoppyLog(chance=self.chance, records=list(begun.log.records))
        self.store, self.reader = self.parts.store(), MemoryFoldStore()
        if self.chance.random() < 0.9:
            copy_store(begun.store, self.store)
            copy_store(begun.store, self.reader)
            self.store.facts = {stream: list(f) for stream, f in begun.store.facts.items()}

    def say(self, who: str, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{who:<22} {what}")

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def name_new(self) -> str:
        self.fresh += 1
        return str(self.fresh)


@cache
def begin() -> World:
    """Return a world in which the opening was folded; it is copied, never played."""
    world = object.__new__(World)
    world.log = ChoppyLog(records=[make_genesis(ORIGIN, "2026-11-25T00:00:00Z"), opening()])
    world.store = ToyStore()
    Folder(world.log, world.store, ORIGIN).fold_through(1)
    return world


def copy_store(source: MemoryFoldStore, target: MemoryFoldStore) -> None:
    target.at = source.at
    target.all_heads.update(source.all_heads)
    target.all_fates.update(source.all_fates)
    target.all_accepted.extend(source.all_accepted)
    target.by_command.update(source.by_command)
    target.by_stream = {stream: list(held) for stream, held in source.by_stream.items()}
    target.all_leaves.extend(source.all_leaves)
    target.by_consent = {consent: list(rows) for consent, rows in source.by_consent.items()}


# ── actors ──────────────────────────────────────────────────────────────────────────────────────


def folding(world: World, store: MemoryFoldStore, who: str) -> Steps:
    """Fold for ever; a crash drops it anywhere, a sleep makes a zombie of it."""
    folder = Folder(world.log, store, ORIGIN, world.parts.rule())
    records = world.log.records

    def behind() -> bool:
        return store.at.offset < len(records)

    while True:
        yield behind
        folded = yield from folder.steps()
        if folded is None:
            world.count("a folder came too late")
        if world.trace is not None:
            to = store.at.offset
            held = f"folds {folded.records} records, to {to}" if folded else "comes too late"
            world.say(who, held)


def publishing(world: World, who: str) -> Steps:
    """Publish what the store has beyond the checkpoint, under the lock, in its order."""
    public, store = world.public, world.store

    def needed() -> bool:
        free = public.holder is None or not world.parts.locks
        return free and store.at.size > public.checkpoint

    while True:
        yield needed
        public.holder = who
        yield None
        recover(world)
        tree = store.at
        if tree.size <= public.checkpoint:
            public.holder = None
            continue
        yield None
        order = [write_tiles, write_journal, write_checkpoint]
        if not world.parts.tiles_first:
            order.append(order.pop(0))
        root = tree.frontier.root()
        for step in order:
            step(world, tree.size, root)
            world.say(who, f"{step.__name__} {tree.size}")
            yield None
        public.holder = None


def recover(world: World) -> None:
    """Finish forward what a publisher that died had promised."""
    public = world.public
    if public.journal and public.journal[-1][0] > public.checkpoint:
        world.count("a publication was finished by another")
        write_checkpoint(world, *public.journal[-1])


def write_tiles(world: World, size: int, root: bytes) -> None:
    """Write the tiles of the tree; refuse a tree that does not extend the published one."""
    public = world.public
    leaves = world.store.entries(public.frontier.size, size)
    frontier = public.frontier.extend(map(leaf_hash, leaves))
    require(frontier.root() == root, "the tree of size {} does not extend the published one", size)
    public.tiles = max(public.tiles, size)


def write_journal(world: World, size: int, root: bytes) -> None:
    world.public.journal.append((size, root))


def write_checkpoint(world: World, size: int, root: bytes) -> None:
    public = world.public
    require(public.tiles >= size, "a checkpoint of size {} is public, its tiles are not", size)
    leaves = world.store.entries(public.frontier.size, size)
    public.frontier = public.frontier.extend(map(leaf_hash, leaves))
    public.checkpoint = size
    public.history.append((size, root))


def writing(world: World, command: Command, mind: Mind, who: str) -> Steps:
    """Carry a command to its answer as `application.driving` does, pausing in every step."""
    steps = world.parts.write(command.id, derived=command.derived)
    reply: Any = None
    last: object = None
    try:
        while True:
            step = steps.send(reply)
            yield None
            match step:
                case Decide():
                    reply = last = yield from deciding(world, command, mind)
                case Append():
                    (reply,) = world.log.append([step.record])
                case Settle():
                    reply = yield from settling(world, step)
                case LookUp():
                    yield from caught_up(world, len(world.log.records))
                    reply = world.store.all_fates.get(step.command)
                case _:
                    yield from published(world)
                    reply = None
            if world.trace is not None:
                world.say(who, f"{words(step)} → {words(reply)}")
    except StopIteration as end:
        answer_success(world, command, end.value, last, who)
    except Refused as error:
        answer_refusal(world, command, error, who)


def deciding(
    world: World, command: Command, mind: Mind
) -> Generator[Callable[[], bool] | None, None, Proposal | Refusal | Nothing]:
    """Decide on what the store shows, one stream at a time, and make the record."""
    decision = DECISIONS[command.kind](command, mind)
    seen: dict[bytes, Seen] = {}
    now: Seen | None = None
    changes: list[Change] = []
    try:
        while True:
            stream = decision.send(now)  # type: ignore[arg-type] # None only before the first
            now = seen.get(stream) or world.store.see(stream)
            seen[stream] = now if not mind.blind else now._replace(ended=False)
            now = seen[stream]
            yield None
    except StopIteration as end:
        changes = end.value
    except Refused as error:
        return Refusal(error)
    if mind.refuses:
        return Refusal(Refused("another day, another answer"))
    if not changes:
        return Nothing()
    header = header_of(command.id, seen, changes)
    return Proposal(record=record_of(header, changes), expects=tuple(header.expects()))


def caught_up(world: World, end: int) -> Steps:
    """Wait until the store was folded to `end`."""
    store = world.store
    if store.at.offset < end:
        yield lambda: store.at.offset >= end


def settling(world: World, step: Settle) -> Generator[Callable[[], bool] | None, None, object]:
    """Look what became of a record, once the fold has passed it."""
    offset = step.offset
    end = len(world.log.records) if offset is None else offset + 1
    yield from caught_up(world, end)
    store = world.store
    fates = store.fates((step.command,))
    yield None
    heads = store.heads([stream for stream, _ in step.expects])
    fate = fates.get(step.command)
    settled = Settled(fate, fate is None and has_moved(step.expects, heads))
    if settled.fate is Fate.ACCEPTED:
        world.known.add(step.command)
    elif settled.fate is None:
        world.count("void" if settled.moved else "sent again")
    return settled


def published(world: World) -> Steps:
    """Wait until the checkpoint covers what is folded now."""
    public, size = world.public, world.store.at.size
    if public.checkpoint < size:
        yield lambda: public.checkpoint >= size


def answer_success(
    world: World, command: Command, fate: Fate | None, last: object, who: str
) -> None:
    if fate is None:
        world.say(who, "answers: nothing to do")
        decided = isinstance(last, Nothing) or (command.derived and isinstance(last, Refusal))
        require(decided, "{} was answered, and nobody decided so", command.id)
    else:
        world.say(who, "answers: done")
        accepted = world.store.accepted(command.id)
        require(accepted is not None, "{} was answered and is not there", command.id)
        covered = accepted is not None and (
            accepted.leaf + accepted.leaves <= world.public.checkpoint
        )
        require(covered, "{} was answered before a checkpoint covers it", command.id)
    world.answers.append(Answer(command, accepted=fate is not None, refused=False))
    world.count(f"{command.kind}: {'nothing to do' if fate is None else 'done'}")


def answer_refusal(world: World, command: Command, error: Refused, who: str) -> None:
    world.say(who, f"answers: refused ({type(error).__name__}: {error})")
    require(not command.derived, "{} was barred, and is stopped for ever", command.id)
    there = world.store.accepted(command.id) is not None
    require(not there, "{} was refused and had been accepted", command.id)
    world.answers.append(Answer(command, accepted=False, refused=True))
    world.count(f"{command.kind}: refused")
    if type(error) is not Refused:
        world.count(type(error).__name__)


def misbehaving(world: World, command: Command, mind: Mind, who: str) -> Steps:
    """Append once what a faulty program decides that does not see endings."""
    decision = yield from deciding(world, command, mind)
    if isinstance(decision, Proposal):
        world.log.append([decision.record])
        world.say(who, f"appends {command.kind} of {text_of(command.about)} without looking")
        world.count("a faulty program wrote")


def words(value: object) -> str:
    """Say a step or a reply in few words."""
    match value:
        case Append():
            return "append"
        case Settle():
            return "settle"
        case Proposal():
            return "a record that expects " + ", ".join(
                f"{text_of(stream)}@{version}" for stream, version in value.expects
            )
        case Refusal():
            return f"refused: {value.error}"
        case LookUp() | Decide() | Nothing():
            return type(value).__name__.lower()
        case _:
            return str(value)
