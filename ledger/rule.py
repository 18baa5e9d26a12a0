"""The rule: which records of a log happened.

Kafka has no conditional append, so anyone may append and every reader arbitrates.
All readers apply this one pure rule to headers alone, in the order of the log:

    the first record whose `expects` all equal the heads, none of them ended, and
    whose command id is neither accepted nor barred, is accepted; every other
    record is void.

A barrier bars a command id that is not accepted yet: from then on no record with
that id can be accepted, so a refusal may be told. Versions of the *written* streams
alone would allow write skew (a grant decided before an erasure would win after it);
versions without command ids would apply a command twice when its first record was
only delayed.

The rule changes only by a record that says so; a reader that does not know the new
rule stops (`UnknownRule`), and so two readers never arbitrate differently.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from domain.errors import Corrupt
from ledger.record import Header, Kind

if TYPE_CHECKING:
    from ledger.record import Write

RULE: Final = 1
"""The version of the rule that this module is."""


class UnknownRule(Corrupt):
    """The log went over to a rule this program does not know."""

    def __init__(self, version: int) -> None:
        """Take the version that the log asks for."""
        super().__init__(
            f"the log follows version {version} of the rule and this program knows {RULE}; "
            "upgrade metroledger before it folds on (manual: upgrade)"
        )


class Head(NamedTuple):
    """Where a stream stands: how many events it holds, and whether it ended."""

    version: int
    ended: bool


NO_STREAM: Final = Head(0, ended=False)
"""The head of a stream nobody has written yet."""


class Fate(StrEnum):
    """What became of a command id."""

    ACCEPTED = "accepted"
    BARRED = "barred"


class Void(StrEnum):
    """Why a record is void."""

    MALFORMED = "malformed"
    COMMAND_ACCEPTED = "command_accepted"
    COMMAND_BARRED = "command_barred"
    STREAM_ENDED = "stream_ended"
    VERSION_MOVED = "version_moved"
    NOT_THE_FIRST = "genesis_not_the_first"


class View(Protocol):
    """What the rule looks up: the state before the record it judges."""

    def head(self, stream: bytes) -> Head:
        """Return where a stream stands."""

    def fate(self, command: bytes) -> Fate | None:
        """Return what became of a command id, None when nothing has."""


class Rule:
    """The rule, clause by clause; a class so that tests can break each clause in turn."""

    def judge(self, header: Header, view: View) -> Void | None:
        """Return why a record is void, or None: it is accepted."""
        if header.kind is Kind.GENESIS:
            return Void.NOT_THE_FIRST
        fate = self.fate(header, view)
        if fate is not None:
            return Void.COMMAND_ACCEPTED if fate is Fate.ACCEPTED else Void.COMMAND_BARRED
        for stream, version in header.expects():
            head = view.head(stream)
            if self.ended(head):
                return Void.STREAM_ENDED
            if self.moved(head, version):
                return Void.VERSION_MOVED
        return None

    def fate(self, header: Header, view: View) -> Fate | None:
        """Return what became of the record's command id before it."""
        return view.fate(header.command)

    def ended(self, head: Head) -> bool:
        """Whether a stream takes no more events."""
        return head.ended

    def moved(self, head: Head, version: int) -> bool:
        """Whether a stream is not where the decision saw it."""
        return head.version != version


def advance(write: Write) -> Head:
    """Return the head of a stream after a commit wrote to it."""
    return Head(write.version + write.events, ended=bool(write.ends))
