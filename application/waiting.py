"""How long whoever asked may be kept waiting: one deadline for all that is done to answer them.

One request may carry several commands and ask the log many times, and each of these has a
patience of its own. While the log is away they would add up; so the door says once when the
request is due, and whoever waits on its behalf waits no longer than is left.
"""

from __future__ import annotations

import contextlib
import math
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DUE: Final[ContextVar[float]] = ContextVar("due", default=math.inf)


@contextlib.contextmanager
def due_within(seconds: float) -> Iterator[None]:
    """Have everything that is waited for inside, in this thread or task, be over in this time."""
    token = _DUE.set(min(_DUE.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _DUE.reset(token)


def left_s(most_s: float) -> float:
    """Return how long may be waited still, in seconds: at most `most_s`, and never below 0."""
    return max(min(most_s, _DUE.get() - time.monotonic()), 0.0)
