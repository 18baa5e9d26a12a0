"""Every event type that is stored, by its topic: the one list of them.

A topic is written once and never leaves this list: bytes that carry it are in
logs for ever. A changed type is a new class with a new topic, added here, and an
upcaster (`schemas/upcasting.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.errors import Corrupt
from domain.events.access import DataSeen
from domain.events.account import (
    AccountErased,
    AccountErasedV1,
    AccountOpened,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
    TermsAccepted,
)
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.collection import (
    CollectionResumed,
    CollectionStarted,
    CollectionStopped,
    CollectionSuspended,
)
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentGranted,
    ConsentRefused,
    ConsentWithdrawn,
)
from domain.events.delivery import DeliveryCompleted, DeliveryParked, DeliveryReceived
from domain.events.destruction import KeysDestroyed, PastErasureAskedAgain, PastErasureRequested
from domain.events.letter import LetterSent
from domain.events.meter import (
    ConsentAttached,
    ConsentDetached,
    ContractFactsReceived,
    MeterAttested,
    MeterDeclared,
    MeterMovedOut,
)
from domain.events.notice import (
    NoticeAcknowledged,
    NoticeDisregarded,
    NoticeEscalated,
    NoticeExpired,
    NoticeQueued,
    NoticeSent,
)
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
)
from domain.events.retention import RetentionCarriedOut, RetentionOrdered
from domain.events.terms import TermsPublished
from domain.values import Category

if TYPE_CHECKING:
    from domain.events import Event


class UnknownReadingKind(Corrupt):
    """A reading's leaf bears a kind that this version of metroledger does not know."""

    def __init__(self, kind: int) -> None:
        """Take the kind's byte."""
        super().__init__(
            f"a reading of kind {kind} is unknown here; either a later version of metroledger "
            "wrote it (upgrade this one) or the record was altered: run 'metroledger audit'"
        )


STORED: Final[tuple[type[Event], ...]] = (
    AgreementSigned,
    AgreementEnded,
    TermsPublished,
    AccountOpened,
    TermsAccepted,
    ErasureRequested,
    ErasureIdentityChecked,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureTakenBack,
    ErasureRefused,
    ErasureValidated,
    DestructionOrdered,
    AccountErasedV1,
    AccountErased,
    PastErasureRequested,
    PastErasureAskedAgain,
    KeysDestroyed,
    NoticeQueued,
    NoticeSent,
    NoticeEscalated,
    NoticeDisregarded,
    NoticeAcknowledged,
    NoticeExpired,
    DataSeen,
    LetterSent,
    MeterDeclared,
    MeterAttested,
    ContractFactsReceived,
    MeterMovedOut,
    ConsentAttached,
    ConsentDetached,
    ConsentGranted,
    ConsentExtended,
    ConsentWithdrawn,
    ConsentRefused,
    ConsentExpired,
    CollectionStarted,
    CollectionSuspended,
    CollectionResumed,
    CollectionStopped,
    DeliveryReceived,
    DeliveryCompleted,
    DeliveryParked,
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    RetentionOrdered,
    RetentionCarriedOut,
)
"""Every stored class, aggregate by aggregate."""

EVENT_TYPES: Final[dict[str, type[Event]]] = {event.TOPIC: event for event in STORED}
"""Every stored class by its topic."""

ORDERS: Final = (DestructionOrdered, RetentionOrdered)
"""What orders keys destroyed: their ids are in the private zone, number and root in the leaf."""

READING_KINDS: Final[dict[int, type[Reading]]] = {
    1: IndexReceived,
    2: IntervalReceived,
    3: LoadCurveDayReceived,
    4: MaximumPowerReceived,
}
"""What the first byte of a reading's 65-byte leaf means. Append only."""

KIND_OF: Final[dict[type[Reading], int]] = {event: kind for kind, event in READING_KINDS.items()}
"""The kind of a reading's class."""

CATEGORY_OF_KIND: Final[dict[int, Category]] = {
    1: Category.DAILY_INDEX,
    2: Category.DAILY_INDEX,
    3: Category.LOAD_CURVE,
    4: Category.MAXIMUM_POWER,
}
"""The category a consent must have for a reading of this kind to be covered by it."""

ENDING_TOPICS: Final[frozenset[str]] = frozenset(event.TOPIC for event in STORED if event.ENDS)
"""The topics after which a stream takes no more events."""


class Zones(NamedTuple):
    """Where each member of an event type lies, and so who may read it.

    `leaf`: everyone, a member of the leaf itself; `groups`: whoever holds the key
    or was handed the disclosure, by group in the order of the commitment;
    `payload`: everyone, inside the leaf's `payload`. Groups and payload exclude
    each other: an event with a data subject has no public payload.
    """

    leaf: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    payload: tuple[str, ...]


def zones_of(event: type[Event]) -> Zones:
    """Return where each member of an event type lies."""
    if event.GROUPS:
        return Zones(event.LEAF, event.GROUPS, ())
    payload = tuple(name for name in event.__struct_fields__ if name not in event.LEAF)
    return Zones(event.LEAF, {}, payload)


def reading_type(kind: int) -> type[Reading]:
    """Return the class of a reading's kind; raise `UnknownReadingKind` for another byte."""
    try:
        return READING_KINDS[kind]
    except KeyError:
        raise UnknownReadingKind(kind) from None
