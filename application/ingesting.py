"""Take an operator's file in, as its bytes came: read to its end, or parked with a reason.

What a file says is for the operator's codec to tell, which is handed in: a pure function of
the file's name and bytes. The command line, the drop box and the benches share this one way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from application.deliveries import take_in
from application.inbox import drain
from application.incoming import Incoming, content_digest
from application.parking import park

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from application.deliveries import Outcome
    from application.services import Services
    from domain.values import Channel, Fluid
    from ledger.forms import Form

    Codec = Callable[[str, bytes], "Told | Unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file says: `rows` are its readings, packed, `counts` what is no reading."""

    flow: str
    rows: Sequence[Form]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file that is not what it should be; `reason` is a code that names nobody."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An operator's flow of files over one channel.

    `codec` reads a file; `flow_of` guesses from its name what it would have been.
    """

    operator: str
    channel: Channel
    fluid: Fluid
    codec: Codec
    flow_of: Callable[[str], str]


def ingest(
    services: Services, source: Source, name: str, content: bytes, attempt: int = 0
) -> Outcome:
    """Take one file in, or park it with its reason; the same file again changes nothing.

    `name` is the file's name without directories; `attempt` rises when a file is taken in
    again on purpose.
    """
    drain(services)  # a withdrawal that waits comes before the next readings
    base = named(source, name, content, attempt)
    told = source.codec(name, content)
    if isinstance(told, Unreadable):
        return park(services, base, content, told.reason)
    return take_in(services, replace(base, flow=told.flow, rows=told.rows, counts=told.counts))


def named(source: Source, name: str, content: bytes, attempt: int = 0) -> Incoming:
    """Return a delivery as its file alone names it, without a row: its id follows from this."""
    return Incoming(
        operator=source.operator,
        channel=source.channel,
        flow=source.flow_of(name),
        fluid=source.fluid,
        digest=content_digest(content),
        rows=(),
        attempt=attempt,
    )
