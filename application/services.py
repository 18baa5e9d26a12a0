"""What every use case works with, and the ids that are derived rather than drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING
from uuid import UUID

from application.transact import Context
from domain.policies.retention import Periods
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from application.acts import Inbox
    from application.glance import Glances
    from application.mail import Correspondents, PostOffice
    from application.register import Register
    from application.transact import Ledger
    from domain.values import Actor, Channel
    from keys.key import Key
    from keys.store import KeyStore
    from projections.projector import Projector


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that use cases need; `clock` returns the present instant in UTC.

    `public_url` is where browsers find the portal, without a slash at its end.

    `four_eyes`: an erasure is validated by another person than the one who checked the identity.
    `periods`: how long each matter is kept.
    """

    ledger: Ledger
    register: Register
    keys: KeyStore
    shown: Projector
    inbox: Inbox
    glances: Glances
    territory: UUID
    system: Actor
    clock: Callable[[], datetime]
    parked: Path
    notices: Path
    correspondents: Correspondents
    post: PostOffice
    public_url: str
    four_eyes: bool = False
    periods: Periods = field(default_factory=Periods)

    def context(self, actor: Actor | None = None, **extra: bytes) -> Context:
        """Return a command's context: now, by whom (the system unless told), private bytes."""
        return Context(at=self.clock(), actor=actor or self.system, extra=extra)

    def territory_key(self, purpose: Purpose, year: int | None = None) -> Key:
        """Return a key that belongs to no person, minting it when it is first needed."""
        name = KeyName(owner=self.territory, purpose=purpose, year=year)
        return self.keys.mint([name])[name]


def new_id() -> UUID:
    """Return a new random id."""
    return UUID(bytes=os.urandom(16))


def derived_id(key: Key, *parts: bytes) -> UUID:
    """Return an id that only the key's holder can derive from what caused it.

    Parts are framed by their lengths, so no two lists of parts meet.
    """
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return UUID(bytes=blake2b(message, digest_size=16, key=key.secret).digest())


def made_by(command: UUID) -> UUID:
    """Return the id of what a command makes: the command sent again makes the same.

    Derived from the command's 128 bits, which only its sender knows beforehand.
    """
    return UUID(bytes=blake2b(command.bytes, digest_size=16, person=b"made by").digest())


def collection_id(consent: UUID, channel: Channel) -> UUID:
    """Return the id of a consent's collection over a channel.

    Derived from the consent's random 128 bits, so nobody can search for it, and a
    consent has at most one collection a channel.
    """
    digest = blake2b(consent.bytes + channel.encode(), digest_size=16, person=b"collection")
    return UUID(bytes=digest.digest())
