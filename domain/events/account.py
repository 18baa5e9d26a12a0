"""One person's or household's account, from its opening to its erasure."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose


class AccountOpened(Event, frozen=True, kw_only=True):
    """Somebody opened an account; `language` is a BCP 47 tag."""

    TOPIC: ClassVar[str] = "AccountOpened.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity": ("name", "email"),
        "profile": ("language",),
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    name: str
    email: str
    language: str


class TermsAccepted(Event, frozen=True, kw_only=True):
    """The person accepted one version of the terms of use."""

    TOPIC: ClassVar[str] = "TermsAccepted.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"terms": ("terms", "version", "sha256")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    terms: UUID
    version: str
    sha256: str


class ErasureRequested(Event, frozen=True, kw_only=True):
    """The person asked for everything about them to be erased; the month's clock starts."""

    TOPIC: ClassVar[str] = "ErasureRequested.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"request": ("request", "requested_at")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID
    requested_at: datetime


class ErasureRefused(Event, frozen=True, kw_only=True):
    """An administrator refused the erasure, and said why."""

    TOPIC: ClassVar[str] = "ErasureRefused.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"refusal": ("request", "reason")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID
    reason: str


class ErasureIdentityChecked(Event, frozen=True, kw_only=True):
    """A member of the staff made sure that the request comes from the account's holder.

    `means` says how; `checked_by` is their random id, for whoever else must validate.
    """

    TOPIC: ClassVar[str] = "ErasureIdentityChecked.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"check": ("request", "means", "checked_by")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID
    means: str
    checked_by: UUID


class ErasureHeld(Event, frozen=True, kw_only=True):
    """The erasure waits for a duty to keep the data to end; the person is told which."""

    TOPIC: ClassVar[str] = "ErasureHeld.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"hold": ("request", "reason")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID
    reason: str


class ErasureHoldLifted(Event, frozen=True, kw_only=True):
    """Nothing holds the erasure any more."""

    TOPIC: ClassVar[str] = "ErasureHoldLifted.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"lifting": ("request",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID


class ErasureTakenBack(Event, frozen=True, kw_only=True):
    """The person does not want to be erased any more; nothing had been done."""

    TOPIC: ClassVar[str] = "ErasureTakenBack.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"taking back": ("request",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID


class ErasureValidated(Event, frozen=True, kw_only=True):
    """An administrator validated the erasure; from here on it is carried out.

    Public and without a subject: `request` is a random id that names no one, and
    the steps of an erasure must be readable when the person's keys are gone.
    """

    TOPIC: ClassVar[str] = "ErasureValidated.v1"

    request: UUID


class DestructionOrdered(Event, frozen=True, kw_only=True):
    """The destruction of these keys was ordered; what they sealed becomes `Redacted`.

    `keys` is their number and `root` the RFC 6962 root over their sorted 16-byte
    ids (base64url); the ids themselves are in the private zone.
    """

    TOPIC: ClassVar[str] = "DestructionOrdered.v1"

    request: UUID
    keys: int
    root: str


class AccountErasedV1(Event, frozen=True, kw_only=True):
    """The certificate's first version, which did not say who acted; read as `AccountErased`."""

    TOPIC: ClassVar[str] = "AccountErased.v1"
    ENDS: ClassVar[bool] = True

    request: UUID
    keys: int
    root: str
    fingerprints: str
    stores: int
    epoch: int
    tree_size_before: int
    tree_size_after: int
    legal_basis: str
    not_reached: tuple[str, ...]


class AccountErased(Event, frozen=True, kw_only=True):
    """The erasure was carried out; the certificate. Public: it names no one.

    `keys` destroyed out of `root`, in `stores` key stores; from `epoch` on no copy of
    the keys exists; tree sizes are those read before
    the first step and before this event; `fingerprints` is the root over the
    destroyed keys' one-way fingerprints. The roles are those in which somebody asked,
    checked, validated and carried out; None of an erasure of the first version.
    """

    TOPIC: ClassVar[str] = "AccountErased.v2"
    ENDS: ClassVar[bool] = True

    request: UUID
    keys: int
    root: str
    fingerprints: str
    stores: int
    epoch: int
    tree_size_before: int
    tree_size_after: int
    legal_basis: str
    not_reached: tuple[str, ...]
    asked_as: str | None
    checked_as: str | None
    validated_as: str | None
    carried_out_as: str | None
