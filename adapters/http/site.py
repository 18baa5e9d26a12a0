"""What the web layer is given: the use cases, and how the place looks and is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.http.proxies import Network
    from application.access.door import Door
    from application.access.staff import StaffDoor
    from application.asking import Askings
    from application.desk import Desk
    from application.overseeing import Overseer
    from application.receipts import Press
    from application.services import Services
    from proofs.signing import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A portal and its API.

    `public_url` is where browsers find it, without a slash at its end; `trusted_proxies` are
    those whose `X-Forwarded-For` is believed; `theme` a file of CSS custom properties that a
    metropolis lays over ours. `privacy_contact` is shown on every page.
    """

    services: Services
    press: Press
    verifier: Verifier
    door: Door
    staff: StaffDoor
    desk: Desk
    askings: Askings
    overseer: Overseer
    public_url: str
    trusted_proxies: tuple[Network, ...] = ()
    metropolis: str = "Métropole"
    privacy_contact: str = "dpo@metropole.example"
    theme: Path | None = None
    demo: bool = field(default=False)

    @property
    def secure(self) -> bool:
        """Whether browsers come over TLS; else cookies could not be marked so."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def session_cookie(self) -> str:
        """The name of a resident's cookie; with TLS, one that no other host can set."""
        return "__Host-session" if self.secure else "session"

    @property
    def staff_cookie(self) -> str:
        """The name of the staff's cookie, likewise; one browser may hold both."""
        return "__Host-agent" if self.secure else "agent"
