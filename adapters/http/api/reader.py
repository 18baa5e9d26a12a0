"""Who is at the door, and what every handler is given: the site, the reader, the key, the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel

from adapters.http.api.fields import Cursor, Key
from adapters.http.api.route import read
from adapters.http.site import Site
from adapters.http.visitors import HEADER, Visitor, require_own, visitor_of
from application import viewing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Model = TypeVar("Model", bound=BaseModel)

_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Sent(Generic[Model]):
    """A body: what it says, and its one spelling."""

    told: Model
    spelling: bytes


async def within(request: Request) -> Site:
    """Return the site."""
    site: Site = request.app.state.site
    return site


def body(model: type[Model]) -> Callable[[Request], Awaitable[Sent[Model]]]:
    """Return what reads a body as a model."""

    async def sent(request: Request) -> Sent[Model]:
        return Sent(*await read(request, model))

    return sent


Within = Annotated[Site, Depends(within)]


def visitor(request: Request, site: Within) -> Visitor:
    """Return who asks; raises `Forged` for a write that carries no token of theirs."""
    found = visitor_of(site, request)
    if request.method not in _SAFE and found.session is not None:
        require_own(site, request, found, request.headers.get(HEADER, ""))
    return found


def reader(found: Annotated[Visitor, Depends(visitor)]) -> UUID:
    """Return the account that is signed in; raises `SignInNeeded`."""
    return found.account


Visiting = Annotated[Visitor, Depends(visitor)]
Reader = Annotated[UUID, Depends(reader)]
IdempotencyKey = Annotated[
    Key,
    Header(
        alias="Idempotency-Key",
        description="Your own name of this write: the same again is the same write, done once.",
    ),
]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list: from which cursor on, how many items at most."""

    cursor: str | None
    limit: int


async def page(
    cursor: Annotated[
        Cursor | None, Query(description="Where the page begins: `next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 400,
) -> Page:
    """Return which page is asked for."""
    return Page(cursor, limit)


def under_terms(site: Within, account: Reader) -> None:
    """Let pass who has accepted the terms in force; raises `TermsToAccept`."""
    viewing.admitted(site.services, account)


Paging = Annotated[Page, Depends(page)]
UNDER_TERMS: Final = [Depends(under_terms)]
"""Of what waits for the terms in force; a withdrawal, an export and an erasure never do."""
