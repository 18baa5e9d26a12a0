"""The protocol alone, one step after the other, where a step's reply is given by hand."""

from typing import Any

import pytest

from application.protocol import (
    Append,
    Decide,
    LookUp,
    NeverAcceptable,
    Nothing,
    Proposal,
    Publish,
    Refusal,
    RefusedBefore,
    Settle,
    Settled,
    barrier,
    write,
)
from domain.errors import Refused
from ledger.rule import Fate

COMMAND = b"command-........"
EXPECTS = ((b"stream", 3),)
FIRST = Proposal(record=b"first", expects=EXPECTS)
SECOND = Proposal(record=b"second", expects=((b"stream", 4),))
REFUSAL = Refusal(Refused("as things stand"))

LOOK_UP = LookUp(COMMAND)


def settle(offset: int | None, expects: tuple[tuple[bytes, int], ...] = EXPECTS) -> Settle:
    return Settle(command=COMMAND, offset=offset, expects=expects)


def carry(*script: tuple[Any, Any], derived: bool = False) -> Fate | None:
    """Run the protocol against a script of (expected step, reply); return its answer."""
    steps = write(COMMAND, derived=derived)
    reply: Any = None
    for expected, following in script:
        assert steps.send(reply) == expected
        reply = following
    with pytest.raises(StopIteration) as end:
        steps.send(reply)
    answer: Fate | None = end.value.value
    return answer


def test_success_is_answered_only_after_the_checkpoint() -> None:
    answer = carry(
        (LOOK_UP, None),
        (Decide(), FIRST),
        (Append(b"first"), 7),
        (settle(7), Settled(Fate.ACCEPTED, moved=True)),
        (Publish(), None),
    )
    assert answer is Fate.ACCEPTED


def test_a_command_that_was_accepted_before_is_not_decided_again() -> None:
    assert carry((LOOK_UP, Fate.ACCEPTED), (Publish(), None)) is Fate.ACCEPTED


def test_a_barred_command_stays_refused() -> None:
    with pytest.raises(RefusedBefore):
        carry((LOOK_UP, Fate.BARRED))


def test_in_doubt_the_same_bytes_are_sent_until_what_they_expect_has_moved() -> None:
    carry(
        (LOOK_UP, None),
        (Decide(), FIRST),
        (Append(b"first"), None),
        (settle(None), Settled(None, moved=False)),
        (Append(b"first"), None),
        (settle(None), Settled(None, moved=True)),
        (Decide(), SECOND),
        (Append(b"second"), 9),
        (settle(9, SECOND.expects), Settled(Fate.ACCEPTED, moved=True)),
        (Publish(), None),
    )


def test_a_refusal_is_answered_only_after_its_barrier_was_folded() -> None:
    with pytest.raises(Refused, match="as things stand"):
        carry(
            (LOOK_UP, None),
            (Decide(), REFUSAL),
            (Append(barrier(COMMAND)), None),
            (settle(None, ()), Settled(None, moved=False)),
            (Append(barrier(COMMAND)), 5),
            (settle(5, ()), Settled(Fate.BARRED, moved=False)),
        )


def test_an_older_record_accepted_before_the_barrier_turns_a_refusal_into_success() -> None:
    answer = carry(
        (LOOK_UP, None),
        (Decide(), REFUSAL),
        (Append(barrier(COMMAND)), 5),
        (settle(5, ()), Settled(Fate.ACCEPTED, moved=False)),
        (Publish(), None),
    )
    assert answer is Fate.ACCEPTED


def test_a_derived_command_is_never_barred() -> None:
    steps = ((LOOK_UP, None), (Decide(), REFUSAL), (LOOK_UP, None), (Publish(), None))
    assert carry(*steps, derived=True) is None


def test_nothing_to_do_is_told_apart_from_what_another_process_just_did() -> None:
    nothing = ((LOOK_UP, None), (Decide(), Nothing()))
    assert carry(*nothing, (LOOK_UP, None), (Publish(), None)) is None
    assert carry(*nothing, (LOOK_UP, Fate.ACCEPTED), (Publish(), None)) is Fate.ACCEPTED
    with pytest.raises(RefusedBefore):
        carry(*nothing, (LOOK_UP, Fate.BARRED))


def test_a_record_that_is_void_for_its_form_is_not_sent_for_ever() -> None:
    with pytest.raises(NeverAcceptable, match="offset 7"):
        carry(
            (LOOK_UP, None),
            (Decide(), FIRST),
            (Append(b"first"), None),
            (settle(None), Settled(None, moved=False)),
            (Append(b"first"), 7),
            (settle(7), Settled(None, moved=False)),
        )
