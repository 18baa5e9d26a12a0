"""A domain just large enough to go wrong: accounts, meters, consents, collections, deliveries.

A decision is a generator: it yields the stream it wants to read and is sent what the
folded store says of it *at that moment*, so that others come in between two reads. It
returns its changes; none means that there is nothing to do. It raises `Refused`.

A leaf is the 16 bytes of the stream's name and one fact in words. The same command
may be decided differently by another process (`Mind`): it may cite another agreement,
do in one commit what others do in two, deliver for other consents, or refuse for a
reason outside of the ledger. That is what makes old records of a command dangerous.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn

from domain.errors import Refused
from ledger import record as records
from ledger.memory import MemoryFoldStore
from ledger.record import Frame, Header, Kind, Read, Readings, Write
from ledger.store import Folded


def name(text: str) -> bytes:
    """Return a 16-byte id that reads as its name in a trace."""
    return text.encode().ljust(16, b".")


def text_of(stream: bytes) -> str:
    return stream.rstrip(b".").decode()


class Change(NamedTuple):
    stream: bytes
    fact: bytes
    ends: bool = False


class Seen(NamedTuple):
    """A stream as the folded store shows it at one moment."""

    version: int
    ended: bool
    facts: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """What was asked for; `about` is an account, meter, consent or agreement."""

    kind: str
    id: bytes
    about: bytes
    derived: bool = False


@dataclass(slots=True)
class Mind:
    """How one process decides: what it draws, picks and believes; another one differs.

    `blind` is a fault in the program: it does not see that streams have ended.
    """

    fresh: str
    agreement: bytes
    bundles: bool = False
    refuses: bool = False
    blind: bool = False
    consents: tuple[bytes, ...] = ()


Decision = Generator[bytes, Seen, "list[Change]"]

NOT_YET: Final = Seen(0, ended=False, facts=())

METERS: Final = {
    name("account-1"): (name("meter-1"), name("meter-2")),
    name("account-2"): (name("meter-3"),),
}
OWNER: Final = {meter: account for account, meters in METERS.items() for meter in meters}
AGREEMENTS: Final = (name("agreement-1"), name("agreement-2"))


def live_on(meter: Seen) -> bytes | None:
    """Return the consent that lives on a meter: the last one noted, unless it was taken off."""
    if meter.facts and meter.facts[-1][:1] == b"+":
        return meter.facts[-1][1:17]
    return None


def granted_under(consent: Seen) -> tuple[bytes, bytes, bytes]:
    """Return a consent's account, meter and agreement."""
    fact = consent.facts[0]
    return fact[8:24], fact[24:40], fact[40:56]


def collection_of(consent: bytes) -> bytes:
    return b"collect-" + consent[8:]


def refuse(why: str) -> NoReturn:
    raise Refused(why)


def grant(command: Command, mind: Mind) -> Decision:
    meter_id = command.about
    account = yield OWNER[meter_id]
    agreement = yield mind.agreement
    meter = yield meter_id
    if not account.facts or account.ended or not agreement.facts or agreement.ended:
        refuse("no account or no agreement in force")
    if live_on(meter):
        refuse("a consent lives on this meter")
    consent = name(f"consent-{mind.fresh}")
    fact = b"granted " + OWNER[meter_id] + meter_id + mind.agreement
    return [Change(consent, fact), Change(meter_id, b"+" + consent)]


def withdraw(command: Command, mind: Mind) -> Decision:
    consent = yield command.about
    if not consent.facts:
        refuse("no such consent")
    if consent.ended:
        return []
    _, meter, _ = granted_under(consent)
    yield meter
    changes = [Change(command.about, b"withdrawn", ends=True), Change(meter, b"-")]
    if mind.bundles:
        collection = yield collection_of(command.about)
        if collection.facts and not collection.ended:
            changes.append(Change(collection_of(command.about), b"stopped", ends=True))
    return changes


def extend(command: Command, mind: Mind) -> Decision:
    """Not idempotent: decided twice, it would be done twice."""
    consent = yield command.about
    if not consent.facts or consent.ended:
        refuse("no consent to extend")
    account = yield granted_under(consent)[0]
    if account.ended:
        refuse("the account was erased")
    if mind.bundles:
        yield collection_of(command.about)
    return [Change(command.about, b"extended")]


def erase(command: Command, mind: Mind) -> Decision:
    account = yield command.about
    if account.ended:
        return []
    changes: list[Change] = []
    for meter_id in METERS[command.about]:
        meter = yield meter_id
        consent = live_on(meter)
        if consent is None:
            continue
        if not mind.bundles:
            refuse("withdraw first")
        seen = yield consent
        if not seen.ended:
            changes += [Change(consent, b"withdrawn", ends=True), Change(meter_id, b"-")]
    return [*changes, Change(command.about, b"erased", ends=True)]


