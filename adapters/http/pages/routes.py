"""The portal's pages under their addresses: `router(site)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from adapters.http.pages import (
    collection,
    consents,
    consuming,
    erasing,
    homes,
    joining,
    leaving,
    papers,
    past,
    record,
    sharing,
    staff,
)
from adapters.http.pages.assets import read_assets
from adapters.http.pages.frame import Pages, Portal
from adapters.http.pages.rendering import environment

if TYPE_CHECKING:
    from adapters.http.site import Site

_PARTS = (
    consuming,
    homes,
    consents,
    joining,
    papers,
    sharing,
    leaving,
    past,
    staff,
    collection,
    erasing,
    record,
)
"""In the order in which addresses are tried: what is asked for most stands first."""


def portal_of(site: Site) -> tuple[Portal, APIRouter]:
    """Return what draws a site's pages, and their routes."""
    assets = read_assets(site)
    portal = Portal(site=site, templates=environment(site, assets))
    pages = Pages(portal=portal, router=APIRouter())
    for part in _PARTS:
        part.add(pages)
    pages.router.include_router(assets.router())
    return portal, pages.router
