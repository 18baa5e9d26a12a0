"""Put the portal together: the site of an open ledger, and the application that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.http.app import create_app, guarded
from adapters.http.metering import Metered
from adapters.http.site import Site
from adapters.mail.outbox import Outbox
from adapters.mail.relay import Relay
from adapters.mail.smtp import Smtp
from application.access.door import Door
from application.access.staff import StaffDoor
from application.desk import Desk
from application.overseeing import Overseer
from application.receipts import Press
from metroledger.operators import UNOPENED

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from adapters.http.metering import Meters
    from application.mail import Post
    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings


def site_of(installation: Installation) -> Site:
    """Return the site that an open ledger's portal shows."""
    settings, portal = installation.settings, installation.settings.portal
    services, post = installation.services, post_of(installation.settings)
    return Site(
        services=services,
        press=Press(publisher=installation.publisher, tiles=settings.tiles),
        verifier=installation.verifier,
        door=Door(
            services=services,
            store=installation.access,
            post=post,
            public_url=portal.public_url,
        ),
        staff=StaffDoor(services=services, store=installation.access, staff=installation.staff),
        desk=Desk(services=services, post=post, public_url=portal.public_url),
        askings=installation.askings,
        overseer=Overseer(services=services, arrivals=installation.arrivals, unopened=UNOPENED),
        public_url=portal.public_url,
        trusted_proxies=portal.trusted_proxies,
        metropolis=portal.metropolis,
        privacy_contact=portal.privacy_contact,
        theme=portal.theme,
    )


def post_of(settings: Settings) -> Post:
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


def portal_app(site: Site, meters: Meters) -> ASGIApp:
    """Return the application as it is served: guarded, counted, and logged without anybody."""
    return Metered(guarded(site, create_app(site)), meters)
