"""The keeper: the one process that holds an embedded server's life in its hands.

Started by path, in a process of its own, by `adapters.postgres.embedded`, which opens with the
theory of the two locks. Only the standard library, and as little of it as will do: this process
starts within the time of the server's start, and stays as long as the server.

It is the server's parent. It stops the server when the last user is gone, however that user went:
the kernel grants it the exclusive lock on `users.lock` at that instant. It starts the server again
when it was killed, as often as that happens, after a pause that grows: users wait for it, and
nobody else would. Should the keeper itself be killed, the kernel
tells the server to shut down (Linux; elsewhere the server then stays until the next last user
stops it).
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

LOG_BYTES_MAX = 8 << 20
"""The log begins anew beyond this; a server that stays up for months must not fill the disk."""

_PAUSE_S = 0.2
_PAUSE_MAX_S = 5.0
_SETTLED_S = 60.0
_LOG_CHECK_S = 30.0
_PR_SET_PDEATHSIG = 1
# Fast shutdown: sessions end, the checkpoint is written. A disk that is full or hangs may keep that
# from ending; then at once, leaving the rest to crash recovery.
_FAREWELL = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 1.0))


class Keeper:
    """One server, from its start until its last user is gone."""

    def __init__(self, *, users: Path, command: list[str], options: dict[str, Any]) -> None:
        """Take what starts the server: its command line and the options of its process."""
        self._users = users
        self._command = command
        self._options = options
        self._guard = threading.Lock()  # over the two below: no start after the farewell
        self._server: subprocess.Popen[bytes] | None = None
        self._leaving = threading.Event()

    def run(self) -> None:
        """Keep the server up until nobody uses it, or it refuses to start in the first place."""
        for duty in (self._stop_when_unused, _bound_log):
            threading.Thread(target=duty, daemon=True).start()
        crashes, first = 0, True
        while server := self._launch():
            born = time.monotonic()
            status = server.wait()
            crashes = 1 if time.monotonic() - born > _SETTLED_S else crashes + 1
            # A status of its own on the first try is a refusal to start, told in its log. After a
            # crash it may only be that backends of the killed server are not gone yet: again.
            if status == 0 or (status > 0 and first):
                return
            first = False
            self._leaving.wait(min(_PAUSE_S * crashes, _PAUSE_MAX_S))

    def _launch(self) -> "subprocess.Popen[bytes] | None":
        with self._guard:
            if self._leaving.is_set():
                return None
            self._server = subprocess.Popen(self._command, **self._options)
            return self._server

    def _stop_when_unused(self) -> None:
        users = os.open(self._users, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(users, fcntl.LOCK_EX)  # held until this process ends: nobody joins what stops
        with self._guard:
            self._leaving.set()
        for farewell, patience_s in _FAREWELL:
            if self._server is not None:
                self._server.send_signal(farewell)
            time.sleep(patience_s)


def _bound_log() -> None:
    # Standard error is the log, opened for appending by everybody who writes to it.
    while True:
        time.sleep(_LOG_CHECK_S)
        if os.fstat(2).st_size > LOG_BYTES_MAX:
            os.ftruncate(2, 0)


def _process_options(*, server_lock: int, account: str) -> dict[str, Any]:
    # The server and its children inherit the lock on server.lock: while one of them lives, it is
    # held. Signals are blocked nowhere; the terminal's Ctrl-C does not reach this session.
    options: dict[str, Any] = {"pass_fds": [server_lock], "cwd": "/"}
    if account:
        uid, gid = map(int, account.split(":"))
        options |= {"user": uid, "group": gid, "extra_groups": []}
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        options["preexec_fn"] = lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    return options


def main(argv: list[str]) -> None:
    """Detach, then keep: `users.lock`, lock descriptor, account, socket directory, command."""
    users, server_lock, account, sockets, *command = argv
    if os.fork():
        os._exit(0)  # the caller waits for this process; the kept one is nobody's child
    options = _process_options(server_lock=int(server_lock), account=account)
    Keeper(users=Path(users), command=command, options=options).run()
    with contextlib.suppress(OSError):  # a killed server's socket stays; the next one clears it
        Path(sockets).rmdir()


if __name__ == "__main__":
    main(sys.argv[1:])
