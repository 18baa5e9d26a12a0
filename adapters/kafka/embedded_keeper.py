"""The keeper: stops the brokers of a directory when the last process that used them is gone.

Started by path, in a process of its own, by `adapters.kafka.embedded`, which opens with the theory
of the locks. Only the standard library: it waits asleep for as long as the brokers are used.

The same file launches a node: it forks, writes its own process id and becomes the broker's Java,
so that the id in the file is the broker's, and the broker is nobody's child.
"""

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path

LOG_BYTES_MAX = 8 << 20
"""A node's log begins anew beyond this: a broker that stays up must not fill the disk."""

_LOG_CHECK_S = 30.0
_POLL_S = 0.02
# All at once, so none can hand over what it leads, and the last of a cluster waits for the others
# in vain. A kill then loses nothing: what was acknowledged is with the kernel, not the process.
_FAREWELL = ((signal.SIGTERM, 6.0), (signal.SIGKILL, 5.0))


def lock(descriptor: int, kind: int) -> bool:
    """Take a lock if it is free; whether it was."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(path: Path) -> int:
    """Open a file that is locked and never read; the caller closes it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def is_up(node: Path) -> bool:
    """Whether a process of this node lives: then it holds the node's lock."""
    try:
        probe = os.open(node / "node.lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # it was never launched
    try:
        return not lock(probe, fcntl.LOCK_EX)
    finally:
        os.close(probe)


def signal_to(node: Path, what: signal.Signals) -> None:
    """Send a signal to a node's process; one that is not up hears nothing.

    The number in the file counts only while the lock is held, and, where the kernel shows command
    lines, only for a process that was started with this node's properties.
    """
    with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
        if is_up(node):
            process = int((node / "pid").read_text("ascii"))
            words = Path(f"/proc/{process}/cmdline")
            mark = os.fsencode(node / "server.properties")
            if not Path("/proc/self").exists() or mark in words.read_bytes():
                os.kill(process, what)


def wait_until_down(nodes: list[Path], patience_s: float) -> bool:
    """Whether all of these nodes are down within the time given."""
    deadline = time.monotonic() + patience_s
    while any(is_up(node) for node in nodes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def keep(directory: Path) -> None:
    """Sleep until the last user is gone, then stop every node; leave where one keeps already."""
    kept = open_lock(directory / "keeper.lock")
    if not lock(kept, fcntl.LOCK_EX):
        return
    threading.Thread(target=_bound_logs, args=[directory], daemon=True).start()
    users = open_lock(directory / "users.lock")
    fcntl.flock(users, fcntl.LOCK_EX)  # held until this process ends: nobody joins what stops
    nodes = sorted(directory.glob("node-*"))
    for farewell, patience_s in _FAREWELL:
        for node in nodes:
            signal_to(node, farewell)
        if wait_until_down(nodes, patience_s):
            break
    os.close(kept)  # before the users' lock: whoever starts next finds the keeper's place free


def _bound_logs(directory: Path) -> None:
    # Opened for appending by whoever writes to it, so that it may be cut short under them.
    while True:
        time.sleep(_LOG_CHECK_S)
        for log in directory.glob("node-*/server.log"):
            if log.stat().st_size > LOG_BYTES_MAX:
                os.truncate(log, 0)


def main(arguments: list[str]) -> None:
    """Detach, then `keep DIRECTORY`, or `launch NODE JAVA ARGUMENT…`."""
    duty, place, *command = arguments
    if os.fork():
        os._exit(0)  # the caller waits for this process; the other is nobody's child
    if duty == "keep":
        keep(Path(place))
    else:
        Path(place, "pid").write_text(str(os.getpid()), "ascii")
        os.execv(command[0], command)  # noqa: S606 - the broker's own program, from an argument list


if __name__ == "__main__":
    main(sys.argv[1:])
