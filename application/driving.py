"""Drive the protocol's steps against the real log, through the shared committer.

An `Append` and the `Settle` after it are one round trip: the committer appends the
record together with everybody's, folds, publishes, and answers what became of it.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from application.protocol import Append, Decide, LookUp, Settle, Settled, Step
from application.submissions import LedgerBusy
from application.waiting import left_s
from domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future

    from application.committer import Committer
    from application.protocol import Decision
    from ledger.rule import Fate
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


class FateUnknown(Unavailable):
    """The time is up before it was known what became of a command until now; nothing was sent."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the ledger's database or log is slow: it is not known yet whether this command was "
            "given before, and nothing of it was sent now; give it again with the same id in a "
            "moment"
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
    sending = _Sending(committer, time.monotonic() + left_s(PATIENCE_S))
    answer: Any = None
    record = b""
    try:
        while True:
            step, answer = steps.send(answer), None
            match step:
                case Append():
                    record = step.record
                case Settle():
                    answer = sending.settle(record, step)
                    accepted = answer.accepted or accepted
                case Decide():
                    answer = decide() if decide else None
                case LookUp():
                    answer = sending.look_up(step.command)
                case _:
                    sending.publish()
    except StopIteration as stop:
        return stop.value, accepted
    except Unavailable as error:
        if sending.sent:  # whatever failed after that, what was sent may stand
            raise OutcomeOpen from error
        raise


def fate_of(committer: Committer, command: bytes) -> Fate | None:
    """Return what became of a command so far; raise `FateUnknown` where that takes too long."""
    return _Sending(committer, time.monotonic() + left_s(PATIENCE_S)).look_up(command)


@dataclass(slots=True)
class _Sending:
    """One command on its way: until when it may take, and whether anything of it was `sent`.

    Past the time the outcome is open only where something was: a record that no batch has taken
    is called back, and its sender told that nothing was sent.
    """

    committer: Committer
    deadline: float
    sent: bool = False

    def look_up(self, command: bytes) -> Fate | None:
        """Return what became of the command so far."""
        try:
            return self._within(self.committer.look_up(command))
        except _TooLate:
            raise (OutcomeOpen if self.sent else FateUnknown) from None

    def settle(self, record: bytes, step: Settle) -> Settled:
        """Send the record once and wait; an outage leaves it open, to be sent again."""
        settled = Settled(None, moved=False)
        try:
            settled = self._within(self._send(record, step))
            self.sent = True
        except _TooLate as late:
            self.sent = self.sent or not late.called_back
            raise (OutcomeOpen if self.sent else LedgerBusy) from None
        except LedgerBusy:
            pass
        except Unavailable:
            self.sent = True
        if settled.fate is None and not settled.moved:
            time.sleep(_PAUSE_S)
        return settled

    def publish(self) -> None:
        """Have published what stands; where that cannot be seen to, it stands all the same."""
        try:
            self.committer.publish()
        except Unavailable as error:
            raise OutcomeOpen from error

    def _send(self, record: bytes, step: Settle) -> Future[Settled]:
        if time.monotonic() >= self.deadline:
            raise _TooLate(called_back=True)
        return self.committer.submit(record, step.command, step.expects)

    def _within(self, answer: Future[Result]) -> Result:
        """Wait for an answer; raise `_TooLate` when the time is up.

        What was not appended by then never will be by this call: nobody waits for it any more.
        """
        try:
            return answer.result(max(self.deadline - time.monotonic(), 0))
        except (TimeoutError, CancelledError):  # the latter where the program ends
            raise _TooLate(called_back=answer.cancel()) from None


class _TooLate(Exception):
    """The time is up; whether what was waited for had not begun, and never will."""

    def __init__(self, *, called_back: bool) -> None:
        """Take whether it was called back."""
        super().__init__()
        self.called_back = called_back
