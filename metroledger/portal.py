"""Put the portal together: the site of an open ledger, and the application that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.http.app import create_app, guarded
from adapters.http.metering import Metered
from adapters.http.site import Site
from application.access.door import Door
from application.access.staff import StaffDoor
from application.desk import Desk
from application.overseeing import Overseer
from application.receipts import Press
from metroledger.operators import UNOPENED

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from adapters.http.metering import Meters
    from metroledger.bootstrap import Installation


def site_of(installation: Installation) -> Site:
    """Return the site that an open ledger's portal shows."""
    settings, portal = installation.settings, installation.settings.portal
    services = installation.services
    return Site(
        services=services,
        press=Press(publisher=installation.publisher, tiles=settings.tiles),
        verifier=installation.verifier,
        door=Door(
            services=services,
            store=installation.access,
            post=services.post,
            public_url=portal.public_url,
        ),
        staff=StaffDoor(services=services, store=installation.access, staff=installation.staff),
        desk=Desk(services=services),
        askings=installation.askings,
        overseer=Overseer(services=services, arrivals=installation.arrivals, unopened=UNOPENED),
        public_url=portal.public_url,
        trusted_proxies=portal.trusted_proxies,
        metropolis=portal.metropolis,
        privacy_contact=portal.privacy_contact,
        theme=portal.theme,
    )


def portal_app(site: Site, meters: Meters) -> ASGIApp:
    """Return the application as it is served: guarded, counted, and logged without anybody."""
    return Metered(guarded(site, create_app(site)), meters)
