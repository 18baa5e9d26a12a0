"""Who we are to the keeper: an AppRole or a token, read from a file each time it is used.

So whoever renews it (`bao agent`, a person) writes the file, and no process of the
ledger has to be started anew. An AppRole is a JSON object with ``role_id`` and
``secret_id``; anything else is a token.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from domain.errors import Refused
from keys.keyring import KeyringExposed

if TYPE_CHECKING:
    from pathlib import Path


class LoginUnreadable(Refused):
    """The file that says who we are to the keeper is absent, or is neither of its two forms."""

    def __init__(self, path: Path) -> None:
        """Name the file, never what is in it."""
        super().__init__(
            f"{path} holds no login for the keeper of the epoch key: write a token there, or "
            'an AppRole as {"role_id": "…", "secret_id": "…"}, mode 600 (manual: key store)'
        )
        self.path = path


class AppRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role's id and its secret, for which the keeper gives a token of minutes."""

    role_id: str
    secret_id: str

    @override
    def __repr__(self) -> str:
        """Show no secret."""
        return "AppRole(<secret>)"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that somebody else keeps alive, or that we prolong at each epoch's end."""

    value: str = field(repr=False)


def read_login(path: Path) -> AppRole | Token:
    """Read who we are; raises `LoginUnreadable`, `KeyringExposed` where others may read it too."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read().strip()
        if mode & 0o077:
            raise KeyringExposed(path, mode)
        if content.startswith(b"{"):
            return msgspec.json.decode(content, type=AppRole)
        token = content.decode("ascii")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise LoginUnreadable(path) from None
    if not token or not token.isprintable() or " " in token:
        raise LoginUnreadable(path)
    return Token(token)
