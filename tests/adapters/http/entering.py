"""A served portal with one resident, and browsers that come to its door."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Self

import httpx

from adapters.http.app import create_app, guarded
from adapters.http.serving import served
from application.access import sessions
from metroledger.portal import site_of
from tests.application.test_door import EMAIL, PASSWORD, sign_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from metroledger.bootstrap import Installation

__all__ = ["EMAIL", "PASSWORD"]


@dataclass(frozen=True)
class Entrance:
    """A portal with a resident in it: where it listens, and where browsers believe to be."""

    ledger: Installation
    url: str
    origin: str
    cookie: str
    account: UUID

    def browser(self) -> Browser:
        return Browser(self)

    def is_signed_in(self, token: str) -> bool:
        """Whether a browser with this token is let in."""
        with self.browser() as other:
            other.cookies[self.cookie] = token
            return other.get("/mes-donnees").status_code == 200


@contextlib.contextmanager
def entrance(
    ledger: Installation,
    origin: str | None = None,
    **changed: Any,  # noqa: ANN401 (fields of a site)
) -> Iterator[Entrance]:
    """Serve a ledger, under another address for browsers where one is given."""
    site = site_of(ledger)
    origin = origin or site.public_url
    changed.setdefault("door", replace(site.door, public_url=origin))
    site = replace(site, public_url=origin, **changed)
    token, account = sign_up(replace(site.door, post=site_of(ledger).door.post), ledger)
    ledger.access.end_session(sessions.digest_of(token))
    with served(guarded(site, create_app(site)), ("127.0.0.1", 0)) as port:
        yield Entrance(ledger, f"http://127.0.0.1:{port}", origin, site.session_cookie, account)


class Browser:
    """A browser behind a proxy with TLS: what is Secure comes back over the plain socket too."""

    def __init__(self, door: Entrance) -> None:
        self.door = door
        self.cookies: dict[str, str] = {}
        self._client = httpx.Client(base_url=door.url, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def token(self) -> str:
        return self.cookies.get(self.door.cookie, "")

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path, {})

    def send(
        self, path: str, headers: dict[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        """Load a page and send its form."""
        return self.press(self.get(path), path, headers, **fields)

    def press(
        self,
        page: httpx.Response,
        path: str,
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> httpx.Response:
        """Send a form of a page that was loaded."""
        told = {"Origin": self.door.origin, "Sec-Fetch-Site": "same-origin"} | (headers or {})
        form = {"form_token": form_token_in(page.text)} | fields
        return self._ask("POST", path, told, form)

    def sign_out(self) -> httpx.Response:
        """Press the button that stands on every page."""
        return self.press(self.get("/mes-donnees"), "/deconnexion")

    def sign_in(self, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
        return self.send("/connexion", email=email, mot_de_passe=password)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], data: dict[str, str] | None = None
    ) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._client.request(
            method, path, data=data, headers=headers | ({"Cookie": cookies} if cookies else {})
        )
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        self._client.cookies.clear()
        return answer


def form_token_in(page: str) -> str:
    """Return the token that the forms of a page carry."""
    found = re.search(r'name="form_token" value="([0-9a-f]{32})"', page)
    assert found is not None, page
    return found[1]
