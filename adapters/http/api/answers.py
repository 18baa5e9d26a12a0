"""How a read is answered: tagged, so that it need not be sent twice, and page by page.

A tag is a keyed digest of the bytes: equal bytes, equal tags, and nobody without the
territory's key can try what somebody else's answer was. A cursor is where the next page of
the reader's own list begins (one of its ids, a day), never a count of anything.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import Response

from adapters.http.api.problems import Invalid
from domain.errors import Refused
from keys.names import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import Request
    from pydantic import BaseModel

    from adapters.http.api.reader import Page
    from application.services import Services

PRIVATE: Final = {"Cache-Control": "no-store", "Vary": "Cookie"}
PUBLIC: Final = {"Cache-Control": "public, max-age=60"}
JSON: Final = "application/json"

Item = TypeVar("Item")


class Changed(Refused):
    """What was to be changed is not as the request's If-Match says."""

    status = 412

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("this has changed since you read it; read it again, then decide")


def shown(request: Request, services: Services, model: BaseModel) -> Response:
    """Answer with what is the reader's own: never stored on the way, 304 where they have it."""
    return sent(request, services, model.model_dump_json().encode(), media_type=JSON)


def published(request: Request, services: Services, model: BaseModel) -> Response:
    """Answer with what is everybody's."""
    content = model.model_dump_json().encode()
    return sent(request, services, content, media_type=JSON, headers=PUBLIC)


def sent(
    request: Request,
    services: Services,
    content: bytes,
    *,
    media_type: str,
    headers: dict[str, str] = PRIVATE,
) -> Response:
    """Answer with bytes and their tag, or with 304 to whoever has them."""
    tag = tag_of(services, content)
    told = {**headers, "ETag": tag}
    if _names(request.headers.get("If-None-Match"), tag):
        return Response(status_code=304, headers=told)
    return Response(content, media_type=media_type, headers=told)


def tag_of(services: Services, content: bytes) -> str:
    """Return the strong entity tag of some bytes."""
    secret = services.territory_key(Purpose.REACTIONS).secret
    return f'"{blake2b(content, digest_size=16, key=secret, person=b"entity tag").hexdigest()}"'


def require_unchanged(request: Request, services: Services, present: Callable[[], Any]) -> None:
    """Raise `Changed` where the request names a tag that is not that of what is there now."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    tag = tag_of(services, present().model_dump_json().encode())
    if not _names(wanted, tag, strongly=True):
        raise Changed


def page_of(
    items: Sequence[Item], position: Callable[[Item], str], page: Page
) -> tuple[Sequence[Item], str | None]:
    """Return the items of a page, and the next page's cursor.

    Raises `Invalid` for a cursor that is not the place of one of these items.
    """
    start = 0
    if page.cursor is not None:
        places = [position(item) for item in items]
        try:
            start = places.index(_decode(page.cursor))
        except ValueError:
            raise Invalid((("cursor", "no page of this list begins there"),)) from None
    end = start + page.limit
    following = _encode(position(items[end])) if end < len(items) else None
    return items[start:end], following


def _encode(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError from None


def _names(header: str | None, tag: str, *, strongly: bool = False) -> bool:
    """Tell whether a list of entity tags holds one (RFC 9110, 13.1)."""
    if header is None:
        return False
    named = {one.strip() for one in header.split(",")}
    if not strongly:
        named = {one.removeprefix("W/") for one in named}
    return "*" in named or tag in named
