"""Who asks: a visitor with a token in a cookie, and maybe a session behind it.

Everybody gets a token, signed in or not, so that every form carries a token derived from it
and no other site can send a form in a visitor's name. Signing in begins with a fresh one.

Staff have pages of their own (`STAFF`), and there another cookie: a session of the one kind is
none on the pages of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.http.proxies import client_of, household_of
from application.access import roles, sessions
from application.access.sessions import LONGEST, form_token, is_form_token, is_token, new_token
from domain.errors import Refused

if TYPE_CHECKING:
    from fastapi import Request, Response

    from adapters.http.site import Site
    from application.access.roles import Right, StaffRole
    from application.access.stores import Session
    from domain.values import Actor

FORM_FIELD: Final = "form_token"
HEADER: Final = "X-Form-Token"
STAFF: Final = "/agents"
"""Where the staff's pages are."""
_SAME: Final = {"same-origin", "none"}


class SignInNeeded(Refused):
    """Nobody is signed in, or no longer."""

    status = 401

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("sign in first; a session ends after half an hour without a visit")


class StaffSignInNeeded(SignInNeeded):
    """No member of the staff is signed in, or no longer."""


class Forged(Refused):
    """A request that changes something did not come from a page of ours."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("this request did not come from a page of this site; load the page again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody asking: their token, whether it is new, and their session if they have one.

    `cookie` is the name of the one that the token came in, or will be given in.
    """

    cookie: str
    token: str
    fresh: bool
    session: Session | None

    @property
    def form_token(self) -> str:
        """What every form of this visitor carries."""
        return form_token(self.token)

    @property
    def account(self) -> UUID:
        """The resident's account; raises `SignInNeeded` for anybody else."""
        if self.session is None or self.session.account is None:
            raise SignInNeeded
        return self.session.account

    @property
    def role(self) -> StaffRole | None:
        """The role of the member of the staff, None for anybody else."""
        return self.session.role if self.session else None

    def require(self, right: Right) -> Actor:
        """Return the member of the staff as an actor, where their role has a right.

        Raises `StaffSignInNeeded` for anybody else, `NotForThisRole`.
        """
        if self.session is None or self.session.member is None or self.session.role is None:
            raise StaffSignInNeeded
        roles.require(self.session.role, right)
        return roles.actor(self.session.role, self.session.member)


def visitor_of(site: Site, request: Request) -> Visitor:
    """Return who asks; one look at the database for those who bring a token."""
    path = request.url.path
    of_staff = path == STAFF or path.startswith(f"{STAFF}/")
    cookie = site.staff_cookie if of_staff else site.session_cookie
    token = request.cookies.get(cookie, "")
    if not is_token(token):
        return Visitor(cookie=cookie, token=new_token(), fresh=True, session=None)
    session = sessions.find(site.services, site.door.store, token)
    if session is not None and (session.member is not None) is not of_staff:
        session = None
    return Visitor(cookie=cookie, token=token, fresh=False, session=session)


def require_own(site: Site, request: Request, visitor: Visitor, said: str) -> None:
    """Raise `Forged` unless a request that changes something comes from a page of ours.

    `said` is the form's token. The browser's own word is asked too, where it gives it.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != site.public_url:
        raise Forged
    if request.headers.get("sec-fetch-site", "none") not in _SAME:
        raise Forged
    if visitor.fresh or not is_form_token(visitor.token, said):
        raise Forged


def give_token(site: Site, response: Response, cookie: str, token: str) -> None:
    """Set the cookie of a visitor's token.

    Lax, the staff's too: a link in a letter would else find nobody signed in, and sign them out.
    """
    response.set_cookie(
        cookie,
        token,
        max_age=int(LONGEST.total_seconds()),
        secure=site.secure,
        httponly=True,
        samesite="lax",
        path="/",
    )


def take_token(site: Site, response: Response, cookie: str) -> None:
    """Remove the cookie."""
    response.delete_cookie(cookie, secure=site.secure, httponly=True, samesite="lax", path="/")


def address_of(site: Site, request: Request) -> str:
    """Return where a request comes from, for throttling alone: it is never kept or logged."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.getlist("x-forwarded-for")
    return household_of(client_of(peer, forwarded, site.trusted_proxies))
