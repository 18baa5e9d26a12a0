"""Sign up, sign in, a new password: what strangers may ask, and what they learn.

Asking about an e-mail is answered the same whether it has an account or not; what there is
to say goes into the letter. Only the e-mail's owner reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from application.access import passwords, sessions
from application.access.letters import already_known, new_password, welcome
from application.access.throttle import (
    MAIL_FROM,
    MAIL_TO,
    SIGN_IN_FROM,
    SIGN_IN_OF_EMAIL,
    pass_by,
)
from application.access.tickets import Errand, Ticket, TicketWorthless, issue, redeem
from application.mail import LINK_LASTS
from application.residents import email_lookup, open_account
from domain.errors import Refused
from keys.index import AlreadyTaken, OwnerGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from application.access.stores import AccessStore
    from application.mail import Post
    from application.services import Services

TICKET_LASTS: Final = LINK_LASTS
_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 100


class NotSignedIn(Refused):
    """E-mail and password do not belong together."""

    status = 401

    def __init__(self) -> None:
        """Take nothing: which of the two is wrong is not said."""
        super().__init__("this e-mail and this password do not belong together; try again")


class EmailUnfit(Refused):
    """This is no e-mail address."""

    status = 422

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("this is no e-mail address; check how it is written")


class NameUnfit(Refused):
    """A name is missing, or too long."""

    status = 422

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(f"a name has 1 to {_LONGEST_NAME} characters; write it in full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the door needs: the ledger, its own store, the post, and where the portal is."""

    services: Services
    store: AccessStore
    post: Post
    public_url: str

    def ask_to_sign_up(self, email: str, *, address: str) -> Callable[[], None]:
        """Return what sends a letter with a link to go on, to be called after the answer.

        So neither the answer nor its time tells whether the e-mail has an account.
        """
        email = self._fit(email)
        self._throttle_mail(email, address)
        return partial(self._write_to_sign_up, email)

    def _write_to_sign_up(self, email: str) -> None:
        if self._account(email) is None:
            link = self._link("inscription", Ticket(Errand.SIGN_UP, email, self._until()))
            self.post.send(welcome(email, link))
        else:
            self.post.send(already_known(email, f"{self.public_url}/connexion"))

    def require_sign_up(self, ticket_text: str) -> Ticket:
        """Return what a link to sign up carries; raise `TicketWorthless` also when it was used."""
        ticket = redeem(self.services, ticket_text, Errand.SIGN_UP)
        if self._account(ticket.subject) is not None:
            raise TicketWorthless
        return ticket

    def sign_up(self, ticket_text: str, *, name: str, password: str, language: str) -> str:
        """Open an account for whoever holds the link; return the token of a new session."""
        ticket = self.require_sign_up(ticket_text)
        name = " ".join(name.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise NameUnfit
        passwords.require_fit(password)
        try:
            account = open_account(
                self.services, name=name, email=ticket.subject, language=language
            )
        except AlreadyTaken:
            raise TicketWorthless from None
        passwords.keep(self.services, self.store, account, password)
        return sessions.begin(self.services, self.store, account=account)

    def sign_in(self, email: str, password: str, *, address: str) -> str:
        """Return the token of a new session; raise `NotSignedIn` or `TooOften`."""
        pass_by(self.services, self.store, SIGN_IN_FROM, address)
        pass_by(self.services, self.store, SIGN_IN_OF_EMAIL, email.strip().lower())
        account = self._account(email)
        if not passwords.matches(self.services, self.store, account, password) or not account:
            raise NotSignedIn
        return sessions.begin(self.services, self.store, account=account)

    def ask_for_new_password(self, email: str, *, address: str) -> Callable[[], None]:
        """Return what sends a letter with a link to choose a new password, likewise."""
        email = self._fit(email)
        self._throttle_mail(email, address)
        return partial(self._write_for_new_password, email)

    def _write_for_new_password(self, email: str) -> None:
        account = self._account(email)
        if account is not None:
            bound = passwords.fingerprint(self.store, account)
            ticket = Ticket(Errand.NEW_PASSWORD, email, self._until(), bound)
            self.post.send(new_password(email, self._link("nouveau-mot-de-passe", ticket)))

    def require_new_password(self, ticket_text: str) -> UUID:
        """Return whose password a link changes; raise `TicketWorthless` also when it was used."""
        ticket = redeem(self.services, ticket_text, Errand.NEW_PASSWORD)
        account = self._account(ticket.subject)
        if account is None or passwords.fingerprint(self.store, account) != ticket.binding:
            raise TicketWorthless
        return account

    def choose_new_password(self, ticket_text: str, password: str) -> str:
        """Change the password of whoever holds the link; every session ends but a new one."""
        account = self.require_new_password(ticket_text)
        try:
            passwords.keep(self.services, self.store, account, password)
        except OwnerGone:  # erased since the link was looked at
            raise TicketWorthless from None
        self.store.end_sessions_of(account)
        return sessions.begin(self.services, self.store, account=account)

    def _account(self, email: str) -> UUID | None:
        entries = self.services.keys.index.find(email_lookup(email))
        return next((entry.owner for entry in entries), None)

    def _fit(self, email: str) -> str:
        email = email.strip().lower()
        name, at, domain = email.rpartition("@")
        plain = email.isprintable() and not any(mark in email for mark in ' ,;<>()[]"\\')
        if not (name and at and "." in domain and plain and len(email) <= _LONGEST_EMAIL):
            raise EmailUnfit
        return email

    def _throttle_mail(self, email: str, address: str) -> None:
        pass_by(self.services, self.store, MAIL_FROM, address)
        pass_by(self.services, self.store, MAIL_TO, email)

    def _until(self) -> int:
        return int((self.services.clock() + TICKET_LASTS).timestamp())

    def _link(self, page: str, ticket: Ticket) -> str:
        return f"{self.public_url}/{page}/{issue(self.services, ticket)}"
