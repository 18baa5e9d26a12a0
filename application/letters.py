"""Letters about an erasure request: one for each thing that happened to it, whoever died meanwhile.

A reaction: the event is on the ledger, so the letter is owed. Which were sent is on the ledger too,
and read before writing: a database that was folded anew writes to nobody twice. A kill between a
letter and its event sends that one again: twice is better than never. It covers whatever way the
event took, a request that waited for the log as well.

A request to erase a meter's past is confirmed the same way (`application.past`). Each letter holds
a link that follows its request without signing in: it outlives the account, and shows dates and
nothing else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.access.tickets import Errand, Ticket, TicketWorthless, issue, redeem
from application.following import requests_of, steps_of
from application.mail import Letter
from application.services import new_id
from application.telling import tell
from domain.aggregates import account, letters
from domain.aggregates.account import AccountStatus
from domain.aggregates.leaving import NoErasureRequested
from domain.errors import Refused, Unavailable
from domain.events import Change
from domain.events.account import (
    ErasureHeld,
    ErasureHoldLifted,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
)
from domain.events.destruction import PastErasureRequested
from domain.events.letter import LetterSent
from domain.values import month_after
from ledger.frames import key_id_of, open_event

if TYPE_CHECKING:
    from application.following import Step
    from application.services import Services
    from application.transact import Loading
    from domain.events import Event
    from keys.redaction import Redacted
    from projections.requests import Request

FOLLOWED_FOR: Final = timedelta(days=400)
"""How long a link to follow a request works: the month, the law's two more, and a year."""

LASTS: Final = timedelta(days=2)
"""How long a letter is worth sending, where the mail server takes none."""

OWED_FOR: Final = timedelta(days=31)
"""How long after an event its letter is still written."""

TOPICS: Final = frozenset(
    {
        ErasureRequested.TOPIC,
        ErasureHeld.TOPIC,
        ErasureHoldLifted.TOPIC,
        ErasureTakenBack.TOPIC,
        ErasureRefused.TOPIC,
        ErasureValidated.TOPIC,
        PastErasureRequested.TOPIC,
    }
)
"""What somebody is written to about."""

MARKS: Final = tuple(f'"type":"{topic}"'.encode() for topic in sorted(TOPICS))
"""What marks the leaves of such events."""

_CNIL: Final = "adresser une réclamation à la CNIL (www.cnil.fr)."
_FOOT: Final = "\n\nMétroEnergies, le suivi des consommations de la Métropole\n"


@dataclass(frozen=True, slots=True)
class Words:
    """What a letter says."""

    subject: str
    text: str
    last: bool = False


class LetterOwed(Unavailable):
    """The post did not take a letter; it is owed still."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "a letter about an erasure request could not be handed over nor kept, and is owed "
            "still: look at the mail server, and at the room on the disk of the outbox"
        )


def write_due(services: Services, account_id: UUID) -> int:
    """Write an account's holder every letter that is owed; return how many were written.

    Raises `LetterOwed` at the first that the post does not take.
    """
    state = services.ledger.load(account, account_id).state
    if state.opened is None:
        return 0  # erased meanwhile: there is nobody left to write to
    sent = services.ledger.load(letters, letters_id(account_id)).state.about
    oldest, written, made = services.clock() - OWED_FOR, 0, None
    for step in steps_of(services, account_id, TOPICS):
        if step.leaf.type == ErasureRequested.TOPIC:
            made = step.leaf.event
        if step.leaf.event in sent or step.private.at < oldest:
            continue
        event = _opened(services, step)
        words, follow = _words(event), _way(services, account_id, event, made)
        if words is not None and follow is not None:
            _send(services, _letter(state.opened.email, words, follow))
            _note(services, account_id, step.leaf.event)
            written += 1
    return written


def drop_letters(services: Services, account_id: UUID) -> None:
    """Drop the letters to an account's holder that lie here, but the last one.

    No index of letters by person is kept: they are known by the address, while it is known.
    """
    opened = services.ledger.load(account, account_id).state.opened
    if opened is not None:
        try:
            services.post.forget(opened.email)
        except OSError as error:  # they are gone after two days, and the certificate says so
            tell("letters-not-dropped", logging.WARNING, error=error, account=account_id)


def link(services: Services, account_id: UUID) -> str:
    """Return the address by which an account's last request is followed without signing in.

    Raises `NoErasureRequested` where it made none.
    """
    made = next(reversed(requests_of(services, account_id)), None)
    if made is None:
        raise NoErasureRequested(account_id)
    return _link(services, account_id, made)


def link_to_past(services: Services, account_id: UUID, request: UUID) -> str:
    """Return the address by which a request to erase a meter's past is followed likewise."""
    until_s = int((services.clock() + FOLLOWED_FOR).timestamp())
    ticket = issue(services, Ticket(Errand.FOLLOW_PAST, f"{account_id} {request}", until_s))
    return f"{services.public_url}/effacement/passe/suivi/{ticket}"


