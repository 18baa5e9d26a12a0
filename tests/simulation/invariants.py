"""What must hold after every schedule, whatever went wrong in it.

The ledger's own invariants are checked on what was stored; the domain's on the
accepted facts in their order, by a reading of them that shares no code with the fold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger import record as records
from ledger.memory import MemoryFoldStore
from ledger.record import Record
from proofs.merkle import Frontier, leaf_hash
from tests.simulation.toy import METERS, OWNER, collection_of
from tests.simulation.world import World, require


def check(world: World) -> None:
    """Raise `Violation` for whatever does not hold."""
    readers_agree(world.store, world.reader)
    nothing_is_lost(world)
    answers_hold(world)
    checkpoints_are_of_one_tree(world)
    history = History()
    for accepted in world.store.all_accepted:
        history.take(records.decode(world.log.records[accepted.offset]))
    history.compare(world.store)


def readers_agree(one: MemoryFoldStore, other: MemoryFoldStore) -> None:
    require(one.at == other.at, "two readers disagree on the cursor, the tree or the digest")
    require(one.all_heads == other.all_heads, "two readers disagree on the heads")
    require(one.all_fates == other.all_fates, "two readers disagree on the fates")
    require(one.all_accepted == other.all_accepted, "two readers disagree on what was accepted")
    require(one.all_leaves == other.all_leaves, "two readers disagree on the leaves")
    require(one.by_stream == other.by_stream, "two readers disagree on the streams")
    require(one.by_consent == other.by_consent, "two readers disagree on the readings")


def nothing_is_lost(world: World) -> None:
    require(world.store.at.offset == len(world.log.records), "the log was not folded to its end")
    for command in world.known:
        require(world.store.accepted(command) is not None, "{} was lost", command)


def answers_hold(world: World) -> None:
    for answer in world.answers:
        there = world.store.accepted(answer.command.id) is not None
        who = answer.command.id
        require(not (answer.refused and there), "{} was refused, and accepted later", who)
        require(not answer.accepted or there, "{} was answered, and is not there any more", who)


def checkpoints_are_of_one_tree(world: World) -> None:
    leaves, frontier = world.store.all_leaves, Frontier()
    for size, root in world.public.history:
        require(size >= frontier.size, "the checkpoint of size {} is smaller than one before", size)
        frontier = frontier.extend(map(leaf_hash, leaves[frontier.size : size]))
        require(frontier.root() == root, "the checkpoint of size {} is of another tree", size)
    require(world.public.checkpoint == len(leaves), "not everything was published in the end")


@dataclass(slots=True)
class History:
    """The accepted facts, taken in order; it complains of the first that cannot be true."""

    versions: dict[bytes, int] = field(default_factory=dict)
    ended: set[bytes] = field(default_factory=set)
    commands: set[bytes] = field(default_factory=set)
    living: dict[bytes, bytes] = field(default_factory=dict)
    """The consent that lives on each meter."""
    agreement_of: dict[bytes, bytes] = field(default_factory=dict)
    started: set[bytes] = field(default_factory=set)

    def take(self, record: Record) -> None:
        """Take an accepted commit: first what its header claims, then its facts."""
        header = record.header
        who = header.command
        require(header.command not in self.commands, "{} was applied twice", who)
        self.commands.add(header.command)
        for write in header.writes:
            stream = write.stream
            require(write.stream not in self.ended, "{} writes to {}, which had ended", who, stream)
            at = self.versions.get(write.stream, 0)
            require(
                write.version == at,
                "{} writes {}@{} where it is at {}",
                who,
                stream,
                write.version,
                at,
            )
            self.versions[write.stream] = at + write.events
        for frame in record.frames:
            self.fact(who, frame.leaf[:16], frame.leaf[16:])
        self.ended.update(write.stream for write in header.writes if write.ends)

    def fact(self, who: bytes, stream: bytes, fact: bytes) -> None:
        about = stream
        match fact.split(b" ")[0]:
            case b"granted":
                account, meter, agreement = fact[8:24], fact[24:40], fact[40:56]
                require(account not in self.ended, "{}: granted under an erased account", who)
                require(agreement not in self.ended, "{}: granted under an ended agreement", who)
                require(meter not in self.living, "{}: two consents live on one meter", who)
                self.living[meter] = stream
                self.agreement_of[stream] = agreement
            case b"withdrawn":
                require(stream in self.living.values(), "{}: {} did not live", who, about)
                meter = next(m for m, consent in self.living.items() if consent == stream)
                del self.living[meter]
            case b"extended":
                require(
                    stream in self.living.values(), "{}: {} extended, and had ended", who, about
                )
            case b"erased":
                left = [m for m in METERS[stream] if m in self.living]
                require(not left, "{}: a consent is left under an erased account", who)
            case b"started":
                self.started.add(stream)
            case b"stopped":
                require(stream in self.started, "{}: {} had not started", who, about)
                self.started.remove(stream)
            case _ if fact.startswith(b"received"):
                self.received(who, fact[8:])

    def received(self, who: bytes, consents: bytes) -> None:
        for place in range(0, len(consents), 16):
            consent = consents[place : place + 16]
            about = consent
            require(consent in self.living.values(), "{}: a reading after {} had ended", who, about)
            require(collection_of(consent) in self.started, "{}: no collection for {}", who, about)
            agreement = self.agreement_of[consent]
            require(agreement not in self.ended, "{}: a reading under an ended agreement", who)

    def compare(self, store: MemoryFoldStore) -> None:
        """Compare what the facts add up to with what the store says."""
        heads = {stream: head.version for stream, head in store.all_heads.items()}
        require(heads == self.versions, "the heads are not the sum of the events")
        ended = {stream for stream, head in store.all_heads.items() if head.ended}
        require(ended == self.ended, "the store has ended other streams than the events")
        for stream, segments in store.by_stream.items():
            version = 0
            for segment in segments:
                require(segment.first == version + 1, "{} has a gap", stream)
                version += segment.events
            require(version == self.versions[stream], "{} has a gap at its end", stream)
        live = {m for m in OWNER if store.all_heads and m in self.living}
        require(live == set(self.living), "a consent lives on an unknown meter")
