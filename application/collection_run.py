"""One round of collecting: look where operators deliver, and take in what has come to rest.

Of each file: note that it came, take it in or park it, note what became of it, and only then
move it away. Each step may be done again and changes nothing the second time, so a process
may be killed between any two, and the next one finds the file where it lay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from application.arrivals import Arrival, Slot, State
from application.deliveries import Outcome, Result, delivery_id
from application.ingesting import Unreadable, ingest, named
from application.parking import parked_content
from application.services import derived_id
from domain.aggregates.delivery import DeliveryParkedAlready
from domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.arrivals import Arrivals
    from application.ingesting import Source
    from application.services import Services

KEPT: Final = timedelta(days=7)
"""How long a file that was taken in is kept as it came, unless told otherwise."""


_NAMELESS: Final = "parked"
"""What a parked file is called when it is read again: its own name was not kept."""


class File(Protocol):
    """A file at rest in the incoming directory."""

    @property
    def operator(self) -> str:
        """Whose directory it lies in."""

    @property
    def name(self) -> str:
        """Its name, without directories."""

    def read(self) -> bytes | None:
        """Return its content, None when it is not at rest after all."""

    def keep(self, known_as: UUID) -> None:
        """Move it away and keep it, under an id."""

    def remove(self) -> None:
        """Remove it."""


class Box(Protocol):
    """Where operators' files arrive."""

    def look(self) -> Sequence[File]:
        """Return the files that have come to rest."""

    def empty(self, before: datetime) -> int:
        """Remove files that were kept, or cut off, before an instant; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """An operator's files: how one is read, and what its name says.

    `source` reads those that bear the operator's names, `anyhow` whatever it is called;
    `slot_of` returns None for a file that belongs to no numbered delivery; companions hold
    nothing to take in.
    """

    source: Source
    anyhow: Source
    slot_of: Callable[[str], Slot | None]
    is_companion: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of one file in this round; `outcome` is None for a companion."""

    arrival: Arrival
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What a round of collecting works with; `intakes` by operator."""

    services: Services
    arrivals: Arrivals
    box: Box
    intakes: Mapping[str, Intake]
    kept: timedelta = KEPT


def collect_once(collection: Collection) -> Iterator[Collected]:
    """Take in each file that has come to rest, and empty what is over; yield what became of it.

    Raise `Unavailable` when what is needed does not answer: the files stay where they are. A
    file that fails otherwise stays too, and holds up none of the others: what the first such
    one raised is raised when the round has ended.
    """
    failed: Exception | None = None
    for file in collection.box.look():
        intake = collection.intakes.get(file.operator)
        if intake is None:
            continue
        try:
            collected = _collect(collection, intake, file)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 (raised below, after the other files)
            failed = failed or error
        else:
            if collected is not None:
                yield collected
    collection.box.empty(collection.services.clock() - collection.kept)
    if failed is not None:
        raise failed


def take_again(collection: Collection, since: datetime) -> Iterator[Collected]:
    """Take in the parked files that can be read by now, under a new key or by whatever name.

    A file that still cannot be read stays parked as it is and nothing is recorded anew; one
    that can is a second attempt at the same file, and so happens once, however often asked.
    """
    services = collection.services
    for arrival in collection.arrivals.since(since):
        intake = collection.intakes.get(arrival.operator)
        sealed = services.parked / str(arrival.delivery)
        if intake is None or arrival.state is not State.PARKED or not sealed.exists():
            continue
        content = parked_content(services, arrival.delivery)
        if isinstance(intake.anyhow.codec(_NAMELESS, content), Unreadable):
            continue
        outcome = ingest(services, intake.anyhow, _NAMELESS, content, attempt=1)
        collection.arrivals.settle(arrival.id, State.TAKEN_IN, None)
        yield Collected(arrival=arrival, outcome=outcome)


def _collect(collection: Collection, intake: Intake, file: File) -> Collected | None:
    """Take one file in; None when it is not at rest. Its bytes are gone when this returns."""
    content = file.read()
    if content is None:
        return None
    services, source = collection.services, intake.source
    delivery, key = delivery_id(services, named(source, file.name, content))
    companion = intake.is_companion(file.name)
    arrival = Arrival(
        id=derived_id(key, b"arrival", delivery.bytes, file.name.encode("utf-8", "replace")),
        operator=source.operator,
        slot=None if companion else intake.slot_of(file.name),
        delivery=delivery,
        size_bytes=len(content),
        at=services.clock(),
    )
    collection.arrivals.note(arrival)
    outcome = None if companion else _ingest(services, source, file.name, content)
    state, reason = _state(outcome)
    collection.arrivals.settle(arrival.id, state, reason)
    if state is State.COMPANION or (services.parked / str(delivery)).exists():
        file.remove()  # holds nothing, or lies sealed among the parked
    else:
        file.keep(arrival.id)
    return Collected(arrival=arrival, outcome=outcome)


def _ingest(services: Services, source: Source, name: str, content: bytes) -> Outcome:
    """Take a file in; one that was parked and can be read by now, as `take_again` would."""
    try:
        return ingest(services, source, name, content)
    except DeliveryParkedAlready:
        return ingest(services, source, name, content, attempt=1)


def _state(outcome: Outcome | None) -> tuple[State, str | None]:
    if outcome is None:
        return State.COMPANION, None
    if outcome.result in {Result.PARKED, Result.ALREADY_PARKED}:
        return State.PARKED, next(iter(outcome.counts), None)
    return State.TAKEN_IN, None
