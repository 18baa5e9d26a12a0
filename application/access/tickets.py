"""Tickets: what a link carries, sealed, so that nothing is stored until it comes back.

A ticket is whom it lets in, what it is for and until when, sealed by AES-256-GCM under a key
derived from the territory's. `binding` ties it to what it may change once: a link for a new
password is worth nothing after the password was changed.
"""

from __future__ import annotations

import base64
import binascii
import os
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Refused
from keys.names import Purpose

if TYPE_CHECKING:
    from application.services import Services

_PERSON: Final = b"door ticket v1"
_NONCE: Final = 12
_LONGEST: Final = 1_024


class TicketWorthless(Refused):
    """The link was altered, was used, or is too old."""

    status = 410

    def __init__(self) -> None:
        """Take nothing: a stranger learns no more than that."""
        super().__init__("this link has been used or is too old; ask for a new one")


class Errand(StrEnum):
    """What a ticket is for."""

    SIGN_UP = "sign_up"
    NEW_PASSWORD = "new_password"  # noqa: S105 (the name of an errand)
    STAFF = "staff"
    FOLLOW = "follow"
    FOLLOW_PAST = "follow_past"


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What it is for, whom it lets in, until when (seconds since 1970), what it is bound to.

    Whom: the e-mail it was sent to, or the id of a member of the staff or of an account.
    """

    errand: Errand
    subject: str
    until_s: int
    binding: bytes = b""


_decoder: Final = msgspec.msgpack.Decoder(Ticket)


def issue(services: Services, ticket: Ticket) -> str:
    """Return a ticket as the text of a link: letters, digits, - and _."""
    nonce = os.urandom(_NONCE)
    sealed = nonce + _cipher(services).encrypt(nonce, msgspec.msgpack.encode(ticket), _PERSON)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def redeem(services: Services, text: str, errand: Errand) -> Ticket:
    """Return the ticket of a link; raise `TicketWorthless`."""
    try:
        padded = text[:_LONGEST] + "=" * (-len(text[:_LONGEST]) % 4)
        sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        content = _cipher(services).decrypt(sealed[:_NONCE], sealed[_NONCE:], _PERSON)
        ticket = _decoder.decode(content)
    except (binascii.Error, InvalidTag, ValueError):
        raise TicketWorthless from None
    if ticket.errand is not errand or services.clock() > datetime.fromtimestamp(
        ticket.until_s, UTC
    ):
        raise TicketWorthless
    return ticket


def _cipher(services: Services) -> AESGCM:
    key = services.territory_key(Purpose.REACTIONS)
    return AESGCM(blake2b(key=key.secret, digest_size=32, person=_PERSON).digest())
