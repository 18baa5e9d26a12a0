"""Letters to a mail server; while it takes none they wait in the outbox, and are sent later.

A letter waits no longer than it is worth (`Letter.lasts`). One whose server took it just before we
died is sent again: twice is better than never.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.mail.outbox import LAST, LASTS
from adapters.mail.smtp import LetterRefused, MailUnavailable
from application.mail import LINK_LASTS
from application.telling import tell

if TYPE_CHECKING:
    from adapters.mail.outbox import Outbox
    from adapters.mail.smtp import Smtp
    from application.mail import Letter

WAITS_S: Final = LINK_LASTS.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The `Post` port over a mail server, with an outbox for when it takes nothing."""

    server: Smtp
    outbox: Outbox

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server, else keep it durably to be sent later."""
        try:
            self.server.send(letter)
        except MailUnavailable:
            tell("letter-not-taken", logging.WARNING)
            self.outbox.send(letter)

    def hand_over(self, letter: Letter, /) -> None:
        """Hand a letter to the server, or raise `MailUnavailable` and keep nothing."""
        self.server.send(letter)

    def forget(self, address: str) -> None:
        """Drop the letters to an address that wait, but a last one."""
        self.outbox.forget(address)

    def send_waiting(self) -> int:
        """Send what waits, the oldest first; drop what is worth nothing any more; return how many.

        One letter that the server refuses does not keep the others waiting; a server that does
        not answer is not asked again for each.
        """
        sent = 0
        for path in self.outbox.waiting():
            try:
                message = self.outbox.read(path)
                if path.stat().st_mtime + int(message[LASTS] or WAITS_S) < time.time():
                    path.unlink()
                    tell("letter-dropped", logging.WARNING)
                    continue
                del message[LASTS], message[LAST]
                self.server.send_message(message)
            except (LetterRefused, FileNotFoundError):
                continue  # refused alone, or another process has just sent it
            except MailUnavailable:
                break
            path.unlink(missing_ok=True)
            sent += 1
        if sent:
            tell("letters-sent-late", letters=sent)
        return sent