def end(command: Command, mind: Mind) -> Decision:  # noqa: ARG001 (all decisions are called alike)
    agreement = yield command.about
    if agreement.ended or not agreement.facts:
        return []
    return [Change(command.about, b"ended", ends=True)]


def start(command: Command, mind: Mind) -> Decision:  # noqa: ARG001 (all decisions are called alike)
    consent = yield command.about
    collection = yield collection_of(command.about)
    if not consent.facts or consent.ended or collection.facts:
        return []
    return [Change(collection_of(command.about), b"started")]


def stop(command: Command, mind: Mind) -> Decision:  # noqa: ARG001 (all decisions are called alike)
    collection = yield collection_of(command.about)
    if not collection.facts or collection.ended:
        return []
    return [Change(collection_of(command.about), b"stopped", ends=True)]


def deliver(command: Command, mind: Mind) -> Decision:
    """Write one delivery of readings under whichever of the consents are in force."""
    covered: list[bytes] = []
    for consent_id in mind.consents:
        consent = yield consent_id
        if not consent.facts or consent.ended:
            continue
        agreement = yield granted_under(consent)[2]
        collection = yield collection_of(consent_id)
        if agreement.ended or collection.ended or not collection.facts:
            continue
        covered.append(consent_id)
    if not covered:
        return []
    delivery = name(f"delivery-{mind.fresh}") if mind.bundles else command.id
    return [Change(delivery, b"received" + b"".join(covered))]


DECISIONS: Final = {
    "grant": grant,
    "withdraw": withdraw,
    "extend": extend,
    "erase": erase,
    "end": end,
    "start": start,
    "stop": stop,
    "deliver": deliver,
}


@dataclass(slots=True)
class ToyStore(MemoryFoldStore):
    """The store, and the facts of every stream that its leaves tell."""

    facts: dict[bytes, list[bytes]] = field(default_factory=dict)

    def apply(self, folded: Folded) -> None:
        MemoryFoldStore.apply(self, folded)
        for leaf in folded.leaves:
            self.facts.setdefault(leaf[:16], []).append(leaf[16:])

    def see(self, stream: bytes) -> Seen:
        head = self.all_heads.get(stream)
        return NOT_YET if head is None else Seen(head.version, head.ended, self.facts[stream])

    def consents(self) -> list[bytes]:
        """Return every consent there ever was: the lookup index."""
        return [stream for stream in self.facts if stream.startswith(b"consent-")]


def header_of(command: bytes, seen: dict[bytes, Seen], changes: list[Change]) -> Header:
    """Return a header that expects all that was read, but for what has ended (it stays true)."""
    events: dict[bytes, int] = {}
    ends: dict[bytes, bool] = {}
    for change in changes:
        held = 1 + readings_in(change.fact)
        events[change.stream] = events.get(change.stream, 0) + held
        ends[change.stream] = change.ends
    writes = tuple(
        Write(stream, seen.get(stream, NOT_YET).version, count, int(ends[stream]))
        for stream, count in events.items()
    )
    reads = tuple(
        Read(stream, was.version)
        for stream, was in seen.items()
        if stream not in events and not was.ended
    )
    return Header(kind=Kind.COMMIT, command=command, reads=reads, writes=writes)


def readings_in(fact: bytes) -> int:
    """Return how many readings a fact carries: a delivery has one for each consent."""
    return (len(fact) - 8) // 16 if fact[:8] == b"received" else 0


def frame_of(change: Change) -> bytes:
    count = readings_in(change.fact)
    rows = None
    if count:
        consents = [change.fact[8 + 16 * n : 24 + 16 * n] for n in range(count)]
        leaves = b"".join(b"\x01" + bytes(16) + consent + bytes(32) for consent in consents)
        rows = Readings(leaves=leaves, sealed=(b"",) * count)
    return records.encode_frame(Frame(leaf=change.stream + change.fact, private=b"", readings=rows))


def record_of(header: Header, changes: Iterable[Change]) -> bytes:
    return records.assemble(records.encode_header(header), list(map(frame_of, changes)))


def opening() -> bytes:
    """Return the one commit with which every schedule begins: two of everything, at work."""
    consents = (
        (name("consent-1"), name("meter-1"), AGREEMENTS[0]),
        (name("consent-2"), name("meter-3"), AGREEMENTS[1]),
    )
    changes = [Change(agreement, b"signed") for agreement in AGREEMENTS]
    changes += [Change(account, b"opened") for account in METERS]
    changes += [Change(meter, b"declared") for meter in OWNER]
    for consent, meter, agreement in consents:
        fact = b"granted " + OWNER[meter] + meter + agreement
        changes += [Change(consent, fact), Change(meter, b"+" + consent)]
        changes.append(Change(collection_of(consent), b"started"))
    return record_of(header_of(name("open"), {}, changes), changes)
