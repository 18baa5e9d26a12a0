"""What a notice of an erasure says, in French: stop, erase, and acknowledge by its reference.

The meter is named in the letter's text alone: no header, no file name and no log line has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.mail import Letter
from domain.events.notice import Addressee, Occasion
from domain.values import Fluid

if TYPE_CHECKING:
    from uuid import UUID

    from application.mail import Correspondents
    from application.notices import Named, Told

_NUMBERS: Final = {Fluid.ELECTRICITY: "PRM", Fluid.GAS: "PCE"}
"""What operators call the number of a point."""

_SUBJECTS: Final = {
    Occasion.FIRST: "Effacement à répercuter",
    Occasion.REMINDER: "Rappel : effacement à répercuter",
    Occasion.DATA_CAME: "Données reçues après un effacement",
}
_BEGINNINGS: Final = {
    Occasion.FIRST: "",
    Occasion.REMINDER: "Nous vous avons déjà écrit à ce sujet, et n’avons pas reçu de réponse.\n\n",
    Occasion.DATA_CAME: "Depuis notre dernière lettre, vous nous avez encore transmis des données "
    "de ce point. Nous les avons refusées, et n’en avons rien gardé.\n\n",
}
_GROUND: Final = (
    "Une personne a obtenu l’effacement de ses données (règlement (UE) 2016/679, articles 17 et "
    "19). Les accords sur lesquels reposaient nos échanges n’existent plus."
)
_ASKED: Final = {
    Addressee.OPERATOR: (
        "de ne plus nous transmettre de données au titre de ces accords",
        "d’effacer ce que vous ne gardez que pour nous les transmettre",
    ),
    Addressee.RECIPIENT: (
        "de ne plus utiliser les données que nous vous avons communiquées",
        "de les effacer, avec leurs copies",
    ),
}
_SHARED: Final = " (l’accord d’une autre personne y reste en vigueur : il n’est pas concerné)"


def letter_of(
    reference: UUID, told: Told, occasion: Occasion, correspondents: Correspondents
) -> Letter:
    """Return a notice as a letter; raises `KeyError` of whom no address is known."""
    return Letter(
        to=correspondents.addresses[told.recipient],
        subject=f"{_SUBJECTS[occasion]} (référence {reference})",
        text=text_of(reference, told, occasion, correspondents.answers_to),
    )


def text_of(reference: UUID, told: Told, occasion: Occasion, answers_to: str) -> str:
    """Return what a notice says."""
    stop, erase = _ASKED[told.addressee]
    points = "\n".join(f"- {_point(one)}" for one in told.points)
    return (
        f"Bonjour,\n\n{_BEGINNINGS[occasion]}{_GROUND}\n\nSont concernés :\n\n{points}\n\n"
        f"Nous vous demandons :\n\n1. {stop} ;\n2. {erase}, sauf ce qu’une loi vous oblige à "
        f"garder ;\n3. d’en accuser réception à {answers_to}, en citant la référence "
        f"{reference}.\n\nSans réponse, nous vous écrirons de nouveau.\n\n"
        "MétroEnergies, le suivi des consommations de la Métropole\n"
    )


def _point(named: Named) -> str:
    called = _NUMBERS.get(named.fluid, "point")
    return f"{called} {named.number}{_SHARED if named.shared else ''}"
