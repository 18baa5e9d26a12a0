"""Ask again and again whether the log is still the one that was folded; stop writing where not.

Before the first fold is not enough: retention, a deleted topic, a tail that a broker lost can
come at any hour. So it is asked each minute, and at once when the log says that it was
connected to anew or changed its leader. What is found then stays found: writers are told the
same until somebody has looked and the process starts again.

A portal may start while the log is away: it shows what was folded so far, and takes what ends
something (`application.inbox`). Nothing is written or folded before the log was compared.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from application.telling import tell
from domain.errors import Corrupt, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.fold import Folder

EVERY_S: Final = 30.0
"""How long after a check the next one begins: found within a minute, with its own time and more."""

AGAIN_S: Final = 1.0
"""How soon a check is repeated that got no answer."""


class NotComparedYet(Unavailable):
    """The log was away when this process started, and has not been compared since."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the log did not answer when this process started, and nothing is written before it "
            "was compared with what was folded; nothing is lost: see that the log answers (manual: "
            "kafka), and give the same command again"
        )


def look_over(folder: Folder) -> None:
    """Check that the log is the one folded, and fold to its end.

    Raises `Corrupt` where it is not ours or cannot be folded on: a rule that this program does
    not know is met only by folding up to it. Raises `Unavailable`.
    """
    folder.check()
    folder.fold_through(folder.log.end() - 1)


class Guard:
    """Runs a check in a thread of its own; `ensure` raises what it has found."""

    def __init__(self, check: Callable[[], None], *, every_s: float = EVERY_S) -> None:
        """Take the check, which raises `Corrupt` where the log is not ours."""
        self._check = check
        self._every_s = every_s
        self._due = threading.Event()
        self._over = False
        self._found: Corrupt | None = None
        self._compared = True
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def look_first(self, *, may_wait: bool) -> bool:
        """Make the check of a start; say whether it got an answer.

        Raises what the check does. Where it gets no answer and `may_wait`, `ensure` raises
        `NotComparedYet` from then on, until a later check got one.
        """
        try:
            self._check()
        except Unavailable as error:
            if not may_wait:
                raise
            self._compared = False
            tell("log-not-compared", logging.WARNING, error=error)
        return self._compared

    def start(self) -> None:
        """Begin; the next check comes after the interval, or soon where the first had no answer."""
        self._thread.start()

    def wake(self) -> None:
        """Have the check made now. From any thread; returns at once."""
        self._due.set()

    def ensure(self) -> None:
        """Raise what was found, or that nothing was compared yet; else return at once."""
        if self._found is not None:
            raise self._found
        if not self._compared:
            raise NotComparedYet

    def close(self) -> None:
        """End the thread."""
        self._over = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = self._every_s if self._compared else AGAIN_S
        while self._found is None:
            self._due.wait(wait_s)
            self._due.clear()
            if self._over:
                return
            wait_s = self._look()

    def _look(self) -> float:
        """Check once; return how long to wait for the next time."""
        try:
            self._check()
        except Unavailable:
            return AGAIN_S
        except Corrupt as error:
            self._found = error
            tell("log-not-ours", logging.CRITICAL, error=error)
        except Exception as error:  # noqa: BLE001 - a guard that died would be missed by nobody
            tell("guard-failed", logging.ERROR, error=error)
            return AGAIN_S
        else:
            self._compared = True
        return self._every_s
