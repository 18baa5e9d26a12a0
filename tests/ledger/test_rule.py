"""The rule, as a table: a header, the state before it, and the verdict."""

from dataclasses import dataclass, field

import pytest

from ledger import record as records
from ledger.record import Kind, Write
from ledger.rule import NO_STREAM, Fate, Head, Rule, Void, advance
from tests.ledger.builders import GENESIS, barrier, commit, name, plain


@dataclass
class State:
    heads: dict[bytes, Head] = field(default_factory=dict)
    fates: dict[bytes, Fate] = field(default_factory=dict)

    def head(self, stream: bytes) -> Head:
        return self.heads.get(stream, NO_STREAM)

    def fate(self, command: bytes) -> Fate | None:
        return self.fates.get(command)


LIVE_AT_2 = Head(2, ended=False)
ENDED_AT_2 = Head(2, ended=True)

CLAUSES: tuple[tuple[str, bytes, dict[str, Head], dict[str, Fate], Void | None], ...] = (
    ("a first event on a new stream", commit("c", ("a", 0)), {}, {}, None),
    ("a stream where it was seen", commit("c", ("a", 2)), {"a": LIVE_AT_2}, {}, None),
    ("a stream that moved on", commit("c", ("a", 1)), {"a": LIVE_AT_2}, {}, Void.VERSION_MOVED),
    ("a version from the future", commit("c", ("a", 3)), {"a": LIVE_AT_2}, {}, Void.VERSION_MOVED),
    ("a stream that should exist", commit("c", ("a", 1)), {}, {}, Void.VERSION_MOVED),
    ("a stream that should not", commit("c", ("a", 0)), {"a": LIVE_AT_2}, {}, Void.VERSION_MOVED),
    (
        "a written stream that ended",
        commit("c", ("a", 2)),
        {"a": ENDED_AT_2},
        {},
        Void.STREAM_ENDED,
    ),
    (
        "a read stream that ended",
        commit("c", ("a", 0), reads=(("r", 2),)),
        {"r": ENDED_AT_2},
        {},
        Void.STREAM_ENDED,
    ),
    (
        "a read stream that moved on",
        commit("c", ("a", 0), reads=(("r", 1),)),
        {"r": LIVE_AT_2},
        {},
        Void.VERSION_MOVED,
    ),
    (
        "the last of many streams moved on",
        commit("c", ("a", 0), ("b", 0), ("z", 1), reads=(("r", 2),)),
        {"r": LIVE_AT_2, "z": LIVE_AT_2},
        {},
        Void.VERSION_MOVED,
    ),
    (
        "a command accepted before",
        commit("c", ("a", 2)),
        {"a": LIVE_AT_2},
        {"c": Fate.ACCEPTED},
        Void.COMMAND_ACCEPTED,
    ),
    (
        "a barred command",
        commit("c", ("a", 2)),
        {"a": LIVE_AT_2},
        {"c": Fate.BARRED},
        Void.COMMAND_BARRED,
    ),
    ("another command's fate", commit("c", ("a", 0)), {}, {"d": Fate.BARRED}, None),
    ("a barrier", barrier("c"), {}, {}, None),
    ("a barrier too late", barrier("c"), {}, {"c": Fate.ACCEPTED}, Void.COMMAND_ACCEPTED),
    ("a barrier again", barrier("c"), {}, {"c": Fate.BARRED}, Void.COMMAND_BARRED),
    ("a change of rule", plain(Kind.RULE, "c"), {}, {}, None),
    ("a change of rule again", plain(Kind.RULE, "c"), {}, {"c": Fate.BARRED}, Void.COMMAND_BARRED),
    ("a genesis that is not the first", GENESIS, {}, {}, Void.NOT_THE_FIRST),
)


@pytest.mark.parametrize(
    ("record", "heads", "fates", "verdict"),
    [row[1:] for row in CLAUSES],
    ids=[r[0] for r in CLAUSES],
)
def test_the_rule_judges_by_expects_endings_and_command_ids_alone(
    record: bytes, heads: dict[str, Head], fates: dict[str, Fate], verdict: Void | None
) -> None:
    state = State(
        {name(stream): head for stream, head in heads.items()},
        {name(command): fate for command, fate in fates.items()},
    )
    assert Rule().judge(records.decode(record).header, state) == verdict


def test_the_table_reaches_every_reason_but_the_form_itself() -> None:
    assert {row[4] for row in CLAUSES} == {None, *Void} - {Void.MALFORMED}


def test_a_commit_moves_a_stream_by_its_events_and_may_end_it() -> None:
    assert advance(Write(name("a"), 2, 3, 0)) == Head(5, ended=False)
    assert advance(Write(name("a"), 0, 1, 1)) == Head(1, ended=True)
