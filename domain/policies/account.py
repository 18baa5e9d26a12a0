"""What an account does together with other streams: accept terms, be destroyed."""

from collections.abc import Iterable

from domain.aggregates import account as accounts
from domain.aggregates import collection as collections
from domain.aggregates import consent as consents
from domain.aggregates import leaving
from domain.aggregates import terms as texts
from domain.aggregates.account import Account
from domain.aggregates.collection import Collection
from domain.aggregates.consent import Consent
from domain.aggregates.terms import Terms
from domain.errors import Refused
from domain.events import Change
from domain.events.account import TermsAccepted
from domain.events.terms import TextKind
from domain.values import Stream


class TermsNotCurrent(Refused):
    """The terms of use that were accepted are not the ones in force."""

    def __init__(self, asked: str, current: str | None) -> None:
        """Take the version that was accepted, and the current one."""
        super().__init__(
            f"Version {asked!r} was accepted and the current terms of use are version {current!r}. "
            "Show the current ones and ask again."
        )
        self.asked = asked
        self.current = current


class StillLiving(Refused):
    """Something of the account has not ended, so its keys may not be destroyed."""

    def __init__(self, living_consents: int, living_collections: int) -> None:
        """Take how many consents and collections have not ended."""
        super().__init__(
            f"{living_consents} consents and {living_collections} collections of this account have "
            "not ended. They end first; then the destruction is ordered."
        )
        self.living_consents = living_consents
        self.living_collections = living_collections


def accept_terms(
    account: Stream[Account], terms: Stream[Terms], *, version: str, language: str
) -> tuple[Change, ...]:
    """Decide that the holder accepts the current terms of use.

    Raises `TermsNotCurrent`, and why the account can do nothing.
    """
    known = texts.find(terms.state, version=version, language=language)
    current = texts.current_version(terms.state)
    if terms.state.kind is not TextKind.TERMS_OF_USE or known is None:
        raise TermsNotCurrent(version, current)
    wanted = TermsAccepted(terms=terms.id, version=version, sha256=known.sha256)
    decided = accounts.accept_terms(account.state, wanted)
    if decided and version != current:
        raise TermsNotCurrent(version, current)
    return tuple(Change(stream=account.id, event=each, subject=account.id) for each in decided)


def order_destruction(
    account: Stream[Account],
    living: Iterable[Consent | Collection],
    *,
    keys: int,
    root: str,
) -> tuple[Change, ...]:
    """Decide the order to destroy the account's keys, all of whose consents have ended.

    `living` are the states of every consent and collection of the account. They come as
    states, not streams: an ending is final, and since the validation is on the account's
    stream no new one can begin. Raises `StillLiving`, and what
    `aggregates.account.order_destruction` raises.
    """
    decided = leaving.order_destruction(account.state, keys=keys, root=root)
    if decided:
        _require_ended(tuple(living))
    return tuple(Change(stream=account.id, event=event) for event in decided)


def has_accepted_current(account: Account, terms: Stream[Terms]) -> bool:
    """Tell whether the holder accepted the current version of the terms of use."""
    accepted = account.accepted
    return (
        accepted is not None
        and accepted.terms == terms.id
        and accepted.version == texts.current_version(terms.state)
    )


def _require_ended(all_of_account: tuple[Consent | Collection, ...]) -> None:
    living_consents = sum(
        isinstance(each, Consent) and not consents.has_ended(each) for each in all_of_account
    )
    living_collections = sum(
        isinstance(each, Collection) and not collections.has_ended(each) for each in all_of_account
    )
    if living_consents or living_collections:
        raise StillLiving(living_consents, living_collections)
