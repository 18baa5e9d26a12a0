"""Codes of a phone: of this moment and its neighbours, as RFC 6238 computes them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from application.access import second_factor
from application.access.second_factor import STEP, recovery_digest, step_of
from keys.key import Key

SECRET: Final = base64.b32encode(b"12345678901234567890").decode()
KEY: Final = Key(UUID(int=1), bytes(32))


@pytest.mark.parametrize(
    ("second", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(second: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1; the last six of its eight digits."""
    now = datetime.fromtimestamp(second, UTC)
    assert step_of(SECRET, code, now) == second // 30
    assert step_of(SECRET, f"{code[:3]} {code[3:]}", now) == second // 30


def test_a_code_is_taken_a_step_early_or_late_and_no_more() -> None:
    now = datetime.fromtimestamp(1_111_111_109, UTC)
    step = 1_111_111_109 // 30
    for steps in (-1, 0, 1):
        assert step_of(SECRET, "081804", now + steps * STEP) == step
    for steps in (-2, 2, 20):
        assert step_of(SECRET, "081804", now + steps * STEP) is None


@pytest.mark.parametrize(
    "code", ["", "081805", "81804", "0818040", "é81804", "\udc80", "0" * 9_000]
)
def test_what_is_no_code_of_now_is_none(code: str) -> None:
    assert step_of(SECRET, code, datetime.fromtimestamp(1_111_111_109, UTC)) is None


def test_a_secret_follows_from_all_it_is_shown_for() -> None:
    shown = {second_factor.derive_secret(KEY, *parts) for parts in [(b"a",), (b"b",), (b"a", b"b")]}
    shown |= {second_factor.derive_secret(KEY, b"ab"), second_factor.derive_secret(KEY, b"a", b"")}
    assert len(shown) == 5
    assert {len(base64.b32decode(one)) for one in shown} == {20}


def test_recovery_codes_are_long_unlike_and_taken_however_they_are_typed() -> None:
    codes = second_factor.draw_recovery()
    assert len(set(codes)) == 10
    for code in codes:
        assert len(base64.b32decode(code.replace("-", ""))) == 10
        for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
            assert recovery_digest(KEY, typed) == recovery_digest(KEY, code)
    other = Key(UUID(int=2), bytes(31) + b"1")
    assert recovery_digest(other, codes[0]) != recovery_digest(KEY, codes[0])


def test_steps_are_half_a_minute() -> None:
    assert timedelta(seconds=30) == STEP
