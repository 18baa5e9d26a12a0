"""What a check found: in order, to be watched, or broken, each with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import MetroledgerError, Unavailable


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's word: its fixed name, how the thing stands, what is so, and what to do.

    `page` is a page of docs/manual, without its ending. No field holds personal data:
    counts, ages, paths of our own and names of operators only.
    """

    check: str
    state: State
    says: str
    do: str = ""
    page: str = ""


def ok(check: str, says: str) -> Finding:
    """Return that a thing is in order."""
    return Finding(check=check, state=State.OK, says=says)


def warn(check: str, says: str, do: str, page: str = "doctor") -> Finding:
    """Return that a thing works, and will not for long or not under every misfortune."""
    return Finding(check=check, state=State.WARN, says=says, do=do, page=page)


def broken(check: str, says: str, do: str, page: str = "doctor") -> Finding:
    """Return that a thing does not work, or breaks a promise already."""
    return Finding(check=check, state=State.BROKEN, says=says, do=do, page=page)


def examine(check: str, look: Callable[[], Finding]) -> Finding:
    """Look, and turn whatever is raised into a finding: the round goes on.

    Our own errors say what to do; of others only the kind is told, for their words may
    quote values.
    """
    try:
        return look()
    except Unavailable as error:
        return broken(check, str(error), "start what does not answer, then look again")
    except MetroledgerError as error:
        return broken(check, str(error), "do what the message says before anything is started")
    except OSError as error:
        what = f"{error.strerror or type(error).__name__}: {error.filename or 'no file named'}"
        return broken(check, what, "correct the path or its permissions, then look again")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks must be made
        return broken(
            check,
            f"the check itself failed with {type(error).__name__}",
            "note the version and this line, and report it",
        )


def worst(findings: Iterable[Finding]) -> State:
    """Return how an installation stands: as its worst finding."""
    order = list(State)
    return max((finding.state for finding in findings), key=order.index, default=State.OK)
