"""The `Post` port: letters to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

LINK_LASTS: Final = timedelta(hours=2)
"""How long the links in letters work, where a letter does not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An e-mail, as plain text; after `lasts` it is worth nothing to whoever gets it."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    lasts: timedelta = LINK_LASTS


class Post(Protocol):
    """Hands letters on. May be called from several threads."""

    def send(self, letter: Letter) -> None:
        """Hand a letter on, durably or to the server that takes it; raises `Unavailable`."""
