"""Set-up of .venv for the Makefile: `install.py run`, `install.py dev`, `install.py compile`.

Each set is installed once, from its hashed file, and a stamp in .venv keeps the hash of that file:
the second run reads two small files and ends. A kernel lock makes two concurrent makes take turns;
it vanishes with its holder, so an interrupted set-up leaves nothing stale. Whatever fails says in
one sentence what to do.

This file runs on whatever `python3` is, so that an old one gets a sentence and not a syntax error:
no syntax here that Python 3.6 does not know.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin" / "python"
OLDEST = (3, 11)
INCLUDED = {"run": ["run"], "dev": ["dev", "run"]}
COMPILE = (
    "--quiet --generate-hashes --strip-extras --no-header --no-emit-index-url "
    "--no-emit-trusted-host --no-emit-find-links --no-emit-options --allow-unsafe"
)


def main(wanted):
    """Bring .venv to where `wanted` is installed."""
    check_python()
    if wanted in INCLUDED and is_installed(wanted):
        return
    with one_at_a_time():
        make_venv()
        if wanted == "compile":
            compile_requirements()
        elif not is_installed(wanted):
            install(wanted)


def check_python():
    """Stop with a sentence when this interpreter cannot carry the project."""
    if sys.version_info < OLDEST:
        found = "{}.{}".format(*sys.version_info)
        stop(
            f"Python 3.11 or newer is needed, and {sys.executable} is {found}. "
            "Name a newer one: make test PYTHON=python3.11"
        )
    try:
        import ensurepip  # noqa: F401, PLC0415 - only to see whether it is there
        import venv  # noqa: F401, PLC0415 - only to see whether it is there
    except ImportError:
        stop(
            f"{sys.executable} has no venv module. "
            "On Debian or Ubuntu: apt-get install python3-venv, then again."
        )


@contextlib.contextmanager
def one_at_a_time():
    """Hold the set-up lock; a second make waits here and then finds the work done."""
    folder = os.open(str(ROOT / "requirements"), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make_venv():
    """Create .venv; anew when it is not whole, or its interpreter is gone or of another version."""
    like_ours = "import pip, sys; sys.exit(sys.version_info[:2] != {})".format(sys.version_info[:2])
    whole = stamp("venv").exists() or any(stamp(name).exists() for name in INCLUDED)
    if whole and BIN.exists() and run([BIN, "-c", like_ours], stderr=subprocess.DEVNULL) == 0:
        return
    say("setting up .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    if run([sys.executable, "-m", "venv", VENV]) != 0:
        stop(f"the virtual environment {VENV} could not be made; the lines above say why.")
    stamp("venv").touch()


def install(wanted):
    """Install one hashed file and stamp what it contains."""
    say("installing requirements/{}.txt (once)".format(wanted))
    pip = [BIN, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-input", "--require-hashes", "-r", ROOT / "requirements" / (wanted + ".txt")]
    if begun().exists():  # and not ended: pip may take half a package for a whole one
        pip += ["--force-reinstall"]
    begun().touch()
    if run(pip) != 0:
        stop(
            "the packages could not be installed; pip's lines above say why. Without a network: "
            "connect, or point PIP_INDEX_URL or PIP_FIND_LINKS at a mirror. With a full disk: "
            "free 1 GB. Then again."
        )
    for name in INCLUDED[wanted]:
        stamp(name).write_text(digest(name), encoding="ascii")
    begun().unlink()


def compile_requirements():
    """Turn each .in into a hashed .txt, naming no registry."""
    if run([BIN, "-m", "pip", "install", "--quiet", "pip-tools"]) != 0:
        stop("pip-tools could not be installed; pip's lines above say why.")
    for name in ("run", "dev"):
        say("compiling requirements/{}.in".format(name))
        command = [BIN, "-m", "piptools", "compile", *COMPILE.split()]
        command += ["--output-file", name + ".txt", name + ".in"]
        if run(command, cwd=str(ROOT / "requirements")) != 0:
            stop("requirements/{}.in could not be compiled; the lines above say why.".format(name))


def is_installed(name):
    """Whether the stamp of `name` is that of its file as it is now, in a .venv that runs."""
    try:
        return BIN.exists() and stamp(name).read_text(encoding="ascii") == digest(name)
    except FileNotFoundError:
        return False


def stamp(name):
    """Where .venv remembers what was installed."""
    return VENV / (".installed-" + name)


def begun():
    """The mark of an installation that has not ended."""
    return VENV / ".installing"


def digest(name):
    """The SHA-256 of a requirement file and of the interpreter's minor version."""
    content = (ROOT / "requirements" / (name + ".txt")).read_bytes()
    return hashlib.sha256(content + repr(sys.version_info[:2]).encode()).hexdigest()


def run(command, **options):
    """Run a command to its end; its exit status."""
    return subprocess.call([os.fspath(part) for part in command], **options)


def say(text):
    """One line of progress, on stderr."""
    sys.stderr.write("metroledger: " + text + "\n")


def stop(text):
    """End with a sentence for the person at the keyboard."""
    sys.exit("metroledger: " + text)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        say("interrupted; the same command takes the set-up up again")
        sys.exit(130)
