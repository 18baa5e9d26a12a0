"""Letters as files in a directory: for demos and tests, and for a mail server that collects them.

A letter holds an e-mail and a link, so its file is for its owner's eyes only (0600), its name
says nothing, and it is gone after two days.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import time
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.mail import NoServerSet
from keys.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from application.mail import Letter

KEPT_S: Final = 2 * 86_400
"""How long a letter lies here at most."""

LASTS: Final = "X-Lasts-Seconds"
"""The header that says so, in the file alone."""

LAST: Final = "X-Last"
"""The header of a last letter, in the file alone."""


class Outbox:
    """The `Post` port over a directory."""

    def __init__(self, directory: Path, sender: str) -> None:
        """Take the directory, made when first needed, and the sender's address."""
        self._directory = directory
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """Write a letter, durably; drop those that are too old."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020}-{UUID(bytes=os.urandom(16))}.eml"
        message = message_of(letter, self._sender)
        message[LASTS] = str(int(letter.lasts.total_seconds()))
        if letter.last:
            message[LAST] = "yes"
        write_durably(self._directory / name, message.as_bytes())
        self.tidy()

    def hand_over(self, _letter: Letter, /) -> None:
        """Refuse: here letters lie in clear. Raises `NoServerSet`."""
        raise NoServerSet

    def waiting(self) -> list[Path]:
        """Return the letters that lie here, the oldest first."""
        return sorted(self._directory.glob("*.eml"))

    def forget(self, address: str) -> None:
        """Drop the letters to an address, but a last one: it tells that there is none after it."""
        for path in self.waiting():
            with contextlib.suppress(FileNotFoundError):  # sent or dropped by another process
                message = self.read(path)
                if str(message["To"]).lower() == address.lower() and message[LAST] is None:
                    path.unlink()

    @staticmethod
    def read(path: Path) -> EmailMessage:
        """Read a letter again."""
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)

    def tidy(self) -> None:
        """Drop the letters that are too old."""
        oldest = time.time() - KEPT_S
        for path in self._directory.glob("*.eml"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """Return a letter as an e-mail message; header values are checked by the library."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="8bit")
    return message
