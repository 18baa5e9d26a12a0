"""What was asked under an idempotency key, so that asking again gives the same answer.

The key is the client's own word and is kept nowhere. From it, under a key of the territory
and with the account, follows the command's id; the ledger itself then holds that a command
happens once. What is kept for `KEPT` beside it is only what the ledger does not know: a
digest of what was asked, to tell another request under the same key, and the answer, which
holds ids and words of ours. The digest is keyed with the account's own key, so after an
erasure nobody can try values against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from application.services import derived_id
from domain.errors import Refused
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.services import Services

KEPT: Final = timedelta(days=7)
"""How long an answer is repeated as it was; the ledger knows the command for ever."""


class KeyReused(Refused):
    """The idempotency key was used for another request before."""

    status = 422

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "this idempotency key was used for another request; send this one under a new key, or "
            "the former one again exactly as it was"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered: the HTTP status and the body, which holds no personal data."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: its command's id, whose it is, what was asked, and the answer once there is one.

    `kind` names the use case; `about` is the id it was about (a meter, a consent), if any.
    """

    command: UUID
    owner: UUID
    kind: str
    digest: bytes
    about: UUID | None = None
    answer: Answer | None = None


class Askings(Protocol):
    """Where requests are kept. Each method is one durable transaction."""

    def note(self, asked: Asked, at: datetime) -> Asked:
        """Keep a request unless its command is known; return what is kept of it.

        Forgets some of those that are older than `KEPT`.
        """

    def answer(self, command: UUID, answer: Answer) -> Answer:
        """Keep the answer, unless there is one; return the one that is kept."""

    def forget(self, command: UUID) -> None:
        """Forget a request that was not answered."""

    def find(self, command: UUID) -> Asked | None:
        """Return what is kept of a request, None when nothing is."""

    def drop(self, before: datetime) -> int:
        """Forget the requests that were made before an instant; return how many."""


def drop_over(askings: Askings, now: datetime) -> int:
    """Forget answers that were given longer ago than is kept; the ledger knows the commands."""
    return askings.drop(now - KEPT)


def command_of(services: Services, account: UUID, key: str) -> UUID:
    """Return the id of the command that an account sends under an idempotency key."""
    territory = services.territory_key(Purpose.REACTIONS)
    return derived_id(territory, b"idempotency key", account.bytes, key.encode())


def command_of_form(services: Services, account: UUID, drawn: str, *about: bytes) -> UUID:
    """Return the id of the command that an account's form sends, about the same thing each time.

    `drawn` is the form's own random text: a form that is sent twice asks once.
    """
    territory = services.territory_key(Purpose.REACTIONS)
    return derived_id(territory, b"form", account.bytes, drawn.encode("utf-8", "replace"), *about)


def digest_of(services: Services, account: UUID, *parts: bytes) -> bytes:
    """Return a digest of what was asked that dies with the account's key. 16 bytes."""
    name = KeyName(owner=account, purpose=Purpose.PROFILE)
    key = services.keys.mint([name])[name]
    return derived_id(key, b"request", *parts).bytes