def followed(services: Services, ticket_text: str) -> Request:
    """Return the request that a link follows, as it stands; raises `TicketWorthless`.

    That very request, whatever its account asked for afterwards.
    """
    ticket = redeem(services, ticket_text, Errand.FOLLOW)
    found = requests_of(services, UUID(ticket.subject))
    request = {made.bytes: one for made, one in found.items()}.get(ticket.binding)
    if request is None:
        raise TicketWorthless
    return request


def letters_id(account_id: UUID) -> UUID:
    """Return the stream of the letters to an account's holder.

    Derived from the account's random 128 bits, so nobody can search for it.
    """
    return UUID(bytes=blake2b(account_id.bytes, digest_size=16, person=b"letters").digest())


def _link(services: Services, account_id: UUID, made: UUID) -> str:
    until_s = int((services.clock() + FOLLOWED_FOR).timestamp())
    ticket = issue(services, Ticket(Errand.FOLLOW, str(account_id), until_s, made.bytes))
    return f"{services.public_url}/effacement/suivi/{ticket}"


def _way(
    services: Services, account_id: UUID, event: Event | Redacted, made: UUID | None
) -> str | None:
    """Return the link to the request that an event is of; `made` is the account's own last one."""
    if isinstance(event, PastErasureRequested):
        return link_to_past(services, account_id, event.request)
    return None if made is None else _link(services, account_id, made)


def _letter(address: str, words: Words, follow: str) -> Letter:
    way = f"Suivre la demande, sans vous connecter :\n\n{follow}"
    return Letter(
        to=address,
        subject=words.subject,
        text=f"Bonjour,\n\n{words.text}\n\n{way}{_FOOT}",
        lasts=LASTS,
        last=words.last,
    )


def _send(services: Services, letter: Letter) -> None:
    try:
        services.post.send(letter)
    except (Unavailable, OSError) as error:
        raise LetterOwed from error


def _opened(services: Services, step: Step) -> Event | Redacted:
    key = key_id_of(step.frame)
    keys = services.keys.fetch([key]) if key else {}
    return open_event(step.frame, step.header, keys, services.register.read().ordered).event


def _note(services: Services, account_id: UUID, about: UUID) -> None:
    """Write down that a letter was sent; of whom nothing can be kept any more, nothing is."""
    stream = letters_id(account_id)

    def decide(load: Loading) -> list[Change]:
        if load(account, account_id).state.status is AccountStatus.ERASED:
            return []
        events = letters.send(load(letters, stream).state, LetterSent(about=about))
        return [Change(stream=stream, event=event, subject=account_id) for event in events]

    try:
        services.ledger.transact(new_id(), decide, context=services.context())
    except Refused as error:
        tell("letter-not-noted", logging.WARNING, error=error, account=account_id)


def _words(event: Event | Redacted) -> Words | None:
    match event:
        case ErasureRequested():
            return Words(
                "Votre demande d’effacement est enregistrée",
                "Vous avez demandé l’effacement de votre compte. La Métropole vérifie que la "
                "demande vient de vous, et répond au plus tard le "
                f"{month_after(event.requested_at):%d/%m/%Y}."
                "\n\nVous pouvez la reprendre tant qu’elle attend : connectez-vous, puis « Tout "
                "arrêter ».",
            )
        case ErasureTakenBack():
            return Words(
                "Votre demande d’effacement est reprise",
                "Vous avez repris votre demande d’effacement : rien n’est effacé, et vos accords "
                "restent ce qu’ils étaient.",
            )
        case ErasureValidated():
            return Words(
                "Votre effacement est accepté",
                "Votre demande d’effacement est acceptée. Vos accords sont retirés et les clés de "
                "vos données détruites dans les minutes qui viennent : c’est la dernière lettre "
                "que nous pouvons vous écrire, votre adresse est effacée avec le reste. Le lien "
                "ci-dessous vous donnera le certificat de l’effacement.",
                last=True,
            )
        case PastErasureRequested():
            return Words(
                "Le passé d’un de vos compteurs va être effacé",
                "Vous avez demandé d’effacer ce qui a été mesuré à un de vos compteurs. La "
                "collecte y est arrêtée, et les clés de ces mesures sont détruites dans les "
                "minutes qui viennent. Votre compte et vos autres compteurs restent ce qu’ils "
                "sont.\n\nSi ce n’est pas vous, changez votre mot de passe, et écrivez-nous.",
            )
        case ErasureRefused() | ErasureHeld() | ErasureHoldLifted():
            return _reasoned(event)
        case _:
            return None


def _reasoned(event: ErasureRefused | ErasureHeld | ErasureHoldLifted) -> Words:
    match event:
        case ErasureRefused():
            return Words(
                "Votre demande d’effacement est refusée",
                f"Motif : {event.reason}\n\nVous pouvez demander à nouveau, ou {_CNIL}",
            )
        case ErasureHeld():
            return Words(
                "Votre demande d’effacement est suspendue",
                f"Motif : {event.reason}\n\nVotre demande reste enregistrée, et reprend dès que "
                f"ce motif n’existe plus. Vous pouvez {_CNIL}",
            )
        case ErasureHoldLifted():
            return Words(
                "Votre demande d’effacement reprend son cours",
                "Plus rien ne suspend votre demande d’effacement.",
            )
