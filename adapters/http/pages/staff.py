"""The metropolis's staff: in by a link once, then by password and code; what each role has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import segno

from adapters.http.pages.forms import Form
from adapters.http.visitors import StaffSignInNeeded, take_token
from application.access.door import NotSignedIn
from application.access.passwords import LONGEST, SHORTEST, PasswordUnfit
from application.access.staff import CodeWrong

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

_ERRORS: Final = {
    PasswordUnfit: {
        "mot_de_passe": f"Choisissez un mot de passe de {SHORTEST} à {LONGEST} caractères."
    },
    CodeWrong: {
        "code": "Ce code n’est pas celui de cette clé. Attendez le suivant et tapez-le ; vérifiez "
        "l’heure du téléphone."
    },
}


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/agents", staff_home)
    pages.show("/agents/connexion", sign_in)
    pages.act("/agents/connexion", signed_in)
    pages.act("/agents/deconnexion", sign_out)
    pages.show("/agents/inscription/{ticket}", enrolment)
    pages.act("/agents/inscription/{ticket}", enrolled)


def staff_home(visit: Visit) -> Response:
    """Show what the role has here."""
    if visit.visitor.role is None:
        raise StaffSignInNeeded
    return visit.page("staff.html")


def sign_in(visit: Visit) -> Response:
    """Ask for e-mail, password and code, all at once."""
    if visit.visitor.role is not None:
        return visit.go("/agents")
    return visit.page("staff_sign_in.html", form=Form())


def signed_in(visit: Visit) -> Response:
    """Begin a session; which of the three was wrong is not said."""
    email, password = visit.fields.get("email", ""), visit.fields.get("mot_de_passe", "")
    code = visit.fields.get("code", "")
    try:
        entered = visit.site.staff.sign_in(email, password, code, address=visit.address)
    except NotSignedIn:
        errors = {
            "email": "Adresse, mot de passe et code ne vont pas ensemble, ou le code a déjà servi."
        }
        form = Form({"email": email}, errors)
        return visit.page("staff_sign_in.html", status=401, form=form)
    return visit.go("/agents", entered.token)


def sign_out(visit: Visit) -> Response:
    """End the session, here and now."""
    visit.end_session()
    response = visit.go("/agents/connexion")
    take_token(visit.site, response, visit.visitor.cookie)
    return response


def enrolment(visit: Visit) -> Response:
    """Show the secret for this browser, as a picture and as text, and ask for a code of it."""
    return _enrolment(visit, Form())


def enrolled(visit: Visit) -> Response:
    """Use the link up, begin a session, and show the recovery codes, this once."""
    ticket = visit.request.path_params["ticket"]
    try:
        entered = visit.site.staff.enrol(
            ticket,
            visit.visitor.token,
            password=visit.fields.get("mot_de_passe", ""),
            code=visit.fields.get("code", ""),
        )
    except (PasswordUnfit, CodeWrong) as error:
        return _enrolment(visit, Form({}, _ERRORS[type(error)]), status=422)
    visit.end_session()
    response = visit.page("staff_recovery.html", codes=entered.recovery)
    visit.give(response, entered.token)
    return response


def _enrolment(visit: Visit, form: Form, status: int = 200) -> Response:
    shown = visit.site.staff.enrolment(visit.request.path_params["ticket"], visit.visitor.token)
    picture = segno.make(shown.address, error="m", micro=False)
    svg = picture.svg_inline(scale=5, dark="#000", light="#fff", svgclass=None, lineclass=None)
    return visit.page("staff_enrolment.html", status=status, shown=shown, picture=svg, form=form)
