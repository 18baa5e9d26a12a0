"""What a run is made of, and the ways in which it can be broken, one clause at a time.

Nothing of the product is edited: a mutant passes another rule, another store, or puts
itself between the protocol and whoever carries out its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from application import protocol
from application.protocol import Publish, Refusal, Settled, Step, Steps
from domain.errors import Refused
from ledger.record import Header
from ledger.rule import Fate, Head, Rule, View, Void
from ledger.store import Cursor
from tests.simulation.toy import ToyStore


class Writes(Protocol):
    """`application.protocol.write`, or a broken one."""

    def __call__(self, command: bytes, *, derived: bool = False) -> Steps: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of."""

    rule: type[Rule] = Rule
    store: type[ToyStore] = ToyStore
    write: Writes = protocol.write
    tiles_first: bool = True
    locks: bool = True


REAL = Parts()


class NoCommandIds(Rule):
    def fate(self, header: Header, view: View) -> Fate | None:  # noqa: ARG002 (the signature is the mutated one's)
        return None


class OnlyAcceptedIds(Rule):
    def fate(self, header: Header, view: View) -> Fate | None:
        fate = view.fate(header.command)
        return fate if fate is Fate.ACCEPTED else None


class OnlyBarredIds(Rule):
    def fate(self, header: Header, view: View) -> Fate | None:
        fate = view.fate(header.command)
        return fate if fate is Fate.BARRED else None


class NoVersions(Rule):
    def moved(self, head: Head, version: int) -> bool:  # noqa: ARG002 (the signature is the mutated one's)
        return False


class OnlyWritten(Rule):
    def judge(self, header: Header, view: View) -> Void | None:
        return super().judge(replace(header, reads=()), view)


class EndedAccepted(Rule):
    def ended(self, head: Head) -> bool:  # noqa: ARG002 (the signature is the mutated one's)
        return False


class NoSwap(ToyStore):
    def may_commit(self, before: Cursor) -> bool:  # noqa: ARG002 (the signature is the mutated one's)
        return True


def _between(
    steps: Steps, look: Callable[[object], None], *, skip: tuple[type[Step], ...] = ()
) -> Steps:
    """Pass steps and replies through; `look` sees each reply, a step of `skip` is not taken."""
    reply: Any = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as end:
            fate: Fate | None = end.value
            return fate
        reply = None
        if not isinstance(step, skip):
            reply = yield step
            look(reply)


def no_barrier(command: bytes, *, derived: bool = False) -> Steps:
    """Answer a refusal as soon as it was decided."""

    def look(reply: object) -> None:
        if isinstance(reply, Refusal) and not derived:
            raise reply.error

    return _between(protocol.write(command, derived=derived), look)


def void_is_refusal(command: bytes, *, derived: bool = False) -> Steps:
    """Answer a refusal when the record just sent was folded and found void."""

    def look(reply: object) -> None:
        if isinstance(reply, Settled) and reply.fate is None and reply.moved and not derived:
            message = "void"
            raise Refused(message)

    return _between(protocol.write(command, derived=derived), look)


def barrier_unfolded(command: bytes, *, derived: bool = False) -> Steps:
    """Answer a refusal once its barrier was appended, not waiting for the fold."""
    refused: list[Refusal] = []

    def look(reply: object) -> None:
        if isinstance(reply, Refusal) and not derived:
            refused.append(reply)
        elif refused and isinstance(reply, int):  # the offset of the barrier
            raise refused[-1].error

    return _between(protocol.write(command, derived=derived), look)


def derived_barred(command: bytes, *, derived: bool = False) -> Steps:  # noqa: ARG001 (the signature is the mutated one's)
    """Treat what a reaction or a delivery asks for as a person's command."""
    return protocol.write(command)


def no_checkpoint(command: bytes, *, derived: bool = False) -> Steps:
    """Answer success without waiting for the checkpoint."""
    return _between(protocol.write(command, derived=derived), lambda _: None, skip=(Publish,))


MUTANTS: dict[str, Parts] = {
    "no command-id check": Parts(rule=NoCommandIds),
    "no version check": Parts(rule=NoVersions),
    "expects only the written streams": Parts(rule=OnlyWritten),
    "ended streams accepted": Parts(rule=EndedAccepted),
    "no barrier": Parts(write=no_barrier),
    "void reported as refusal": Parts(write=void_is_refusal),
    "no cursor compare-and-swap": Parts(store=NoSwap),
    "answer before the checkpoint": Parts(write=no_checkpoint),
    # Beyond those that the design names: halves of the above, and the publisher's own rules.
    "no check for barred ids": Parts(rule=OnlyAcceptedIds),
    "no check for accepted ids": Parts(rule=OnlyBarredIds),
    "barrier not awaited": Parts(write=barrier_unfolded),
    "derived commands barred": Parts(write=derived_barred),
    "checkpoint before its tiles": Parts(tiles_first=False),
    "publishers without their lock": Parts(locks=False),
}
