"""Texts: the terms of use with their yes and no, and what the law wants said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi.responses import PlainTextResponse

from application.offices import current_text
from application.residents import accept
from domain.events.terms import TextKind

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

LANGUAGE: Final = "fr"


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/conditions", terms)
    pages.act("/conditions", answered)
    pages.show("/conditions/refus", refused)
    pages.show("/mentions-legales", legal)
    pages.show("/accessibilite", accessibility)
    pages.show("/donnees-personnelles", privacy)
    pages.show("/cle-publique", public_key)


def terms(visit: Visit) -> Response:
    """Show the terms in force; whoever is signed in and has not accepted them may."""
    text = current_text(visit.services, TextKind.TERMS_OF_USE, language=LANGUAGE)
    seen = visit.overview() if visit.is_signed_in else None
    asked = seen is not None and seen.must_accept
    before = seen.terms_accepted if seen else None
    return visit.page("terms.html", text=text, asked=asked, before=before)


def answered(visit: Visit) -> Response:
    """Keep a yes to the version that was shown; a no changes nothing and leads on."""
    if visit.fields.get("reponse") != "accepter":
        visit.account  # noqa: B018 - raises for whoever is not signed in
        return visit.go("/conditions/refus")
    version = visit.fields.get("version", "")
    accept(visit.services, visit.account, version=version, language=LANGUAGE)
    return visit.go("/accueil")


def refused(visit: Visit) -> Response:
    """Say what can be done without the terms: take the data away, be erased, come back."""
    return visit.page("terms_refused.html", seen=visit.overview())


def legal(visit: Visit) -> Response:
    """Say who publishes this."""
    return visit.page("legal.html")


def accessibility(visit: Visit) -> Response:
    """Say how accessible it is, and whom to write to."""
    return visit.page("accessibility.html")


def privacy(visit: Visit) -> Response:
    """Say what becomes of personal data, and whom to write to."""
    return visit.page("privacy.html")


def public_key(visit: Visit) -> Response:
    """Hand out the log's public key, which verifies every receipt."""
    return PlainTextResponse(
        visit.site.verifier.encode() + "\n",
        headers={"Content-Disposition": 'attachment; filename="log.vkey"'},
    )
