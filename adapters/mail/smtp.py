"""Letters to an SMTP server that takes them, over TLS."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from adapters.mail.outbox import message_of
from domain.errors import Refused, Unavailable

if TYPE_CHECKING:
    from email.message import EmailMessage

    from application.mail import Letter

_PATIENCE_S: Final = 10
_PORTS: Final = {"smtp": 587, "smtps": 465}


class NoMailServer(Refused):
    """The address of a mail server is not one."""

    def __init__(self) -> None:
        """Take nothing: the address may hold a password."""
        super().__init__(
            "the address of the mail server is not of the form "
            "smtp[s]://USER:PASSWORD@HOST[:PORT]; correct the setting"
        )


class MailUnavailable(Unavailable):
    """The mail server does not take letters."""

    def __init__(self) -> None:
        """Take nothing: a server's answer may quote the address."""
        super().__init__("the mail server does not take letters now; ask again later")


class LetterRefused(MailUnavailable):
    """The mail server answers, and does not take this one letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """The `Post` port over an SMTP server: STARTTLS on smtp, TLS from the start on smtps.

    Without TLS only a server on this very host is spoken to.
    """

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False

    @classmethod
    def of(cls, url: str, sender: str) -> Smtp:
        """Read the address of a server."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise NoMailServer
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            sender=sender,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            implicit_tls=parts.scheme == "smtps",
        )

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server; raise `MailUnavailable` unless it was taken."""
        self.send_message(message_of(letter, self.sender))

    def send_message(self, message: EmailMessage) -> None:
        """Hand a message over likewise; raise `LetterRefused` where it alone is not taken."""
        try:
            with self._connect() as server:
                if self.user is not None:
                    server.login(self.user, self.password or "")
                _hand(server, message)
        except (OSError, smtplib.SMTPException):
            raise MailUnavailable from None

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.implicit_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_PATIENCE_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_PATIENCE_S)
        if self.host not in {"localhost", "127.0.0.1", "::1"}:
            server.starttls(context=context)
        return server


def _hand(server: smtplib.SMTP, message: EmailMessage) -> None:
    """Hand one message over; an address that the server cannot spell is that letter's alone."""
    try:
        server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError):
        raise LetterRefused from None
