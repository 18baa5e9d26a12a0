"""The letters that the door sends, in French, as plain text."""

from __future__ import annotations

from application.mail import Letter

_FOOT = """

Vous n’êtes pas à l’origine de cette demande ? Ignorez ce message : rien n’a été fait.

MétroEnergies, le suivi des consommations de la Métropole
"""


def welcome(email: str, link: str) -> Letter:
    """Return the letter that lets somebody go on signing up."""
    return Letter(
        to=email,
        subject="Confirmez votre adresse pour créer votre compte",
        text="Bonjour,\n\nPour créer votre compte, ouvrez ce lien dans les deux heures :"
        f"\n\n{link}{_FOOT}",
    )


def already_known(email: str, link: str) -> Letter:
    """Return the letter for somebody who signs up and has an account."""
    return Letter(
        to=email,
        subject="Vous avez déjà un compte",
        text="Bonjour,\n\nUne inscription vient d’être demandée avec votre adresse, et vous avez "
        f"déjà un compte. Connectez-vous ici :\n\n{link}\n\nMot de passe oublié ? La même page "
        f"vous permet d’en choisir un nouveau.{_FOOT}",
    )


def new_password(email: str, link: str) -> Letter:
    """Return the letter that lets somebody choose a new password."""
    return Letter(
        to=email,
        subject="Choisissez un nouveau mot de passe",
        text="Bonjour,\n\nPour choisir un nouveau mot de passe, ouvrez ce lien dans les deux "
        f"heures :\n\n{link}\n\nIl ne sert qu’une fois.{_FOOT}",
    )
