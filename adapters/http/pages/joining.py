"""From a stranger to somebody signed in, and out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.background import BackgroundTask

from adapters.http.pages.forms import Form
from adapters.http.visitors import take_token
from application.access.door import EmailUnfit, NameUnfit, NotSignedIn
from application.access.passwords import LONGEST, SHORTEST, PasswordUnfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

_EMAIL = "Donnez une adresse complète, par exemple camille@exemple.fr."
_PASSWORD = f"Choisissez un mot de passe de {SHORTEST} à {LONGEST} caractères."


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/", home)
    pages.show("/inscription", ask)
    pages.act("/inscription", asked)
    pages.show("/inscription/{ticket}", join)
    pages.act("/inscription/{ticket}", joined)
    pages.show("/connexion", sign_in)
    pages.act("/connexion", signed_in)
    pages.act("/deconnexion", sign_out)
    pages.show("/mot-de-passe-oublie", forgotten)
    pages.act("/mot-de-passe-oublie", remembered)
    pages.show("/nouveau-mot-de-passe/{ticket}", choose)
    pages.act("/nouveau-mot-de-passe/{ticket}", chosen)


def home(visit: Visit) -> Response:
    """Say what this is, to a stranger; lead everybody else home."""
    return visit.go("/accueil") if visit.is_signed_in else visit.page("home.html")


def ask(visit: Visit) -> Response:
    """Ask for an e-mail."""
    return visit.page("sign_up.html", form=Form())


def asked(visit: Visit) -> Response:
    """Answer the same whether the e-mail has an account or not; the letter says the rest."""
    return _write_to(visit, visit.site.door.ask_to_sign_up, "sign_up")


def join(visit: Visit) -> Response:
    """Ask whoever follows the letter's link for a name and a password."""
    visit.site.door.require_sign_up(visit.request.path_params["ticket"])
    return visit.page("sign_up_end.html", form=Form())


def joined(visit: Visit) -> Response:
    """Open the account."""
    try:
        token = visit.site.door.sign_up(
            visit.request.path_params["ticket"],
            name=visit.fields.get("nom", ""),
            password=visit.fields.get("mot_de_passe", ""),
            language="fr",
        )
    except NameUnfit:
        errors = {"nom": "Donnez votre nom, en 100 caractères au plus."}
    except PasswordUnfit:
        errors = {"mot_de_passe": _PASSWORD}
    else:
        return visit.go("/conditions", token)
    return visit.page("sign_up_end.html", status=422, form=Form(visit.fields, errors))


def sign_in(visit: Visit) -> Response:
    """Ask for e-mail and password."""
    return visit.go("/accueil") if visit.is_signed_in else visit.page("sign_in.html", form=Form())


def signed_in(visit: Visit) -> Response:
    """Begin a session; which of the two was wrong is not said."""
    email, password = visit.fields.get("email", ""), visit.fields.get("mot_de_passe", "")
    try:
        token = visit.site.door.sign_in(email, password, address=visit.address)
    except NotSignedIn:
        errors = {"email": "Cette adresse et ce mot de passe ne vont pas ensemble."}
        form = Form(visit.fields, errors)
        return visit.page("sign_in.html", status=401, form=form)
    return visit.go("/accueil", token)


def sign_out(visit: Visit) -> Response:
    """End the session, here and now."""
    visit.end_session()
    response = visit.go("/")
    take_token(visit.site, response, visit.visitor.cookie)
    return response


def forgotten(visit: Visit) -> Response:
    """Ask for the e-mail of an account."""
    return visit.page("forgotten.html", form=Form())


def remembered(visit: Visit) -> Response:
    """Answer the same whether it has an account or not."""
    return _write_to(visit, visit.site.door.ask_for_new_password, "forgotten")


def _write_to(visit: Visit, ask: Callable[..., Callable[[], None]], why: str) -> Response:
    """Ask the door for a letter, to be written after the answer, which tells nothing."""
    try:
        write = ask(visit.fields.get("email", ""), address=visit.address)
    except EmailUnfit:
        form = Form(visit.fields, {"email": _EMAIL})
        return visit.page(f"{why}.html", status=422, form=form)
    response = visit.page("letter_sent.html", why=why)
    response.background = BackgroundTask(write)
    return response


def choose(visit: Visit) -> Response:
    """Ask for a new password."""
    visit.site.door.require_new_password(visit.request.path_params["ticket"])
    return visit.page("new_password.html", form=Form())


def chosen(visit: Visit) -> Response:
    """Change the password; every other session ends."""
    ticket, password = visit.request.path_params["ticket"], visit.fields.get("mot_de_passe", "")
    try:
        token = visit.site.door.choose_new_password(ticket, password)
    except PasswordUnfit:
        form = Form({}, {"mot_de_passe": _PASSWORD})
        return visit.page("new_password.html", status=422, form=form)
    return visit.go("/accueil?fait=mot-de-passe", token)
