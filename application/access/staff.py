"""How the metropolis's staff come in: a link to enrol by, then password and second factor.

Enrolling, a member chooses a password and shows a code of the secret that their phone was
given. The secret follows from the link and the browser it is open in: nothing is stored before
the code was right, and whoever else looks at the link is shown another secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.access import passwords, second_factor, sessions
from application.access.door import NotSignedIn
from application.access.members import (
    NoSuchMember,
    invitation_digest,
    key_of,
    living,
    profile_of,
    staff_lookup,
)
from application.access.stores import Enrolled
from application.access.throttle import (
    STAFF_CODE,
    STAFF_SIGN_IN_FROM,
    STAFF_SIGN_IN_OF_EMAIL,
    pass_by,
)
from application.access.tickets import Errand, TicketWorthless, redeem
from domain.errors import Refused
from keys import sealing
from keys.names import Purpose

if TYPE_CHECKING:
    from application.access.members import Profile
    from application.access.stores import AccessStore, StaffStore, StoredMember
    from application.access.tickets import Ticket
    from application.services import Services

ISSUER: Final = "metroledger"


class CodeWrong(Refused):
    """The code is none of this secret's, or of another moment."""

    status = 422

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "this code does not belong to the key that is shown; wait for the next one and type "
            "it, having checked that the phone's clock is right"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a link shows: whose it is, and the secret for their phone, as text and as an address."""

    profile: Profile = field(repr=False)
    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A new session's token and, after an enrolment, recovery codes to be shown once."""

    token: str = field(repr=False)
    recovery: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDoor:
    """What the staff's door needs: the ledger, where sessions lie, where members lie."""

    services: Services
    store: AccessStore
    staff: StaffStore

    def enrolment(self, ticket_text: str, browser: str) -> Enrolment:
        """Return what a link shows in a browser, by that browser's token; uses nothing up."""
        ticket, member = self._redeem(ticket_text)
        profile = profile_of(self.services, member)
        if profile is None:
            raise TicketWorthless
        secret = self._secret(ticket, browser)
        address = second_factor.address_of(secret, holder=profile.email, issuer=ISSUER)
        return Enrolment(profile=profile, secret=secret, address=address)

    def enrol(self, ticket_text: str, browser: str, *, password: str, code: str) -> Entered:
        """Choose a password and a second factor by a link; use it up, and begin a session.

        Raises `TicketWorthless`, `PasswordUnfit` or `CodeWrong`.
        """
        ticket, member = self._redeem(ticket_text)
        passwords.require_fit(password)
        pass_by(self.services, self.store, STAFF_CODE, str(member.id))
        secret = self._secret(ticket, browser)
        step = second_factor.step_of(secret, code, self.services.clock())
        if step is None:
            raise CodeWrong
        key = self.services.keys.find([key_of(member.id)])[key_of(member.id)]
        codes = second_factor.draw_recovery()
        enrolled = Enrolled(
            credential=passwords.sealed(self.services, member.id, password),
            factor=sealing.seal(key, secret.encode("ascii"), _binding(member.id)),
            recovery=tuple(second_factor.recovery_digest(key, one) for one in codes),
            step=step,
        )
        if not self.staff.enrol(member.id, invitation_digest(ticket.binding), enrolled):
            raise TicketWorthless
        return Entered(token=self._begin(member.id, enrolled.factor), recovery=codes)

    def sign_in(self, email: str, password: str, code: str, *, address: str) -> Entered:
        """Begin a session; raises `NotSignedIn` or `TooOften`.

        Which of the three was wrong is not said, and an e-mail of nobody takes as long. A code
        of the phone, or a recovery code, is used up only beside the right password.
        """
        pass_by(self.services, self.store, STAFF_SIGN_IN_FROM, address)
        pass_by(self.services, self.store, STAFF_SIGN_IN_OF_EMAIL, email.strip().lower())
        member = self._find(email)
        known = passwords.matches(
            self.services, self.store, member.id if member else None, password
        )
        if not known or member is None or member.factor is None or not self._is_code(member, code):
            raise NotSignedIn
        return Entered(token=self._begin(member.id, member.factor))

    def _begin(self, member: UUID, factor: bytes) -> str:
        """Begin a session; raises `NotSignedIn` where the factor shown was taken away meanwhile.

        Taking it away ends the sessions there are. This one is there before it is asked whether
        it was, so whichever came first, nobody is left in.
        """
        token = sessions.begin(self.services, self.store, member=member)
        now = self.staff.member(member)
        if now is None or now.factor != factor:
            self.store.end_session(sessions.digest_of(token))
            raise NotSignedIn
        return token

    def _find(self, email: str) -> StoredMember | None:
        entries = self.services.keys.index.find(staff_lookup(email))
        found = [self.staff.member(entry.owner) for entry in entries]
        return next((one for one in found if one and one.revoked_at is None), None)

    def _is_code(self, member: StoredMember, code: str) -> bool:
        key = self.services.keys.find([key_of(member.id)]).get(key_of(member.id))
        if key is None or member.factor is None:
            return False
        secret = sealing.open(key, member.factor, _binding(member.id)).decode("ascii")
        step = second_factor.step_of(secret, code, self.services.clock())
        if step is not None:
            return self.staff.use_step(member.id, member.factor, step)
        return self.staff.use_recovery(member.id, second_factor.recovery_digest(key, code))

    def _redeem(self, ticket_text: str) -> tuple[Ticket, StoredMember]:
        ticket = redeem(self.services, ticket_text, Errand.STAFF)
        try:
            member = living(self.staff, UUID(ticket.subject))
        except NoSuchMember:
            raise TicketWorthless from None
        if member.invitation != invitation_digest(ticket.binding):
            raise TicketWorthless
        return ticket, member

    def _secret(self, ticket: Ticket, browser: str) -> str:
        key = self.services.territory_key(Purpose.REACTIONS)
        return second_factor.derive_secret(key, ticket.binding, sessions.digest_of(browser))


def _binding(member: UUID) -> bytes:
    return b"metroledger/second-factor/v1\0" + member.bytes
