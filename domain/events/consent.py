"""One act of consent: account × meter × data category × recipient × purpose.

Consenting again is a new stream. Every leaf names the consent (a random id), so
that whoever holds a receipt can look for the ending by themselves.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose
from domain.values import Category, Fluid


class Evidence(Event, frozen=True, kw_only=True):
    """What shows that the act took place (GDPR article 7(1)). Part of other events.

    `wording` is the stream of the published text, `sha256` its digest; `act` says
    what the person did ("button pressed", "form signed"); the instant is the event's.
    """

    channel: str
    wording: UUID
    wording_version: str
    sha256: str
    language: str
    act: str


class ConsentGranted(Event, frozen=True, kw_only=True):
    """A person consented: in force from `granted_at` to the end of `last_day`.

    `cites` is the hash (base64url) of the leaf of the agreement it rests on.
    `first_data_day` begins the data perimeter: the latest of entry day, the
    operator's horizon and what was agreed.
    """

    TOPIC: ClassVar[str] = "ConsentGranted.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent", "cites", "category", "last_day")
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "point": ("operator", "fluid", "number"),
        "scope": ("recipient", "purpose"),
        "period": ("granted_at", "first_data_day"),
        "evidence": ("evidence",),
        "identity": ("holder",),
        "subject": ("account", "meter", "agreement"),
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    cites: str
    category: Category
    last_day: date
    operator: str
    fluid: Fluid
    number: str
    recipient: str
    purpose: str
    granted_at: datetime
    first_data_day: date
    evidence: Evidence
    holder: str
    account: UUID
    meter: UUID
    agreement: UUID


class ConsentExtended(Event, frozen=True, kw_only=True):
    """The person prolonged the consent by a new act, to the end of `last_day`."""

    TOPIC: ClassVar[str] = "ConsentExtended.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent", "last_day")
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "period": ("extended_at",),
        "evidence": ("evidence",),
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    last_day: date
    extended_at: datetime
    evidence: Evidence


class ConsentWithdrawn(Event, frozen=True, kw_only=True):
    """The person withdrew; no reading is accepted under this consent any more.

    `origin` is who told us: "resident", "operator" or "erasure".
    """

    TOPIC: ClassVar[str] = "ConsentWithdrawn.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"withdrawal": ("withdrawn_at", "origin")}
    ENDS: ClassVar[bool] = True
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    withdrawn_at: datetime
    origin: str


class ConsentRefused(Event, frozen=True, kw_only=True):
    """The person was asked and said no; nothing is collected, and the answer is kept."""

    TOPIC: ClassVar[str] = "ConsentRefused.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent", "category")
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "scope": ("recipient", "purpose"),
        "refusal": ("refused_at",),
        "evidence": ("evidence",),
        "subject": ("account", "meter"),
    }
    ENDS: ClassVar[bool] = True
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    category: Category
    recipient: str
    purpose: str
    refused_at: datetime
    evidence: Evidence
    account: UUID
    meter: UUID


class ConsentExpired(Event, frozen=True, kw_only=True):
    """The last day had passed; this records the expiry, it does not cause it."""

    TOPIC: ClassVar[str] = "ConsentExpired.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"expiry": ("expired_on",)}
    ENDS: ClassVar[bool] = True
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    expired_on: date
