"""Checks of the ledger: is the log ours, is what we signed true, does collection go on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from application.acts import Inbox
from application.doctor.finding import Finding, broken, ok, warn
from application.publishing import check_published
from application.register import Contents
from application.tally import Tally
from domain.aggregates import agreement
from domain.aggregates.notice import Notice
from domain.values import civil_day, month_after
from keys.store import KeyStore
from ledger.fold import Folder
from ledger.store import FoldStore
from projections.projector import Projector
from projections.requests import Request
from projections.store import Part
from proofs.checkpoint import SignedCheckpoint, open_checkpoint
from proofs.journal import Journal
from proofs.publication import Publisher
from proofs.signing import Verifier

CHECKPOINTS_MAX: Final = 1_000
FOLD_LAG_MAX: Final = 10_000
SHOWN_LAG_MAX: Final = 400
SOON: Final = timedelta(days=60)
WAITING_MAX: Final = timedelta(minutes=10)
ACTS_MAX: Final = 1_000
UNPUBLISHED_MAX: Final = timedelta(minutes=2)
CARRIED_OUT_WITHIN: Final = timedelta(hours=1)
ANSWERED_SOON: Final = timedelta(days=7)
PATIENCE_S: Final = 3.0
QUIET: Final = timedelta(days=3)
"""Enedis sends a day's indexes by the day after; at the third it counts as late."""

_PAUSE_S: Final = 0.02


def log_is_ours(folder: Folder) -> Finding:
    """Check that the log is the one that was folded, and how far behind it the fold is."""
    folder.check()
    behind = folder.log.end() - folder.store.cursor().offset
    if behind > FOLD_LAG_MAX:
        says = f"{behind} records of the log are not folded yet"
        return warn("log", says, "see that 'metroledger run' runs, and whether it moves")
    return ok("log", f"it is ours; {behind} records wait to be folded")


