"""What takes letters here: a mail server, or files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.mail.outbox import Outbox
from adapters.mail.relay import Relay
from adapters.mail.smtp import Smtp

if TYPE_CHECKING:
    from application.mail import PostOffice
    from metroledger.settings import Settings


def post_of(settings: Settings) -> PostOffice:
    """Return what takes letters: the mail server of the settings, or files."""
    return relay_of(settings) or outbox_of(settings)


def relay_of(settings: Settings) -> Relay | None:
    """Return what hands letters to the mail server of the settings, None where there is none."""
    portal = settings.portal
    if portal.smtp_url is None:
        return None
    server = Smtp.of(portal.smtp_url, portal.mail_from)
    return Relay(server=server, outbox=outbox_of(settings))


def outbox_of(settings: Settings) -> Outbox:
    """Return where letters lie that no server took."""
    return Outbox(settings.outbox, settings.portal.mail_from)
