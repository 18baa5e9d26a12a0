"""The desk: where an erasure is asked for and answered.

Each answer is on the ledger, and that is all there is to do here: whoever asked is written to by
`application.letters`, which reads the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from application import answering, erasure, letters, past
from application.access.tickets import Errand, redeem
from application.inbox import ask_erasure, ask_past_erasure, drain
from application.protocol import RefusedBefore
from application.services import new_id
from domain.aggregates.account import HELD
from ledger.rule import Fate

if TYPE_CHECKING:
    from application.past import Stage
    from application.services import Services
    from application.views import Overview
    from domain.values import Actor
    from projections.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the desk needs."""

    services: Services

    def request(self, account_id: UUID, *, command: UUID | None = None) -> None:
        """Ask for an erasure in the holder's name. A pending one stands.

        Raises `TakenDown` where the log does not answer: it was asked for all the same.
        """
        ask_erasure(self.services, account_id, command or new_id())

    def take_back(self, account_id: UUID) -> None:
        """Take the request back in the holder's name.

        One that waits for the log goes there first. Raises `Unavailable` while it cannot.
        """
        drain(self.services)
        answering.take_back(self.services, account_id)

    def validate(self, account_id: UUID, actor: Actor) -> None:
        """Validate; upkeep carries it out, having written the last letter."""
        erasure.validate(self.services, account_id, actor)

    def refuse(self, account_id: UUID, actor: Actor, *, reason: str) -> None:
        """Refuse with a reason, which the person is told, and where they can complain."""
        answering.refuse(self.services, account_id, actor, reason=reason)

    def hold(self, account_id: UUID, actor: Actor, *, reason: str) -> None:
        """Hold with a reason, which the person is told."""
        answering.hold(self.services, account_id, actor, reason=reason)

    def lift(self, account_id: UUID, actor: Actor) -> None:
        """Let a held request go on."""
        answering.lift(self.services, account_id, actor)

    def request_past(self, seen: Overview, meter_id: UUID, *, command: UUID) -> UUID:
        """Ask for a meter's past to be erased, in the holder's name; return the request's id.

        Its collection ends at once; upkeep does the rest, and writes a letter that says so, in case
        it was somebody else. Raises `TakenDown` where the log does not answer: it was asked for all
        the same. Where what the holder is shown speaks against it, nothing is kept and the log
        decides: so a refused command stays refused. `Unavailable` where it does not answer.
        Asked again while it waits or is under way, it is the same request.
        """
        given = [one.answered_at for one in seen.consents if one.meter == meter_id]
        at = max([self.services.clock(), *given])  # all that they see, whatever clock dated it
        if not self._was_sent(command) and self._seems_refused(seen, meter_id):
            past.request(self.services, seen.account, meter_id, command=command, at=at)
        return ask_past_erasure(self.services, seen.account, meter_id, command, at)

    def _was_sent(self, command: UUID) -> bool:
        """Whether this command was kept or carried before: then it is not judged anew.

        Raises `RefusedBefore` where it was refused.
        """
        fate = self.services.ledger.folder.store.fates([command.bytes]).get(command.bytes)
        if fate is Fate.BARRED:
            raise RefusedBefore
        return fate is not None or self.services.inbox.fortune(command) is not None

    def _seems_refused(self, seen: Overview, meter_id: UUID) -> bool:
        """Whether, by what the holder sees, a duty holds a past, or nothing of it is held."""
        if seen.status in HELD:
            return True
        under_way = self.services.register.read().pending
        if meter_id in seen.pasts_kept or any(
            one.meter == meter_id and one.request in under_way for one in seen.pasts
        ):
            return False
        consents = {one.id for one in seen.consents if one.meter == meter_id}
        return not past.is_held(self.services, seen.account, consents)

    def link_to_past(self, account_id: UUID, request: UUID) -> str:
        """Return the address by which such a request is followed without signing in."""
        return letters.link_to_past(self.services, account_id, request)

    def followed_past(self, ticket_text: str) -> Stage:
        """Return how far the request that a link follows has come; raises `TicketWorthless`."""
        return past.stage_of(self.services, *self._past(ticket_text))

    def certified_past(self, ticket_text: str) -> UUID:
        """Return the stream that has the certificate of what a link follows; raises alike."""
        return past.certified_by(self.services, *self._past(ticket_text))

    def _past(self, ticket_text: str) -> tuple[UUID, UUID]:
        ticket = redeem(self.services, ticket_text, Errand.FOLLOW_PAST)
        account_id, request = map(UUID, ticket.subject.split())
        return account_id, request

    def link(self, account_id: UUID) -> str:
        """Return the address by which an account's last request is followed."""
        return letters.link(self.services, account_id)

    def followed(self, ticket_text: str) -> Request:
        """Return the request that a link follows; raises `TicketWorthless`."""
        return letters.followed(self.services, ticket_text)
