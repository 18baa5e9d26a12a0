"""What every page stands in: who visits, what they sent, and how a page is drawn.

A handler is a plain function from a `Visit` to a response. It runs in a thread; what it
raises becomes a page in the same layout. Whatever changes something is a POST that carries
the form's token, and answers with a redirection, so that reloading repeats nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from adapters.http.pages.french import said_of
from adapters.http.visitors import (
    FORM_FIELD,
    SignInNeeded,
    StaffSignInNeeded,
    Visitor,
    address_of,
    give_token,
    require_own,
    visitor_of,
)
from application import viewing
from application.access.roles import Right, is_allowed
from application.access.sessions import digest_of, new_token
from application.asking import command_of_form
from application.telling import tell
from application.viewing import NothingHere, TermsToAccept
from domain.errors import MetroledgerError

if TYPE_CHECKING:
    from jinja2 import Environment

    from adapters.http.site import Site
    from application.services import Services
    from application.views import Access, Overview

FIELDS_MAX: Final = 20
ONCE_FIELD: Final = "envoi"
"""The field of a form that must not be answered twice: a random text, drawn with it."""

_SERVERS_FAULT: Final = 500

Handler = Callable[["Visit"], Response]


class Elsewhere(Exception):
    """Another page has to be seen first."""

    def __init__(self, address: str) -> None:
        """Take its address here."""
        super().__init__(address)
        self.address = address


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The site and what draws its pages."""

    site: Site
    templates: Environment

    def draw(self, template: str, visitor: Visitor | None, **shown: Any) -> str:  # noqa: ANN401 - what a template shows is its own affair
        """Return a page's HTML; `visitor` None where nobody can be told apart."""
        session = visitor.session if visitor else None
        role = visitor.role if visitor else None
        return self.templates.get_template(template).render(
            signed_in=bool(session and session.account),
            role=role,
            rights={right.name for right in Right if role and is_allowed(role, right)},
            form_field=FORM_FIELD,
            form_token=visitor.form_token if visitor else "",
            once=new_token,
            once_field=ONCE_FIELD,
            **shown,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page; `fields` is what a form sent, each value without control marks."""

    portal: Portal
    request: Request
    visitor: Visitor
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """The site."""
        return self.portal.site

    @property
    def services(self) -> Services:
        """The use cases' parts."""
        return self.portal.site.services

    @property
    def account(self) -> UUID:
        """The account that is signed in; raises `SignInNeeded`."""
        return self.visitor.account

    @property
    def is_signed_in(self) -> bool:
        """Whether a resident is."""
        return bool(self.visitor.session and self.visitor.session.account)

    @property
    def address(self) -> str:
        """Where the visitor comes from, for throttling alone."""
        return address_of(self.site, self.request)

    def asked(self, name: str) -> str:
        """Return what the address asks for, "" where it does not."""
        return self.request.query_params.get(name, "")

    def id(self, name: str) -> UUID:
        """Return an id out of the address; raises `NothingHere`."""
        with contextlib.suppress(ValueError):
            return UUID(self.request.path_params[name])
        raise NothingHere

    def command(self, *about: str) -> UUID:
        """Return the command that this form sends: the same when it is sent a second time."""
        drawn = self.fields.get(ONCE_FIELD, "") or new_token()
        said = (one.encode("utf-8", "replace") for one in about)
        return command_of_form(self.services, self.account, drawn, *said)

    def overview(self) -> Overview:
        """Return the account as it stands, before any terms are looked at."""
        return viewing.overview(self.services, self.account)

    def admitted(self) -> Overview:
        """Return the account; whoever has terms to accept sees these first."""
        try:
            return viewing.admitted(self.services, self.account)
        except TermsToAccept:
            raise Elsewhere("/conditions") from None

    def admitted_to(self, consent: UUID) -> tuple[Overview, Access]:
        """Return the same, with what the account may read of a consent."""
        try:
            return viewing.admitted_to(self.services, self.account, consent)
        except TermsToAccept:
            raise Elsewhere("/conditions") from None

    def page(self, template: str, *, status: int = 200, **shown: Any) -> Response:  # noqa: ANN401 - what a template shows is its own affair
        """Answer with a page."""
        done = self.asked("fait")
        return HTMLResponse(self.portal.draw(template, self.visitor, done=done, **shown), status)

    def go(self, address: str, token: str | None = None) -> Response:
        """Send the browser on, with the token of a new session where one began.

        The session before it ends: nobody goes on with a token that was known before.
        """
        response = RedirectResponse(address, 303)
        if token is not None:
            self.end_session()
            self.give(response, token)
        return response

    def give(self, response: Response, token: str) -> None:
        """Hand out the token of a new session; the one before it is worth nothing."""
        give_token(self.site, response, self.visitor.cookie, token)

    def end_session(self) -> None:
        """End the visitor's session, here and now."""
        self.site.door.store.end_session(digest_of(self.visitor.token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where handlers are put under their addresses."""

    portal: Portal
    router: APIRouter

    def show(self, address: str, handler: Handler) -> None:
        """Answer GET."""

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(answer, self.portal, request, handler)

        self._add(address, "GET", handler, endpoint)

    def act(self, address: str, handler: Handler) -> None:
        """Answer POST, from forms of this very visitor alone."""

        async def endpoint(request: Request) -> Response:
            fields = fields_of(await request.body())
            return await run_in_threadpool(answer, self.portal, request, handler, fields)

        self._add(address, "POST", handler, endpoint)

    def _add(self, address: str, method: str, handler: Handler, endpoint: Any) -> None:  # noqa: ANN401 - a coroutine of one request
        self.router.add_route(address, endpoint, methods=[method], name=handler.__name__)


def answer(
    portal: Portal, request: Request, handler: Handler, fields: dict[str, str] | None = None
) -> Response:
    """Return what a handler answers, or the page of what it raised."""
    visitor: Visitor | None = None
    try:
        visitor = visitor_of(portal.site, request)
        if fields is not None:
            require_own(portal.site, request, visitor, fields.get(FORM_FIELD, ""))
        visit = Visit(portal=portal, request=request, visitor=visitor, fields=fields or {})
        response = handler(visit)
    except StaffSignInNeeded:
        response = RedirectResponse("/agents/connexion", 303)
    except SignInNeeded:
        response = RedirectResponse("/connexion", 303)
    except Elsewhere as other:
        response = RedirectResponse(other.address, 303)
    except MetroledgerError as error:
        response = error_page(portal, error, visitor)
    if visitor is not None and visitor.fresh and "set-cookie" not in response.headers:
        give_token(portal.site, response, visitor.cookie, visitor.token)
    return response


def error_page(portal: Portal, error: Exception, visitor: Visitor | None = None) -> Response:
    """Return a page that says what went wrong, in plain words, and nothing of what was sent."""
    said = said_of(error)
    if said.status >= _SERVERS_FAULT:
        tell("page-failed", logging.ERROR, error=error)
    html = portal.draw("error.html", visitor, said=said)
    return HTMLResponse(html, said.status, headers=said.headers)


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded form, the first of each name; of more than 20, none.

    What is no UTF-8 is replaced, and control characters are dropped: no field of ours has any.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        return {}
    clean = {name: "".join(c for c in value if c.isprintable()) for name, value in reversed(pairs)}
    return {name: value.strip() for name, value in clean.items()}
