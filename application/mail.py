"""The `Post` and `PostOffice` ports: letters to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

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


class PostOffice(Post, Protocol):
    """A post where letters may wait."""

    def forget(self, address: str) -> None:
        """Drop the letters to an address that wait here, but a last one; raises `OSError`."""
