"""The README is true: what it shows of the demo is there, and what it says to type works."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from metroledger.bootstrap import database_directory
from metroledger.settings import Settings
from tests.metroledger.playing import ROOT, environment, open_directory, play

README = (ROOT / "README.md").read_text("utf-8")
END = "——— end of one command ———"

# What differs from one telling to the next: ids, hashes, keys, days, counts of days and energies.
VARIABLE = [
    (r"\S*/var/", "var/"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID"),
    (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}", "+KEY"),
    (r"\d[\d:TZ.-]*( \d{3})?", "N"),
    (r"[ ─]+", " "),
]


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A directory that looks like a clone after set-up, as far as the README's commands see."""
    with open_directory() as directory:
        (directory / ".venv").symlink_to(sys.prefix)
        yield directory


@pytest.fixture(scope="module")
def told(clone: Path) -> str:
    done = play(clone)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_begins_with_the_two_commands() -> None:
    (first, *_) = blocks("console")
    assert commands(first) == ["make demo", "make test"]
    assert README.index("make demo") < 60


def test_what_it_shows_of_the_demo_is_what_the_demo_prints(told: str) -> None:
    printed = iter([plain(line) for line in told.splitlines()])
    _, excerpt = blocks("text")
    for line in excerpt.splitlines():
        assert line == "[…]" or plain(line) in printed, line


def test_its_commands_typed_one_after_another_print_what_it_says(clone: Path, told: str) -> None:
    assert told
    typed = "".join(blocks("console")[1:])
    settings = Settings(home=clone / "var" / "mine")
    with EmbeddedPostgres(database_directory(settings)):  # held up, or each would start it anew
        printed = type_in_order(clone, commands(typed))
    for command, expected, found in zip(commands(typed), answers(typed), printed, strict=True):
        assert shape(found) == shape(expected), command


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """Return what follows each prompt, lines that a backslash continues included."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)


def answers(block: str) -> list[str]:
    return re.split(r"^\$ (?:.*\\\n)*.*\n", block, flags=re.MULTILINE)[1:]


def type_in_order(clone: Path, lines: list[str]) -> list[str]:
    """Type lines into one shell; return what each printed."""
    script = "shopt -s expand_aliases\n" + "".join(f"{line}\necho '{END}'\n" for line in lines)
    done = subprocess.run(
        ["bash", "-o", "errexit", "-o", "nounset"],
        input=script,
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split(f"{END}\n")[:-1]


def plain(line: str) -> str:
    for pattern, name in VARIABLE:
        line = re.sub(pattern, name, line)
    return line.strip()


def shape(text: str) -> list[str]:
    """Return the lines of an answer without what varies; of equal neighbours, and days, one each.

    How many days are shown as what depends on the day of the year on which this runs.
    """
    lines = [plain(line) for line in text.splitlines()]
    days = [line for line in lines if re.match(r"N( to N)? (N Wh|—)", line)]
    return [line for line in lines if line not in days] + sorted(set(days))
