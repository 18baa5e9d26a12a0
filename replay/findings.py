"""What an audit can find, by name, and how it says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from typing_extensions import override


class Breach(StrEnum):
    """Each kind of breach; the values are what reports and exit codes rest on."""

    NO_CONSENT = "no_consent"
    OTHER_CATEGORY = "consent_of_another_category"
    AFTER_ENDING = "after_the_consents_ending"
    AFTER_LAST_DAY = "after_the_consents_last_day"
    NO_AGREEMENT = "no_agreement"
    AGREEMENT_ENDED = "agreement_ended"
    AGREEMENT_NOT_COVERING = "agreement_not_covering"
    OTHER_OPERATOR = "consent_for_another_operator"
    HEADER_ALTERED = "header_or_private_zone_altered"
    HEADER_MISFITS = "header_does_not_fit_its_events"
    OTHER_STREAM = "private_zone_names_another_stream"
    LEAF_MISSING = "leaf_missing"
    LEAF_DIFFERS = "leaf_differs_from_the_published"
    LEAF_REPEATED = "leaf_repeated"
    READINGS_ALTERED = "readings_altered"
    TREE_DIFFERS = "tree_differs_from_the_published"
    UNREADABLE = "event_unreadable"
    UNKNOWN_TYPE = "event_type_unknown"
    ORDER_DIFFERS = "order_of_destruction_differs"
    NOT_CHECKED = "erasure_validated_unchecked"
    NOT_VALIDATED = "destruction_ordered_unvalidated"
    NOT_ORDERED = "destruction_certified_unordered"
    OTHER_POINT = "another_point"
    OTHER_DIRECTION = "another_direction"
    OUTSIDE_PERIMETER = "day_outside_the_perimeter"
    KEY_LOST = "key_lost"
    KEY_ALIVE = "key_not_destroyed"


SENTENCES: Final[dict[Breach, str]] = {
    Breach.NO_CONSENT: "no grant of the consent it names lies before it in the tree",
    Breach.OTHER_CATEGORY: "the consent it names is for another category of data",
    Breach.AFTER_ENDING: "the consent it names had ended before it in the tree",
    Breach.AFTER_LAST_DAY: "its hour (a claim of the ledger) is after the consent's last day",
    Breach.NO_AGREEMENT: "its delivery cites no agreement that was signed before it",
    Breach.AGREEMENT_ENDED: "the agreement its delivery cites had ended before it",
    Breach.AGREEMENT_NOT_COVERING: "the agreement does not cover its category, channel or day",
    Breach.OTHER_OPERATOR: "its consent was given for another operator's data",
    Breach.HEADER_ALTERED: "its leaf binds another commit header or private zone",
    Breach.OTHER_STREAM: "its private zone names another stream or version than its commit wrote",
    Breach.HEADER_MISFITS: "its commit's header counts other events, or marks other endings",
    Breach.LEAF_MISSING: "a published leaf is not in the log",
    Breach.LEAF_DIFFERS: "the log's leaf is not the published one",
    Breach.LEAF_REPEATED: "an event with the same id lies before it in the tree",
    Breach.READINGS_ALTERED: "its readings are not those its leaf counts and commits to",
    Breach.TREE_DIFFERS: "the log does not lead to the root that was published",
    Breach.UNREADABLE: "it does not say what its type says, or does not open",
    Breach.UNKNOWN_TYPE: "its type is unknown to this program: upgrade it and audit again",
    Breach.ORDER_DIFFERS: "it orders other keys destroyed than its leaf counts and commits to",
    Breach.NOT_CHECKED: "it validates an erasure, and nobody had checked whose request it was",
    Breach.NOT_VALIDATED: "it orders an account's keys destroyed, and nobody had validated that",
    Breach.NOT_ORDERED: "it certifies that keys were destroyed, and no order before it names them",
    Breach.OTHER_POINT: "it is of another metering point than the consent's",
    Breach.OTHER_DIRECTION: "it is of energy fed into the network, which no consent is about",
    Breach.OUTSIDE_PERIMETER: "its day lies outside the consent's data perimeter",
    Breach.KEY_LOST: "its key is gone and no leaf orders that",
    Breach.KEY_ALIVE: "a certificate says that its key was destroyed, and the key opens it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A breach and where: `leaf` in the main tree, `place` of a reading in its delivery."""

    breach: Breach
    leaf: int
    place: int | None = None

    @override
    def __str__(self) -> str:
        """Say it in a sentence."""
        where = f"leaf {self.leaf}" + ("" if self.place is None else f", reading {self.place}")
        return f"{self.breach.value}: {where}: {SENTENCES[self.breach]}"


class Covered(NamedTuple):
    """One reading's verdict, with the leaves that show it; `breach` None means covered."""

    leaf: int
    place: int
    consent_id: bytes
    grant: int | None
    agreement: int | None
    ending: int | None
    breach: Breach | None

    @property
    def consent(self) -> str:
        """The consent that the reading names."""
        return str(UUID(bytes=self.consent_id))
