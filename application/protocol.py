"""What may be answered to whoever sent a command, and when. Pure: it yields steps.

Theory of operation
-------------------
The log has no conditional append. A writer appends a record and learns from the
fold, later, what became of it; the answer of the append itself may be lost. So:

- *Success* is answered when a record with this command id was accepted *and* the
  published checkpoint covers it.
- *Refusal* is answered only after the command's barrier was folded. That a record is
  void is never an answer: an older record of the same command, sent by a process
  that died, may still be in flight and be accepted later.
- A record that was not accepted is sent again, the same bytes, until a stream named
  in its `expects` has moved; only then is the command decided again, under the same
  id. That is safe: versions only rise, so the older record can never be accepted.
- A *derived* command (a reaction, a delivery) is never barred: its id comes from
  what caused it, and barring it would stop it for ever. It goes on until it is
  accepted or decided to nothing; a refusal of it is raised, and binds nobody.

The generator yields what it wants done and is sent the result. `application.transact`
drives it against the real log; the simulation (`tests/simulation`) drives many of them
at once, through crashes, with every clause broken in turn.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from domain.errors import Corrupt, Refused
from ledger.record import Header, Kind, assemble, encode_header
from ledger.rule import Fate
from ledger.store import Accepted


class RefusedBefore(Refused):
    """The command was refused once and its id is barred; the reason was told then."""

    def __init__(self) -> None:
        """Take nothing: the reason was not kept, on purpose (it may name a person)."""
        super().__init__(
            "this command was refused before and stays refused; send it again as a new command"
        )


class NeverAcceptable(Corrupt):
    """A record of ours was voided and would be for ever: sending it again cannot help."""

    def __init__(self, offset: int) -> None:
        """Take where in the log the record lies."""
        super().__init__(
            f"the record at offset {offset} is void though nothing it expects has moved: its form "
            "is malformed, a fault of this program; the command has no answer yet: report it, "
            "and send it again once metroledger is mended"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A decision to append `record`, which read and wrote `expects` (stream, version)."""

    record: bytes
    expects: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A decision that the command cannot be done as things stand."""

    error: Refused


@dataclass(frozen=True, slots=True)
class Nothing:
    """A decision that there is nothing (left) to do."""


Decision = Proposal | Refusal | Nothing


@dataclass(frozen=True, slots=True)
class LookUp:
    """Step: what became of the command so far? Sent back: `Fate | None`."""

    command: bytes


@dataclass(frozen=True, slots=True)
class Decide:
    """Step: load, decide and seal on the present state. Sent back: a `Decision`."""


@dataclass(frozen=True, slots=True)
class Append:
    """Step: append the record once. Sent back: its offset, or None when in doubt."""

    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Step: wait until the fold has passed the record, then look. Sent back: `Settled`.

    In doubt (`offset` None) there is no offset to wait for: the fold is awaited to
    where the log ends now.
    """

    command: bytes
    offset: int | None
    expects: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What the fold says: the command's fate, and whether a stream of `expects` has moved.

    `accepted` is where an accepted command lies, `offset` where the record does, when
    whoever settles knows it.
    """

    fate: Fate | None
    moved: bool
    accepted: Accepted | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """Step: wait until the published checkpoint covers all that was folded so far."""


Step = LookUp | Decide | Append | Settle | Publish
Steps = Generator[Step, Any, Fate | None]


def write(command: bytes, *, derived: bool = False) -> Steps:
    """Carry one command to its answer; see the module's docstring.

    Returns when success may be answered: `ACCEPTED`, its commit is covered by the
    published checkpoint; None, there was nothing to do. Only of the former may the
    commit be looked up for the answer: another process may be at the same command, and
    what it has appended since is not published yet. Raises `Refused` when a refusal
    may be answered.
    """
    fate: Fate | None = yield LookUp(command)
    while fate is None:
        decision: Decision = yield Decide()
        match decision:
            case Proposal():
                fate = yield from submit(command, decision)
            case Refusal() if not derived:
                fate = yield from bar(command)
                if fate is Fate.BARRED:
                    raise decision.error
            case _:
                # Nothing is left, perhaps because another process has just done it.
                fate = yield LookUp(command)
                break
    if fate is Fate.BARRED:
        raise RefusedBefore
    yield Publish()
    return fate


def submit(command: bytes, proposal: Proposal) -> Generator[Step, Any, Fate | None]:
    """Send the same bytes until their fate is known, or the state they expect is past.

    A record that was folded, has no fate and whose expected streams stand where they
    did was void for its form: it would be void for ever.
    """
    while True:
        offset = yield Append(proposal.record)
        settled: Settled = yield Settle(command=command, offset=offset, expects=proposal.expects)
        if settled.fate is not None or settled.moved:
            return settled.fate
        known = settled.offset if offset is None else offset
        if known is not None:
            raise NeverAcceptable(known)


def bar(command: bytes) -> Generator[Step, Any, Fate]:
    """Send the command's barrier until it was folded, or an older record was accepted."""
    record = barrier(command)
    while True:
        offset = yield Append(record)
        settled: Settled = yield Settle(command=command, offset=offset, expects=())
        if settled.fate is not None:
            return settled.fate


def barrier(command: bytes) -> bytes:
    """Return the record that bars a command id."""
    return assemble(encode_header(Header(kind=Kind.BARRIER, command=command)), ())
