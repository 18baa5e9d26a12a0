"""The collection of one consent's data over one channel."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose
from domain.values import Channel


class CollectionStarted(Event, frozen=True, kw_only=True):
    """Readings under this consent may be taken in over this channel from now on."""

    TOPIC: ClassVar[str] = "CollectionStarted.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"collection": ("channel", "started_at")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    channel: Channel
    started_at: datetime


class CollectionSuspended(Event, frozen=True, kw_only=True):
    """The operator refused once; nothing is taken in until it is known why.

    `code` is the operator's own refusal code, as sent.
    """

    TOPIC: ClassVar[str] = "CollectionSuspended.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"collection": ("code", "suspended_at")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    code: str
    suspended_at: datetime


class CollectionResumed(Event, frozen=True, kw_only=True):
    """The refusal was cleared up; readings are taken in again."""

    TOPIC: ClassVar[str] = "CollectionResumed.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"collection": ("resumed_at",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    resumed_at: datetime


class CollectionStopped(Event, frozen=True, kw_only=True):
    """Nothing is taken in under this consent over this channel any more.

    `reason` is "withdrawn", "expired", "agreement_ended", "moved_out" or "erasure".
    """

    TOPIC: ClassVar[str] = "CollectionStopped.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("consent",)
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"collection": ("reason", "stopped_at")}
    ENDS: ClassVar[bool] = True
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.EVIDENCE

    consent: UUID
    reason: str
    stopped_at: datetime
