"""The API's routes: `router(site)`, and the document that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from adapters.http.api import account, consents, consuming, export, meters, past, public
from adapters.http.api.answers import JSON, PUBLIC, sent
from adapters.http.api.commands import ROOT
from adapters.http.api.documents import document
from adapters.http.api.problems import PATH, explain

if TYPE_CHECKING:
    from adapters.http.site import Site

_PARTS = (account, meters, past, consents, consuming, export, public)


def router(site: Site) -> APIRouter:
    """Return the API's routes over a site, its document, and a page for each problem."""
    api = APIRouter()
    for part in _PARTS:
        api.include_router(part.router, prefix=ROOT)
    described = msgspec.json.encode(document(api.routes))

    def openapi(request: Request) -> Response:
        return sent(request, site.services, described, media_type=JSON, headers=PUBLIC)

    api.add_api_route(f"{ROOT}/openapi.json", openapi, include_in_schema=False)
    api.add_api_route(PATH + "{name}", explain, include_in_schema=False)
    return api