def waiting(inbox: Inbox, now: datetime) -> Finding:
    """Check that no act of a person waits longer for the log than an outage takes."""
    kept = inbox.oldest(ACTS_MAX)
    if not kept:
        return ok("waiting", "no act of a person waits for the log")
    minutes = int((now - kept[0].at).total_seconds() // 60)
    says = f"{len(kept)} acts wait for the log, the oldest for {minutes} minutes"
    if now - kept[0].at < WAITING_MAX:
        return ok("waiting", f"{says}; what they end is shown no more")
    do = "see that the log answers and that 'metroledger run' runs: they then go by themselves"
    return warn("waiting", says, do, "kafka")


def tree(publisher: Publisher, store: FoldStore) -> Finding:
    """Check that the database's tree extends the last checkpoint that was signed."""
    cursor = check_published(publisher, store)
    return ok("tree", f"{cursor.size} leaves; they extend the published checkpoint")


def checkpoints(journal: Path, verifier: Verifier, published: SignedCheckpoint | None) -> Finding:
    """Check that the journal is whole, that its newest checkpoints are ours, and grow.

    That each is a state of the one tree is what 'metroledger audit' computes.
    """
    book = Journal(journal)
    notes = list(book.notes())
    signed = [open_checkpoint(note, [verifier]) for note in notes[-CHECKPOINTS_MAX:]]
    for before, after in pairwise(one.checkpoint for one in signed):
        if before.size >= after.size:
            book.refuse(f"a checkpoint of size {after.size} follows one of {before.size}")
    if published is not None and published.note not in notes[-CHECKPOINTS_MAX:]:
        book.refuse("it does not hold the published checkpoint")
    return ok("checkpoints", f"{len(notes)} in the journal; the last {len(signed)} verify and grow")


def checkpoint(
    publisher: Publisher, store: FoldStore, age: timedelta, *, patience_s: float = PATIENCE_S
) -> Finding:
    """Check that what was folded is published; `age` is how old the published checkpoint is.

    A commit is answered only under a checkpoint, so the two differ for moments only; one
    that comes after hours of silence is given `patience_s` seconds.
    """
    size = store.cursor().size
    deadline = time.monotonic() + patience_s
    while (published := _published(publisher)) < size and age > UNPUBLISHED_MAX:
        if time.monotonic() > deadline:
            return broken(
                "checkpoint",
                f"{size - published} leaves are not published, the last checkpoint is {age} old",
                "look at the disk, and start any command of the ledger: it publishes",
            )
        time.sleep(_PAUSE_S)
    return ok("checkpoint", f"it covers {published} leaves; {max(size - published, 0)} to come")


def key_store(keys: KeyStore) -> Finding:
    """Check that the key store opened, and what opening it had to finish."""
    gone, ended = keys.opening.keys_destroyed, keys.opening.epoch_ended
    if gone:
        return warn(
            "key-store",
            f"it was a copy from a backup: {gone} keys were destroyed again, as the journal says",
            "find out who restored it; keys minted since that copy are lost",
            "key-store",
        )
    if keys.is_ending():
        end = "; its end is under way"
    else:
        end = "; an epoch’s end that was interrupted is now finished" if ended else ""
    return ok("key-store", f"it opens, in epoch {keys.epoch().generation}{end}")


def readable(projector: Projector) -> Finding:
    """Check that every accepted event could be shown.

    One that could not is an alarm and makes no process unready: all others are shown.
    """
    unread = projector.store.unread()
    if unread:
        return broken(
            "readable",
            f"{len(unread)} accepted events cannot be shown, the first at position "
            f"{unread[0].position} ({unread[0].reason})",
            "run 'metroledger audit --open': it names what was altered or lost",
        )
    return ok("readable", "all that was accepted can be shown")


def shown(projector: Projector) -> Finding:
    """Check that what the portal shows is up to date."""
    lag = max(projector.lag(part) for part in Part)
    if lag >= SHOWN_LAG_MAX:
        says = f"at least {lag} commits are not shown yet"
        return warn("shown", says, "see that 'metroledger run' runs, and whether it moves")
    return ok("shown", f"{lag} commits wait to be shown")


def agreements(contents: Contents, now: datetime) -> Finding:
    """Check that agreements are in force, and none is about to end."""
    living = [one for one in contents.agreements.values() if agreement.in_force(one, now)]
    ends = sorted((one.signed.last_day, one.signed.operator) for one in living if one.signed)
    if not ends:
        do = "sign one: metroledger agreement sign"
        return warn("agreements", "none is in force: every reading is refused", do)
    soon = civil_day(now + SOON)
    if ending := [f"{operator} on {day}" for day, operator in ends if day <= soon]:
        says = f"about to end: {', '.join(ending)}"
        do = "renew it in time: without one every reading of the operator is refused"
        return warn("agreements", says, do)
    return ok("agreements", f"{len(ends)} in force, the first to end on {ends[0][0]}")


def consents(tally: Tally, now: datetime) -> Finding:
    """Check that consents whose last day is over have their ending on the ledger."""
    lapsed = tally.lapsed(civil_day(now))
    if lapsed:
        return warn(
            "consents",
            f"{lapsed} are over and not recorded as expired; nothing is collected under them",
            "see that 'metroledger run' runs: it records them each day",
        )
    return ok("consents", f"{len(tally.lasts)} in force")


def deliveries(tally: Tally, now: datetime) -> Finding:
    """Check that files come, and that what comes can be read."""
    taken, failed = tally.taken_at, tally.parked_at
    if failed is not None and (taken is None or failed > taken):
        reasons = ", ".join(name.replace("_", " ") for name, _ in tally.parked.most_common(3))
        since = "yet" if taken is None else f"since {taken:%Y-%m-%d %H}h UTC"
        return broken(
            "deliveries",
            f"files came, and none could be read {since}; parked so far: {reasons}",
            "mend the reason (most often: a new key), then ingest again with --attempt 1",
            "parked-files",
        )
    if taken is None:
        return warn("deliveries", "none was taken in yet", "ask the operator whether it sends")
    age = now - taken
    if age > QUIET:
        says = f"the last was taken in {age.days} days ago"
        return warn("deliveries", says, "ask the operator whether it sends, look at the drop box")
    return ok("deliveries", f"{tally.deliveries} taken in, the last {age.days} days ago")


def hours(tally: Tally, now: datetime) -> Finding:
    """Check that the clock is not behind what was written already."""
    latest = max(_known([tally.taken_at, tally.parked_at]), default=now)
    if latest > now + timedelta(hours=1):
        says = f"the ledger holds an hour that has not come yet: {latest:%Y-%m-%d %H}h UTC"
        return broken("hours", says, "set this machine’s clock right before anything is written")
    return ok("hours", "the ledger holds no hour that has not come yet")


def erasures(waiting: Iterable[Request], now: datetime) -> Finding:
    """Check that requests are answered within their month, and validated ones carried out."""
    requests = list(waiting)
    validated = [one.validated_at for one in requests if one.validated_at is not None]
    if stuck := sum(now - at > CARRIED_OUT_WITHIN for at in validated):
        return broken(
            "erasures",
            f"{stuck} were validated over an hour ago and are not carried out",
            "see that 'metroledger run' runs; 'metroledger erase ACCOUNT' says what stops one",
            "erasures",
        )
    unanswered = [one for one in requests if one.validated_at is None]
    left = [month_after(one.requested_at) - civil_day(now) for one in unanswered]
    do = "answer at /agents/effacements; 'metroledger erase status' says which"
    if late := sum(days < timedelta(0) for days in left):
        says = f"{late} of {len(left)} requests are past the month to answer them in"
        return broken("erasures", says, do, "erasures")
    if soon := sum(days <= ANSWERED_SOON for days in left):
        says = f"{soon} of {len(left)} requests are to be answered within {ANSWERED_SOON.days} days"
        return warn("erasures", says, do, "erasures")
    return ok("erasures", f"{len(left)} requests wait for an answer, none of them pressing")


def notices(living: Iterable[Notice]) -> Finding:
    """Check that no notice of an erasure needs a person."""
    waiting = list(living)
    causes = Counter(one.escalated.cause.value for one in waiting if one.escalated)
    if causes:
        told = ", ".join(f"{count} {cause}" for cause, count in sorted(causes.items()))
        return warn(
            "notices",
            f"of {len(waiting)} notices of erasures {causes.total()} need a person: {told}",
            "'metroledger erase status' says which; tell whom each is for, then note their answer",
            "erasures",
        )
    return ok("notices", f"{len(waiting)} wait for an acknowledgement, none of them for long")


def _published(publisher: Publisher) -> int:
    signed = publisher.published()
    return signed.checkpoint.size if signed else 0


def _known(instants: Iterable[datetime | None]) -> list[datetime]:
    return [instant for instant in instants if instant is not None]
