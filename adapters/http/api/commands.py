"""How a write is carried: once, whatever is sent again, and answered alike each time.

key ─→ command's id ─→ kept? ── another request under the key ──→ 422
│ the answer is known ──────────────────→ that answer
▼
the use case, under the id ── accepted, refused ───→ kept, answered
│ in doubt, or kept for when the log answers ──────→ 202 and a status address,
│ the log does not answer                            which asks the ledger itself
▼
503, and nothing of it is kept
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from fastapi import Response

from adapters.http.api import problems
from adapters.http.api.answers import JSON, PRIVATE
from adapters.http.api.models import Command, Done, Doubt
from application import consenting, past
from application.acts import Fortune
from application.asking import Answer, Asked, KeyReused, command_of, digest_of
from application.driving import OutcomeOpen, fate_of
from application.inbox import TakenDown
from application.protocol import RefusedBefore
from application.services import made_by
from application.viewing import NothingHere
from domain.aggregates.collection import StopReason
from domain.errors import Refused, Unavailable
from ledger.rule import Fate

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.asking import Askings
    from application.services import Services

ROOT: Final = "/api/v1"
_CREATED: Final = 201
_REFUSALS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write as it was asked: by whom, under which key, what, about what (an id)."""

    owner: UUID
    key: str
    kind: str
    content: bytes
    about: UUID | None = None


def carry(
    services: Services, askings: Askings, write: Write, act: Callable[[UUID], object]
) -> Response:
    """Carry a write to its answer; `act` is the use case, given the command's id.

    Where it returns an id, that is what the write made, or had made before.
    """
    command = command_of(services, write.owner, write.key)
    about = write.about.bytes if write.about else b""
    digest = digest_of(services, write.owner, write.kind.encode(), about, write.content)
    asked = Asked(
        command=command, owner=write.owner, kind=write.kind, digest=digest, about=write.about
    )
    known = askings.find(command)
    kept = known or askings.note(asked, services.clock())
    if kept.digest != digest:
        raise KeyReused
    if kept.answer is not None:
        return _respond(kept.answer)
    try:
        made = act(command)
    except OutcomeOpen:
        return _later(command, "open")
    except TakenDown:
        return _later(command, "kept")
    except Unavailable:
        if known is None:  # nothing was done, so nothing is known of it
            askings.forget(command)
        raise
    except Refused as error:
        return _respond(askings.answer(command, _refusal(error)))
    with contextlib.suppress(Unavailable):  # it is done; what comes of it is made later too
        follow(services, asked)
    done = _success(asked, made if isinstance(made, UUID) else made_by(command))
    return _respond(askings.answer(command, done))


def become(services: Services, askings: Askings, owner: UUID, command: UUID) -> Command:
    """Return what became of an account's command; the ledger knows, where no answer is kept."""
    asked = askings.find(command)
    if asked is None or asked.owner != owner:
        raise NothingHere
    answer = asked.answer
    if answer is None:
        fortune = services.inbox.fortune(command)
        if fortune is Fortune.WAITING:
            return Command(command=command, state="kept", status=None)
        known = {Fortune.DONE: Fate.ACCEPTED, Fortune.REFUSED: Fate.BARRED}
        match known.get(fortune) if fortune else fate_of(services.ledger.committer, command.bytes):
            case Fate.ACCEPTED:
                follow(services, asked)
                answer = askings.answer(command, _success(asked, _made(services, asked)))
            case Fate.BARRED:
                answer = askings.answer(command, _refusal(RefusedBefore()))
            case None:
                return Command(command=command, state="open", status=None)
    state = "refused" if answer.status >= _REFUSALS else "done"
    content = msgspec.json.decode(answer.body)
    return Command(command=command, state=state, status=answer.status, answer=content)


def follow(services: Services, asked: Asked) -> None:
    """Do what an accepted write makes next: derived commands, which may be repeated."""
    if asked.kind == "consent":
        with contextlib.suppress(Refused):  # it is granted; what cannot be collected is told later
            consenting.start_agreed(services, made_by(asked.command))
    elif asked.kind == "withdrawal" and asked.about is not None:
        consenting.after_ending(services, asked.about, StopReason.WITHDRAWN)


def _made(services: Services, asked: Asked) -> UUID:
    """Return what an accepted write made, or was found to have been made before."""
    if asked.kind == "past-erasure":
        return past.standing(services, asked.owner, asked.command)
    return made_by(asked.command)


def _success(asked: Asked, made: UUID) -> Answer:
    match asked.kind:
        case "meter":
            status, done = _CREATED, Done(id=made, location=f"{ROOT}/meters/{made}")
        case "consent" | "refusal":
            status, done = _CREATED, Done(id=made, location=f"{ROOT}/consents/{made}")
        case "past-erasure" if asked.about is not None:
            address = f"{ROOT}/meters/{asked.about}/past-erasures"
            status, done = _CREATED, Done(id=made, location=address)
        case "withdrawal" if asked.about is not None:
            status = 200
            done = Done(id=asked.about, location=f"{ROOT}/consents/{asked.about}")
        case _:
            status, done = 200, Done(id=asked.owner, location=f"{ROOT}/account")
    return Answer(status=status, body=done.model_dump_json().encode())


def _refusal(error: Refused) -> Answer:
    return Answer(status=error.status, body=msgspec.json.encode(problems.document_of(error)))


def _respond(answer: Answer) -> Response:
    if answer.status >= _REFUSALS:
        media_type, headers = problems.MEDIA_TYPE, PRIVATE
    else:
        location: str = msgspec.json.decode(answer.body)["location"]
        media_type, headers = JSON, {**PRIVATE, "Location": location}
    return Response(answer.body, answer.status, media_type=media_type, headers=headers)


def _later(command: UUID, state: str) -> Response:
    """Tell that the outcome is open, or the act kept, and where the answer will be told."""
    status = f"{ROOT}/commands/{command}"
    content = Doubt(command=command, state=state, status=status).model_dump_json()
    headers = {**PRIVATE, "Location": status, "Retry-After": "1"}
    return Response(content, 202, media_type=JSON, headers=headers)
