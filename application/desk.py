"""The desk: where an erasure is asked for and answered, and whoever asked is told.

Each answer is on the ledger before a letter says so. The letters hold a link by which a request
is followed without signing in: it outlives the account, and shows dates and nothing else.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application import answering, erasure, past
from application.access.tickets import Errand, Ticket, TicketWorthless, issue, redeem
from application.inbox import ask_erasure, drain
from application.mail import Letter
from application.residents import resident
from application.services import new_id
from domain.aggregates import account
from domain.errors import Unavailable
from domain.values import month_after

if TYPE_CHECKING:
    from application.mail import Post
    from application.past import Stage
    from application.services import Services
    from domain.values import Actor
    from projections.requests import Request

FOLLOWED_FOR: Final = timedelta(days=400)
"""How long a link to follow a request works: the month, the law's two more, and a year."""

LETTERS_LAST: Final = timedelta(days=2)
"""How long a letter is worth sending, where the mail server takes none."""

_FOOT: Final = "\n\nMétroEnergies, le suivi des consommations de la Métropole\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the desk needs: the ledger, the post, and where the portal is."""

    services: Services
    post: Post
    public_url: str

    def request(self, account_id: UUID, *, command: UUID | None = None) -> None:
        """Ask for an erasure in the holder's name; a letter confirms it. A pending one stands.

        Raises `TakenDown` where the log does not answer: it was asked for all the same.
        """
        sent = command or new_id()
        ask_erasure(self.services, account_id, sent, lambda: self._request(account_id, sent))

    def _request(self, account_id: UUID, command: UUID) -> None:
        before = self.services.ledger.load(account, account_id).state
        erasure.request(self.services, account_id, resident(account_id), command=command)
        state = self.services.ledger.load(account, account_id).state
        if state.request == before.request or state.requested_at is None:
            return
        self._tell(
            account_id,
            "Votre demande d’effacement est enregistrée",
            "Vous avez demandé l’effacement de votre compte. La Métropole vérifie que la demande "
            f"vient de vous, et répond au plus tard le {month_after(state.requested_at):%d/%m/%Y}."
            "\n\nVous pouvez la reprendre tant qu’elle attend : connectez-vous, puis « Tout "
            "arrêter ».",
        )

    def take_back(self, account_id: UUID) -> None:
        """Take the request back in the holder's name; a letter confirms it.

        One that waits for the log goes there first. Raises `Unavailable` while it cannot.
        """
        drain(self.services)
        if answering.take_back(self.services, account_id):
            self._tell(
                account_id,
                "Votre demande d’effacement est reprise",
                "Vous avez repris votre demande d’effacement : rien n’est effacé, et vos accords "
                "restent ce qu’ils étaient.",
            )

    def validate(self, account_id: UUID, actor: Actor) -> None:
        """Validate; the person is told while there still is an address to write to."""
        if erasure.validate(self.services, account_id, actor):
            self._tell(
                account_id,
                "Votre effacement est accepté",
                "Votre demande d’effacement est acceptée. Vos accords sont retirés et les clés de "
                "vos données détruites dans les minutes qui viennent : c’est la dernière lettre "
                "que nous pouvons vous écrire, votre adresse est effacée avec le reste.",
            )

    def refuse(self, account_id: UUID, actor: Actor, *, reason: str) -> None:
        """Refuse with a reason, which the person is told, and where they can complain."""
        if answering.refuse(self.services, account_id, actor, reason=reason):
            self._tell(
                account_id,
                "Votre demande d’effacement est refusée",
                f"Motif : {reason}\n\nVous pouvez demander à nouveau, ou adresser une réclamation "
                "à la CNIL (www.cnil.fr).",
            )

    def hold(self, account_id: UUID, actor: Actor, *, reason: str) -> None:
        """Hold with a reason, which the person is told."""
        if answering.hold(self.services, account_id, actor, reason=reason):
            self._tell(
                account_id,
                "Votre demande d’effacement est suspendue",
                f"Motif : {reason}\n\nVotre demande reste enregistrée, et reprend dès que ce motif "
                "n’existe plus. Vous pouvez adresser une réclamation à la CNIL (www.cnil.fr).",
            )

    def lift(self, account_id: UUID, actor: Actor) -> None:
        """Let a held request go on, and tell the person."""
        if answering.lift(self.services, account_id, actor):
            self._tell(
                account_id,
                "Votre demande d’effacement reprend son cours",
                "Plus rien ne suspend votre demande d’effacement.",
            )

    def link(self, account_id: UUID) -> str:
        """Return the address by which a request is followed without signing in."""
        until_s = int((self.services.clock() + FOLLOWED_FOR).timestamp())
        ticket = issue(self.services, Ticket(Errand.FOLLOW, str(account_id), until_s))
        return f"{self.public_url}/effacement/suivi/{ticket}"

    def followed(self, ticket_text: str) -> Request:
        """Return the request that a link follows; raises `TicketWorthless`."""
        ticket = redeem(self.services, ticket_text, Errand.FOLLOW)
        found = answering.request_of(self.services, UUID(ticket.subject))
        if found is None:
            raise TicketWorthless
        return found

    def request_past(self, account_id: UUID, meter_id: UUID, *, command: UUID) -> UUID:
        """Ask for a meter's past to be erased, in the holder's name; return the request's id.

        Its collection ends at once; upkeep does the rest. A letter says so, in case it was
        somebody else.
        """
        known = {one.request for one in past.pasts_of(self.services, account_id)}
        request = past.request(self.services, account_id, meter_id, command=command)
        if request in known:
            return request
        with contextlib.suppress(Unavailable):  # it is asked for; upkeep does this too
            past.stop(self.services, account_id, request)
        self._tell(
            account_id,
            "Le passé d’un de vos compteurs va être effacé",
            "Vous avez demandé d’effacer ce qui a été mesuré à un de vos compteurs. La collecte y "
            "est arrêtée, et les clés de ces mesures sont détruites dans les minutes qui "
            "viennent. Votre compte et vos autres compteurs restent ce qu’ils sont.\n\nSi ce "
            "n’est pas vous, changez votre mot de passe, et écrivez-nous.",
            link=self.link_to_past(account_id, request),
        )
        return request

    def link_to_past(self, account_id: UUID, request: UUID) -> str:
        """Return the address by which such a request is followed without signing in."""
        until_s = int((self.services.clock() + FOLLOWED_FOR).timestamp())
        subject = f"{account_id} {request}"
        ticket = issue(self.services, Ticket(Errand.FOLLOW_PAST, subject, until_s))
        return f"{self.public_url}/effacement/passe/suivi/{ticket}"

    def followed_past(self, ticket_text: str) -> Stage:
        """Return how far the request that a link follows has come; raises `TicketWorthless`."""
        ticket = redeem(self.services, ticket_text, Errand.FOLLOW_PAST)
        account_id, request = map(UUID, ticket.subject.split())
        return past.stage_of(self.services, account_id, request)

    def _tell(self, account_id: UUID, subject: str, text: str, link: str | None = None) -> None:
        opened = self.services.ledger.load(account, account_id).state.opened
        if opened is None:
            return  # carried out meanwhile: there is nobody left to write to
        followed = link or self.link(account_id)
        follow = f"Suivre la demande, sans vous connecter :\n\n{followed}"
        whole = f"Bonjour,\n\n{text}\n\n{follow}{_FOOT}"
        self.post.send(Letter(to=opened.email, subject=subject, text=whole, lasts=LETTERS_LAST))
