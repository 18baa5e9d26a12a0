"""The `Post` and `PostOffice` ports: letters to people, and to those whom notices are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

LINK_LASTS: Final = timedelta(hours=2)
"""How long the links in letters work, where a letter does not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An e-mail, as plain text; after `lasts` it is worth nothing to whoever gets it.

    `last`: there will be no other, for the address is erased.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    lasts: timedelta = LINK_LASTS
    last: bool = False


class Post(Protocol):
    """Hands letters on. May be called from several threads."""

    def send(self, letter: Letter) -> None:
        """Hand a letter on, durably or to the server that takes it; raises `Unavailable`."""


class NoServerSet(Unavailable):
    """There is no mail server, and a letter must not lie here in clear."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "no mail server is set, so a notice cannot be sent, and stays sealed: set "
            "METROLEDGER_SMTP_URL, or tell whom it is for by another way (manual: erasures)"
        )


class PostOffice(Post, Protocol):
    """A post where letters may wait."""

    def hand_over(self, letter: Letter, /) -> None:
        """Hand a letter to a mail server, and keep nothing of it; raises `Unavailable`."""

    def forget(self, address: str) -> None:
        """Drop the letters to an address that wait here, but a last one; raises `OSError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondents:
    """Where notices go, by the name of an operator or a recipient; and where it is answered."""

    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    answers_to: str = ""
