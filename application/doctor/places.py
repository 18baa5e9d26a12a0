"""Checks of files: who may read secrets, what lies together, what is old, what is full."""

from __future__ import annotations

import contextlib
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from uuid import UUID

from application.doctor.finding import Finding, broken, ok, warn
from application.parking import KEPT_DAYS
from proofs.signing import Signer

EPOCH_AGE: Final = timedelta(hours=36)
"""An epoch ends each day; half a day more is a night on which that failed."""

DISK_LEAST: Final = 64 << 20
"""With less room than this, PostgreSQL may not get its next 16 MB of log."""
DISK_LOW: Final = 2 << 30
PARKED_SOON_DAYS: Final = 7


def secrets(places: Iterable[Path]) -> Finding:
    """Check that nobody but their owner may reach secrets: files 0600, directories 0700.

    A place that is not there is another check's business.
    """
    there = [path for path in places if path.exists()]
    exposed = [path for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if not exposed:
        return ok("secrets", f"{len(there)} places, for their owner alone")
    commands = "; ".join(f"chmod {'700' if p.is_dir() else '600'} {p}" for p in exposed)
    return broken(
        "secrets",
        f"others may reach {', '.join(map(str, exposed))}",
        f"{commands}; then find out who could read it meanwhile",
    )


def connection(servers: Iterable[str], *, tls: bool) -> Finding:
    """Check that the log's brokers are not spoken to in clear over a network.

    `servers` are HOST:PORT. A name that is not this machine's own is taken for another machine's.
    """
    away = [server for server in servers if not _is_here(server.rpartition(":")[0])]
    if tls or not away:
        return ok("log-connection", "over TLS" if tls else "on this machine")
    return warn(
        "log-connection",
        f"in clear to {', '.join(away)}: whoever is on that network can read and add records",
        "let the brokers listen with TLS and set METROLEDGER_KAFKA_TLS=yes, unless that network is "
        "theirs and the ledger's alone",
        "kafka",
    )


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def apart(store: Path, keyring: Path | None, journal: Path) -> Finding:
    """Check that key store, keyring and journal of destroyed keys do not lie together.

    `store` is a directory, the others are files; no keyring where another keeper than a file
    has the epoch key. Whoever restores, copies or snapshots two of them at once undoes an
    erasure.
    """
    homes = {
        "key store": store.resolve(),
        "journal of destroyed keys": journal.resolve().parent,
    }
    if keyring is not None:
        homes["keyring"] = keyring.resolve().parent
    nested = [
        f"the {inner} lies with the {outer}"
        for inner, a in homes.items()
        for outer, b in homes.items()
        if inner != outer and a.is_relative_to(b)
    ]
    if nested:
        do = "stop all processes, and move one of them to a directory of its own"
        return broken("keys-apart", "; ".join(nested), do, "key-store")
    if keyring is None:
        return ok("keys-apart", "key store and journal lie apart; the epoch key is elsewhere")
    if homes["key store"].stat().st_dev == homes["keyring"].stat().st_dev:
        return warn(
            "keys-apart",
            "key store and keyring lie on one file system: one snapshot of it holds both",
            f"mount another file system at {keyring.parent}, or see that no backup and no "
            "snapshot covers both directories",
            "key-store",
        )
    return ok("keys-apart", "key store, keyring and journal lie apart")


def backup(copy: Path | None, keyring: Path | None, since: datetime) -> Finding:
    """Check the copy of the key store that each epoch's end leaves: there, apart, and of now.

    The present epoch began at `since`; there is no keyring where another keeper has its key.
    """
    if copy is None:
        return warn(
            "key-backup",
            "no copy of the key store is made: if its disk is lost, so is every reading",
            "set METROLEDGER_KEY_BACKUP to a file on another disk, never beside the keyring",
            "key-store",
        )
    if keyring is not None and copy.resolve().is_relative_to(keyring.resolve().parent):
        do = "set METROLEDGER_KEY_BACKUP to a place that no backup of the keyring covers"
        return broken("key-backup", "the key store's copy lies with the keyring", do, "key-store")
    if not copy.exists():
        do = "see that the next epoch's end makes it"
        return warn("key-backup", "there is no copy of the key store yet", do, "key-store")
    if copy.stat().st_mtime < since.timestamp():
        return broken(
            "key-backup",
            "the key store's copy is older than the present epoch: it opens nothing",
            "see why the last epoch's end left no copy: is its disk there, and not full?",
            "key-store",
        )
    return ok("key-backup", "there is a copy of the key store, of the present epoch")


def epoch(since: Sequence[datetime], now: datetime) -> Finding:
    """Check that the epoch key is young, and that no epoch's end stands half done.

    `since` is when each epoch began whose key is there, oldest first.
    """
    if len(since) > 1:
        do = "start any command of the ledger: opening the key store finishes it"
        return warn("epoch", "an epoch's end was interrupted", do, "key-store")
    age = now - since[-1]
    if age > EPOCH_AGE:
        return warn(
            "epoch",
            f"the epoch began {_days(age)} ago: older copies of the key store still open",
            "see that 'metroledger run' runs, which ends an epoch each day",
            "key-store",
        )
    return ok("epoch", f"the epoch began {_hours(age)} ago")


def signing(key: Path, public: Path, origin: str) -> Finding:
    """Check that the log's signing key is there, and the public key handed out is its half."""
    signer = Signer.decode(key.read_text("ascii").strip())
    if signer.name != origin or public.read_text("ascii").strip() != signer.verifier.encode():
        do = "put back the pair that was made with this ledger; sign nothing until then"
        return broken("signing-key", f"{key.name} and {public.name} are no pair of ours", do)
    return ok("signing-key", f"signs for {origin}, and {public.name} is its public half")


def disk(places: Iterable[Path], *, least: int = DISK_LEAST, low: int = DISK_LOW) -> Finding:
    """Check that there is room, in bytes, where the ledger writes."""
    room, place = min((shutil.disk_usage(path).free, path) for path in places if path.exists())
    says = f"{room >> 20} MB free at {place}"
    if room < least:
        return broken("disk", says, "free some space now: the database is about to stop")
    if room < low:
        return warn("disk", says, "free some space, or give it a larger disk")
    return ok("disk", says)


def operator_keys(counts: Mapping[str, int]) -> Finding:
    """Check that there is at least one decryption key for each operator that encrypts."""
    without = [operator for operator, count in counts.items() if not count]
    if without:
        do = "ask the operator for the present key, then: metroledger operator keys FILE"
        says = f"no key for {', '.join(without)}: its files cannot be opened"
        return warn("operator-keys", says, do, "parked-files")
    told = ", ".join(f"{operator}: {count}" for operator, count in counts.items())
    return ok("operator-keys", told)


def parked(directory: Path, now: datetime) -> Finding:
    """Check how many files lie parked, and how long until the first of them is destroyed."""
    name_length = len(str(UUID(int=0)))
    files = (
        [p for p in directory.iterdir() if len(p.name) == name_length] if directory.is_dir() else []
    )
    if not files:
        return ok("parked-files", "none")
    oldest = datetime.fromtimestamp(min(path.stat().st_mtime for path in files), now.tzinfo)
    left = (oldest + timedelta(days=KEPT_DAYS) - now) // timedelta(days=1)
    do = "look the reason up, mend it, and take the file in again with --attempt 1"
    if left < -1:
        says = f"{len(files)}, the oldest kept {-left} days longer than its {KEPT_DAYS}"
        return broken(
            "parked-files",
            says,
            "see that 'metroledger run' runs: it destroys them",
            "parked-files",
        )
    says = f"{len(files)}, the first destroyed in {max(left, 0)} days"
    if left <= PARKED_SOON_DAYS:
        return broken("parked-files", says, f"{do}: after that it is gone", "parked-files")
    return warn("parked-files", says, do, "parked-files")


def letters(outbox: Path, *, with_server: bool) -> Finding:
    """Check whether letters wait for a mail server; without one, files are where they go."""
    count = sum(1 for _ in outbox.glob("*.eml"))
    if not with_server:
        return ok("letters", f"no mail server is set; {count} lie in {outbox}")
    if not count:
        return ok("letters", "none waits for the mail server")
    return warn(
        "letters",
        f"{count} wait for the mail server, at most two hours",
        "see that the server of METROLEDGER_SMTP_URL answers and takes what we send, and that "
        "'metroledger run' runs: it sends them again",
    )


def _days(age: timedelta) -> str:
    return f"{age / timedelta(days=1):.1f} days"


def _hours(age: timedelta) -> str:
    return f"{age / timedelta(hours=1):.1f} hours"
