"""One deadline for all that is done to answer one request."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from application.waiting import due_within, left_s


def test_whoever_waits_for_nobody_has_their_own_patience() -> None:
    assert left_s(3.0) == 3.0


def test_what_is_left_shrinks_and_is_never_below_nothing() -> None:
    with due_within(0.05):
        assert 0.0 < left_s(3.0) <= 0.05
        assert left_s(0.01) == 0.01
        time.sleep(0.06)
        assert left_s(3.0) == 0.0
    assert left_s(3.0) == 3.0


def test_a_deadline_inside_another_does_not_lengthen_it() -> None:
    with due_within(0.05), due_within(10.0):
        assert left_s(3.0) <= 0.05


def test_a_thread_that_works_for_a_request_has_its_deadline() -> None:
    with due_within(0.05), ThreadPoolExecutor(1) as threads:
        assert threads.submit(copy_context().run, left_s, 3.0).result() <= 0.05
        assert threads.submit(left_s, 3.0).result() == 3.0
