"""What the metropolis itself does: sign and end agreements, publish texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.services import new_id
from domain.aggregates import agreement, terms
from domain.errors import Refused
from domain.events import Change
from domain.events.terms import TermsPublished

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from domain.events.agreement import AgreementSigned
    from domain.events.terms import TextKind
    from domain.values import Actor


class NoSuchText(Refused):
    """No text of this kind was published."""

    status = 404

    def __init__(self, kind: TextKind) -> None:
        """Take the kind that was looked for."""
        super().__init__(
            f"no text of kind {kind.value!r} was published; publish one with 'metroledger "
            "terms publish'"
        )


class NoAgreement(Refused):
    """No agreement with the operator is in force."""

    status = 404

    def __init__(self, operator: str) -> None:
        """Take the operator."""
        super().__init__(
            f"no agreement with {operator!r} is in force; sign one with 'metroledger agreement "
            "sign' before anything is collected"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A version of a text in one language (BCP 47)."""

    version: str
    language: str
    text: str


def sign_agreement(services: Services, actor: Actor, wanted: AgreementSigned) -> UUID:
    """Sign an agreement with an operator; return its id."""
    stream = new_id()

    def decide(load: Loading) -> Iterable[Change]:
        state = load(agreement, stream).state
        return [Change(stream=stream, event=event) for event in agreement.sign(state, wanted)]

    services.ledger.transact(new_id(), decide, context=services.context(actor))
    return stream


def end_agreement(services: Services, actor: Actor, stream: UUID, reason: str) -> None:
    """End an agreement: nothing is collected under it any more."""

    def decide(load: Loading) -> Iterable[Change]:
        state = load(agreement, stream).state
        return [Change(stream=stream, event=e) for e in agreement.end(state, reason=reason)]

    services.ledger.transact(new_id(), decide, context=services.context(actor))


def publish_text(services: Services, actor: Actor, kind: TextKind, wanted: Text) -> UUID:
    """Publish a version of a text, on the stream of its kind; return the stream's id."""
    stream = find_text(services, kind) or new_id()

    def decide(load: Loading) -> Iterable[Change]:
        state = load(terms, stream).state
        events = terms.publish(
            state,
            kind=kind,
            version=wanted.version,
            language=wanted.language,
            text=wanted.text,
        )
        return [Change(stream=stream, event=event) for event in events]

    services.ledger.transact(new_id(), decide, context=services.context(actor))
    return stream


def find_text(services: Services, kind: TextKind) -> UUID | None:
    """Return the stream of a kind of text, None when none was published."""
    texts = services.register.read().texts
    return next((stream for stream, text in texts.items() if text.kind is kind), None)


def shown_text(services: Services, kind: TextKind, *, version: str, language: str) -> Text:
    """Return a published version of a text, as it was shown to whoever accepted it."""
    stored = services.ledger.recorder.select_events(require_text(services, kind))
    for opened in services.ledger.mapper.open_all(stored):
        event = opened.event
        if isinstance(event, TermsPublished) and (event.version, event.language) == (
            version,
            language,
        ):
            return Text(version=version, language=language, text=event.text)
    raise NoSuchText(kind)


def current_text(services: Services, kind: TextKind, *, language: str) -> Text | None:
    """Return the text in force of a kind, None before any; else `NoSuchText`."""
    stream = find_text(services, kind)
    version = terms.current_version(services.register.read().texts[stream]) if stream else None
    if version is None:
        return None
    return shown_text(services, kind, version=version, language=language)


def require_text(services: Services, kind: TextKind) -> UUID:
    """Return the stream of a kind of text; raise `NoSuchText`."""
    stream = find_text(services, kind)
    if stream is None:
        raise NoSuchText(kind)
    return stream


def agreement_in_force(services: Services, operator: str, at: datetime) -> UUID | None:
    """Return the operator's agreement in force at an instant, the latest signed if several."""
    agreements = services.register.read().agreements
    found = [
        stream
        for stream, state in agreements.items()
        if state.signed and state.signed.operator == operator and agreement.in_force(state, at)
    ]
    return found[-1] if found else None
