"""Drive the protocol's steps against the real log, through the shared committer.

An `Append` and the `Settle` after it are one round trip: the committer appends the
record together with everybody's, folds, publishes, and answers what became of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from application.protocol import Append, Decide, LookUp, Settle, Settled, Step
from application.waiting import left_s
from domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from application.committer import Committer
    from application.protocol import Decision
    from ledger.store import Accepted

PATIENCE_S: Final = 10.0
"""How long one command may take before its sender is told that the outcome is open."""

_PAUSE_S: Final = 0.05

Result = TypeVar("Result")


class OutcomeOpen(Unavailable):
    """The time is up and it is not known whether the command was accepted."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the ledger did not answer in time, and the outcome of this command is open; nothing "
            "is lost: send the same command again with the same id, and you get the true answer"
        )


def drive(
    steps: Generator[Step, Any, Result],
    committer: Committer,
    decide: Callable[[], Decision] | None = None,
) -> tuple[Result, Accepted | None]:
    """Run steps to their end and return what they return; raises what they raise.

    Of an accepted command, also where it lies, when it was accepted just now.
    """
    accepted: Accepted | None = None
    deadline = time.monotonic() + left_s(PATIENCE_S)
    answer: Any = None
    record = b""
    try:
        while True:
            step, answer = steps.send(answer), None
            match step:
                case Append():
                    record = step.record
                case Settle():
                    answer = _settle(committer, record, step, deadline)
                    accepted = answer.accepted or accepted
                case Decide():
                    answer = decide() if decide else None
                case LookUp():
                    answer = committer.fate(step.command)
                case _:
                    committer.publish()
    except StopIteration as stop:
        return stop.value, accepted


def _settle(committer: Committer, record: bytes, step: Settle, deadline: float) -> Settled:
    """Send the record once and wait; an outage leaves it open, to be sent again."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise OutcomeOpen
    try:
        settled = committer.submit(record, step.command, step.expects).result(left)
    except TimeoutError:
        raise OutcomeOpen from None
    except Unavailable:
        settled = Settled(None, moved=False)
    if settled.fate is None and not settled.moved:
        time.sleep(_PAUSE_S)
    return settled
