"""Play the demo as a newcomer does: a process of its own, in a directory of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "metroledger"]
INTERRUPTED = 130


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """Lend a directory that the server's account can pass through, also when root tests."""
    directory = Path(tempfile.mkdtemp(prefix="metroledger-test-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | more


def play(directory: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return run(directory, "demo", **more)


def run(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def play_until(directory: Path, words: str) -> tuple[int, str]:
    """Press Ctrl-C when the demo has printed some words; its exit code and standard error."""
    with subprocess.Popen(
        [*COMMAND, "demo"],
        cwd=directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        if process.stdout is not None:
            for line in process.stdout:
                if words in line:
                    break
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def processes_in(directory: Path) -> list[str]:
    """Return the processes that work below a directory, or name it."""
    return [
        entry.name
        for entry in Path("/proc").glob("[0-9]*")
        if int(entry.name) != os.getpid() and _is_about(entry, str(directory))
    ]


def _is_about(process: Path, directory: str) -> bool:
    try:
        words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
        return directory in words or str((process / "cwd").readlink()).startswith(directory)
    except OSError:
        return False  # it has ended since
