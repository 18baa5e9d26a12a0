"""What is answered when something cannot be done: RFC 9457 documents, from the error tree.

The type of a problem is the name of its error, as a path of ours that tells more in words.
A detail is given only where nothing of it can come from the request: an error that takes a
text may repeat that text, so of such a one only the title is told.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from fastapi import Response

from domain.errors import Corrupt, Malformed, MetroledgerError, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA_TYPE: Final = "application/problem+json"
PATH: Final = "/problems/"
RETRY_AFTER_S: Final = 5

_FACTS: Final = frozenset(
    {
        "int",
        "None",
        "date",
        "datetime",
        "UUID",
        "Category",
        "Fluid",
        "Channel",
        "TextKind",
        "Kind",
        "AgreementStatus",
    }
)
"""What an error may take without its message becoming somebody else's words."""

_TURNS: Final[dict[type[MetroledgerError], str]] = {
    Refused: "It cannot be done as things stand. It is your turn: what to do is said above or in "
    "the answer's detail. Sending the same request again gives the same answer.",
    Malformed: "What was sent is not what its format says. Correct it and send it again.",
    Unavailable: "A part that is needed does not answer. Send the same request again after the "
    "seconds that Retry-After names, under the same Idempotency-Key: it happens once.",
    Corrupt: "Something is wrong on our side, and nothing goes on until a person has looked. "
    "Tell the people who run this service.",
}


class Invalid(Refused):
    """The request is not what this address takes."""

    status = 422

    def __init__(self, faults: tuple[tuple[str, str], ...]) -> None:
        """Take the field and what is wrong with it, of each fault; never the value."""
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in faults))
        self.faults = faults


class MediaTypeUnknown(Refused):
    """The body is not JSON, or does not say that it is."""

    status = 415

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("send the body as JSON, with Content-Type: application/json")


def name_of(kind: type[MetroledgerError]) -> str:
    """Return the last part of a problem's type: the error's name, in kebab case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def document_of(error: MetroledgerError) -> dict[str, Any]:
    """Return the problem document of an error; nothing in it repeats the request."""
    kind = type(error)
    if isinstance(error, Corrupt) or not isinstance(error, Refused | Malformed | Unavailable):
        kind = Corrupt
    told: dict[str, Any] = {
        "type": PATH + name_of(kind),
        "title": title_of(kind),
        "status": error.status,
    }
    if kind is not Corrupt and _takes_only_facts(kind):
        told["detail"] = str(error)
    if isinstance(error, Invalid):
        told["errors"] = [{"field": field, "reason": reason} for field, reason in error.faults]
    return told


def answer_to(error: MetroledgerError) -> Response:
    """Return the answer that an error is given."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(getattr(error, "retry_after_s", RETRY_AFTER_S))
    body = msgspec.json.encode(document_of(error))
    return Response(body, status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


def title_of(kind: type[MetroledgerError]) -> str:
    """Return an error's first sentence."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def _takes_only_facts(kind: type[MetroledgerError]) -> bool:
    taken = inspect.signature(kind).parameters.values()
    named = (getattr(one.annotation, "__name__", str(one.annotation)) for one in taken)
    words = (set(re.findall(r"\w+", name)) for name in named)
    return all(said and said <= _FACTS for said in words)


def catalogue() -> dict[str, type[MetroledgerError]]:
    """Return every problem that may be answered, by name."""
    return {name_of(kind): kind for kind in _leaves(MetroledgerError)}


def _leaves(kind: type[MetroledgerError]) -> Iterator[type[MetroledgerError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _leaves(each)


def explain(name: str) -> Response:
    """Tell in words what a problem is and whose turn it is."""
    kind = catalogue().get(name)
    if kind is None:
        return Response("no such problem\n", status_code=404, media_type="text/plain")
    base = next((one for one in _TURNS if issubclass(kind, one)), Corrupt)
    text = f"{title_of(kind)}\n\nStatus {kind.status}. {_TURNS[base]}\n"
    return Response(text, media_type="text/plain", headers={"Cache-Control": "max-age=3600"})
