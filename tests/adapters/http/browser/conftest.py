"""A served portal with its real texts, and the system's own Chromium."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import sync_playwright

from adapters.http.app import create_app, guarded
from adapters.http.serving import served
from application.offices import Text, publish_text
from domain.events.terms import TextKind
from metroledger.bootstrap import administrator
from metroledger.portal import site_of
from tests.application.conftest import founded, site
from tests.application.world import ROOT, Place, Site
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from adapters.http.site import Site as HttpSite
    from metroledger.bootstrap import Installation

__all__ = ["founded", "site"]  # fixtures, taken from where they are made
CHROMIUM: Final = "/usr/bin/chromium"
SWITCHES: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
]
SHOTS: Final = ROOT / "build" / "screenshots"
TEXTS: Final = ROOT / "metroledger" / "texts"


@dataclass(frozen=True)
class Portal:
    """A portal at an address, and what is behind it."""

    url: str
    ledger: Installation
    place: Place
    site: HttpSite

    def publish(self, kind: TextKind, version: str, text: str) -> None:
        wanted = Text(version=version, language="fr", text=text)
        publish_text(self.ledger.services, administrator(self.ledger), kind, wanted)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: no page is looked at")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def portal(bare_portal: Portal) -> Portal:
    """A portal in which nobody is yet, with the texts that ship."""
    for kind, name in (
        (TextKind.TERMS_OF_USE, "terms.fr.txt"),
        (TextKind.CONSENT_WORDING, "consent.fr.txt"),
    ):
        bare_portal.publish(kind, "2", (TEXTS / name).read_text("utf-8"))
    return bare_portal


@pytest.fixture
def bare_portal(site: Site, founded: Place) -> Iterator[Portal]:
    """A portal in which nobody is yet, with the texts of other tests."""
    place = site.copy(founded)
    with place.open() as ledger:
        port = free_ports()
        url = f"http://127.0.0.1:{port}"
        here = site_of(ledger)
        here = replace(
            here,
            public_url=url,
            door=replace(here.door, public_url=url),
            desk=replace(here.desk, services=replace(here.services, public_url=url)),
        )
        with served(guarded(here, create_app(here)), ("127.0.0.1", port)):
            yield Portal(url, ledger, place, here)
    site.drop(place)


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path:
    """Where a test leaves its pictures: build/screenshots, the former ones gone."""
    directory: Path = SHOTS / request.node.name.replace("[", "-").rstrip("]")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
