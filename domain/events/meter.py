"""A metering point *as one account declared it*: another account's is another stream."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose
from domain.values import Category, Fluid


class MeterDeclared(Event, frozen=True, kw_only=True):
    """A person declared the metering point of their home.

    `entry_day` is the day they moved in: nothing earlier is asked for, stored or
    shown. `power_kva` is the subscribed power, in kVA, None when unknown.
    """

    TOPIC: ClassVar[str] = "MeterDeclared.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "point": ("operator", "fluid", "number"),
        "occupancy": ("account", "entry_day", "power_kva"),
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    account: UUID
    operator: str
    fluid: Fluid
    number: str
    entry_day: date
    power_kva: int | None


class MeterAttested(Event, frozen=True, kw_only=True):
    """The operator attested that the point is the declared occupant's."""

    TOPIC: ClassVar[str] = "MeterAttested.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"attestation": ("reference",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    reference: str


class ContractFactsReceived(Event, frozen=True, kw_only=True):
    """The operator told the contract's facts as they stand from a day on.

    `power_kva` in kVA, None when the operator did not say.
    """

    TOPIC: ClassVar[str] = "ContractFactsReceived.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"contract": ("from_day", "power_kva", "tariff")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    from_day: date
    power_kva: int | None
    tariff: str | None


class MeterMovedOut(Event, frozen=True, kw_only=True):
    """The occupant left; `last_day` is their last day there."""

    TOPIC: ClassVar[str] = "MeterMovedOut.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"occupancy": ("last_day",)}
    ENDS: ClassVar[bool] = True
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    last_day: date


class ConsentAttached(Event, frozen=True, kw_only=True):
    """A consent lives on this meter from now on.

    Written with the grant, so that two grants of one act contend for one stream.
    """

    TOPIC: ClassVar[str] = "ConsentAttached.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "consent": ("consent", "category", "recipient", "purpose")
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    consent: UUID
    category: Category
    recipient: str
    purpose: str


class ConsentDetached(Event, frozen=True, kw_only=True):
    """A consent does not live on this meter any more; written with its ending."""

    TOPIC: ClassVar[str] = "ConsentDetached.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"consent": ("consent",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    consent: UUID
