"""One key of a keeper's transit engine: what is asked of it, and what its refusals mean."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from adapters.openbao.bao import KeeperRefuses
from domain.errors import Corrupt, Unavailable

if TYPE_CHECKING:
    from adapters.openbao.bao import Talk

_VERSION: Final = re.compile(r"vault:v([1-9]\d*):")


class KeeperBehind(Corrupt):
    """The keeper knows fewer versions of the key than it once used: it was restored."""

    def __init__(self, latest: int, used: int) -> None:
        """Take the keeper's latest version and the one that the epoch key is under."""
        super().__init__(
            f"The keeper's key is at version {latest}, and the epoch key is under version {used}: "
            "OpenBao was restored from a snapshot of before the last epoch's end. It is the turn "
            "of whoever runs it: restore a younger one. Without it the key store opens nothing "
            "(manual: key store)."
        )
        self.used = used


class VersionWithheld(Unavailable):
    """The keeper does not open the version that a wrapped key is under."""

    def __init__(self, version: int, least: int) -> None:
        """Take the version, and the least that the keeper opens."""
        super().__init__(
            f"The keeper opens versions of the key from {least} on, and the wrapped key at hand is "
            f"under version {version}. If a copy was restored, its epoch has ended and it opens "
            "nothing, as intended: take the copy made at the last epoch's end. If not, somebody "
            "raised min_decryption_version: it is the turn of whoever administers OpenBao to set "
            f"it back to {version}, and to trim nothing (manual: key store)."
        )
        self.version = version


class KeeperMistaken(Corrupt):
    """What the keeper opens is not what was wrapped."""

    def __init__(self) -> None:
        """Take nothing: what does not open has no name that is certain."""
        super().__init__(
            "The keeper does not open a wrapped epoch key to what was wrapped, and nothing was put "
            "under it: the settings name another key or another OpenBao, or the file of wrapped "
            "keys was altered. Correct the settings, or put the file's copy back "
            "(manual: key store)."
        )


class KeyState(msgspec.Struct, frozen=True):
    """How the key stands; versions below the least available are gone for ever."""

    latest_version: int
    min_available_version: int
    min_decryption_version: int
    exportable: bool
    allow_plaintext_backup: bool
    deletion_allowed: bool


class _Key(msgspec.Struct, frozen=True):
    data: KeyState


class _Ciphertext(msgspec.Struct, frozen=True):
    ciphertext: str


class _Encrypted(msgspec.Struct, frozen=True):
    data: _Ciphertext


class _Plaintext(msgspec.Struct, frozen=True):
    plaintext: str


class _Decrypted(msgspec.Struct, frozen=True):
    data: _Plaintext


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitKey:
    """Where the engine is mounted, and the key's name."""

    mount: str = "transit"
    name: str = "metroledger"

    def path(self, verb: str) -> str:
        """Return the API's path of what is done with the key: encrypt, decrypt."""
        return f"{self.mount}/{verb}/{self.name}"

    def care(self, verb: str = "") -> str:
        """Return the API's path of the key itself, or of what is done to it: rotate, trim."""
        return f"{self.mount}/keys/{self.name}{verb and '/' + verb}"

    def state(self, talk: Talk) -> KeyState:
        """Ask how the key stands."""
        return talk.get(self.care(), _Key).data

    def wrap(self, talk: Talk, secret: bytes, binding: bytes) -> tuple[int, str]:
        """Wrap a secret under a new version, and see that it opens; return version and form."""
        talk.order(self.care("rotate"))
        wrapped = talk.post(
            self.path("encrypt"),
            _Encrypted,
            plaintext=b64encode(secret).decode(),
            associated_data=b64encode(binding).decode(),
        ).data.ciphertext
        version = _VERSION.match(wrapped)
        if version is None or self.unwrap(talk, int(version[1]), wrapped, binding) != secret:
            raise KeeperMistaken
        return int(version[1]), wrapped

    def unwrap(self, talk: Talk, version: int, wrapped: str, binding: bytes) -> bytes:
        """Open what a version wrapped.

        Raises `KeeperBehind`, `VersionWithheld`, `KeeperMistaken`, by the key's state, where the
        keeper does not open it.
        """
        try:
            answer = talk.post(
                self.path("decrypt"),
                _Decrypted,
                ciphertext=wrapped,
                associated_data=b64encode(binding).decode(),
            )
        except KeeperRefuses as refusal:
            if refusal.code != HTTPStatus.BAD_REQUEST:
                raise
            state = self.state(talk)
            if version > state.latest_version:
                raise KeeperBehind(state.latest_version, version) from None
            if version < state.min_decryption_version:
                raise VersionWithheld(version, state.min_decryption_version) from None
            raise KeeperMistaken from None
        return b64decode(answer.data.plaintext)

    def forget(self, talk: Talk, least: int | None) -> None:
        """Let the keeper forget the versions below `least`, for ever; without one, all there are.

        Done again it does nothing more.
        """
        state = self.state(talk)
        if least is None:
            talk.order(self.care("rotate"))
            least = state.latest_version + 1
        if least > state.min_available_version:
            floors = {"min_decryption_version": least, "min_encryption_version": least}
            talk.order(self.care("config"), **floors)
            talk.order(self.care("trim"), min_available_version=least)
