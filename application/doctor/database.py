"""Checks of what the database says of itself: does it keep, does it refuse, is it on time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.doctor.finding import Finding, broken, ok, warn

VERSION_LEAST: Final = 14
APART: Final = timedelta(seconds=2)
APART_MAX: Final = timedelta(minutes=1)
OPEN_S_MAX: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a database says of itself; an adapter asks it.

    `version` is the major one; `unsafe` are settings under which it may lose what it
    acknowledged; `unguarded` are tables that may be changed though they only grow; `now` is
    its clock; `sessions` are other connections, and `open_s` the age of their oldest
    transaction in seconds.
    """

    version: int
    unsafe: tuple[str, ...]
    unguarded: tuple[str, ...]
    now: datetime
    sessions: int
    open_s: float


def durability(condition: Condition) -> Finding:
    """Check that what the database acknowledges is on the disk."""
    if condition.unsafe:
        return broken(
            "database",
            f"it may lose commits, for these are off: {', '.join(condition.unsafe)}",
            "turn fsync, synchronous_commit and full_page_writes on, and restart it",
        )
    if condition.version < VERSION_LEAST:
        do = f"move to PostgreSQL {VERSION_LEAST} or newer"
        return broken("database", f"PostgreSQL {condition.version} is too old", do, "upgrade")
    return ok("database", f"PostgreSQL {condition.version} answers, and syncs what it acknowledges")


def append_only(condition: Condition) -> Finding:
    """Check that the tables of the log refuse to be changed."""
    if condition.unguarded:
        return broken(
            "append-only",
            f"may be changed: {', '.join(condition.unguarded)}",
            "find out who dropped the triggers, run 'metroledger audit', then run the statements "
            "of adapters/postgres/schema.sql again",
        )
    return ok("append-only", "the log's tables refuse every change")


def clock(condition: Condition, before: datetime, after: datetime, touched: datetime) -> Finding:
    """Check that three clocks agree: ours around the question, the database's, the disk's.

    `touched` is the time the file system gave a file that was written between `before` and
    `after`.
    """
    ahead = max(_outside(one, before, after) for one in (condition.now, touched))
    says = f"this machine, the database and the disk differ by {ahead.total_seconds():.1f} s"
    do = "see that time is synchronised (timedatectl) on every machine; hours in leaves are claims"
    if ahead > APART_MAX:
        return broken("clock", says, do)
    if ahead > APART:
        return warn("clock", says, do)
    return ok("clock", "this machine, the database and the disk agree")


def sessions(condition: Condition) -> Finding:
    """Check that no other process sits on an open transaction."""
    says = f"{condition.sessions} other connections"
    if condition.open_s > OPEN_S_MAX:
        return warn(
            "other-processes",
            f"{says}, one with a transaction open for {condition.open_s / 60:.0f} minutes",
            "find the process and end it: while it waits the database cannot tidy up",
        )
    return ok("other-processes", says)


def _outside(instant: datetime, before: datetime, after: datetime) -> timedelta:
    """Return how far an instant lies outside of an interval."""
    return max(before - instant, instant - after, timedelta(0))
