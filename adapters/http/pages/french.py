"""What went wrong, said to a resident: what happened, whose turn it is, what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from starlette.exceptions import HTTPException

from adapters.http.visitors import Forged
from application.access.roles import NotForThisRole
from application.access.throttle import TooOften
from application.access.tickets import TicketWorthless
from application.erasure import NoCertificate
from application.offices import NoAgreement, NoSuchText
from application.past import NothingHeld
from application.receipts import NothingToProve
from application.viewing import ErasureAwaited, NoLongerShown, NothingHere, PastErased
from domain.aggregates.account import AccountErasedAlready, AccountInactive, AccountUnderErasure
from domain.aggregates.leaving import (
    HeldNow,
    IdentityNotChecked,
    NoErasureRequested,
    OtherEyesNeeded,
    PastHeld,
)
from domain.errors import MetroledgerError, Unavailable
from domain.policies.account import TermsNotCurrent
from domain.policies.consent import ConsentAlreadyLives
from domain.policies.evidence import WordingNotPublished

RETRY_S: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An error as a page says it."""

    status: int
    title: str
    words: str
    headers: dict[str, str] = field(default_factory=dict)


_TITLES: Final = {
    401: "Connectez-vous d’abord",
    403: "Cette page ne s’ouvre pas",
    404: "Il n’y a rien à cette adresse",
    405: "Cette adresse ne s’ouvre pas ainsi",
    409: "Ce n’est pas possible en l’état",
    410: "Ce lien ne fonctionne plus",
    413: "L’envoi est trop long",
    429: "Trop d’essais à la suite",
    500: "Une erreur s’est produite chez nous",
    503: "Le service ne répond pas pour le moment",
}
_WORDS: Final = {
    403: "Revenez à l’accueil, et recommencez depuis une page de ce site.",
    404: "L’adresse est peut-être mal recopiée, ou ce qui s’y trouvait n’est pas à vous.",
    500: "Elle est notée, et quelqu’un s’en occupe. Rien de ce que vous avez fait n’est perdu.",
    503: "Réessayez dans quelques secondes : rien n’est perdu.",
}
_ELSE: Final = "Revenez à l’accueil et réessayez ; si cela persiste, écrivez-nous."

_KNOWN: Final[dict[type[MetroledgerError], str]] = {
    Forged: "Votre session est terminée, ou l’envoi ne vient pas d’une page de ce site : rien "
    "n’a été fait. Connectez-vous à nouveau et recommencez.",
    TicketWorthless: "Il a déjà servi, ou il est trop ancien. Demandez-en un nouveau.",
    NotForThisRole: "Elle n’est pas dans ce que votre rôle vous permet. Si vous en avez besoin, "
    "demandez à qui administre le serveur.",
    IdentityNotChecked: "Vérifiez d’abord que la demande vient bien de la personne, et notez "
    "comment.",
    HeldNow: "Cette demande est suspendue. Levez d’abord la suspension.",
    OtherEyesNeeded: "Ici, un effacement demande deux personnes : vous avez vérifié l’identité, "
    "une autre valide.",
    NoErasureRequested: "Cette demande n’attend plus de réponse. Rechargez la liste.",
    NothingHere: "L’adresse est peut-être mal recopiée, ou ce qui s’y trouvait n’est pas à vous.",
    ErasureAwaited: "Vous avez demandé l’effacement de votre compte : rien n’est montré tant "
    "que la demande attend sa réponse. Ce qui est gardé peut être emporté depuis « Mes données ».",
    NoLongerShown: "Cet accord est terminé : rien n’est plus montré sous cet accord. Ce qui est "
    "encore conservé reste à vous : vous pouvez l’emporter ou le faire effacer.",
    PastErased: "Ce qui a été mesuré sous cet accord est effacé, comme vous l’avez demandé. Pour "
    "suivre ce compteur à nouveau, redonnez un accord.",
    NothingHeld: "Rien de ce qui a été mesuré à ce compteur n’est conservé : il n’y a rien à "
    "effacer.",
    PastHeld: "Une obligation de conserver vos données court : rien n’est effacé pour le moment. "
    "La page de votre demande d’effacement dit laquelle. Vous pouvez arrêter la collecte.",
    NothingToProve: "Il n’y a pas de reçu à donner ici.",
    NoCertificate: "Il n’y a pas de certificat : rien n’est encore effacé sous cette demande.",
    NoAgreement: "La Métropole n’a pas de convention en vigueur avec ce gestionnaire : rien ne "
    "peut être demandé pour le moment.",
    NoSuchText: "Le texte n’est pas encore publié. Revenez plus tard.",
    AccountInactive: "Acceptez d’abord les conditions d’utilisation.",
    AccountUnderErasure: "L’effacement de votre compte est en cours : rien d’autre n’est possible.",
    AccountErasedAlready: "Ce compte est effacé.",
    TermsNotCurrent: "Ces conditions viennent de changer. Lisez la nouvelle version d’abord.",
    WordingNotPublished: "Ce texte n’est plus celui qui vous a été montré. Relisez-le d’abord.",
    ConsentAlreadyLives: "Vous avez déjà donné cet accord : il est en cours.",
}


def said_of(error: Exception) -> Said:
    """Return what a page says of an error; never anything that was sent."""
    status = _status(error)
    headers = {}
    words = _KNOWN.get(type(error), _WORDS.get(status, _ELSE))  # type: ignore[arg-type]  # strangers are not in it
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_S)
    if isinstance(error, TooOften):
        minutes = -(-error.retry_after_s // 60)
        words = f"Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}."
        headers["Retry-After"] = str(error.retry_after_s)
    return Said(
        status=status, title=_TITLES.get(status, _TITLES[409]), words=words, headers=headers
    )


def _status(error: Exception) -> int:
    if isinstance(error, MetroledgerError):
        return error.status
    return error.status_code if isinstance(error, HTTPException) else 500
