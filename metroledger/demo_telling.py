"""How the demo tells: headings, plain words, and commands with what they really print."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from typing_extensions import override

from domain.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Run = Callable[[Sequence[str], Mapping[str, str]], int]
    """Carries out one command in an environment; returns its exit code."""

WIDTH: Final = 96


class StoryBroken(Corrupt):
    """A step of the demo did not end as it must."""

    def __init__(self, code: int, expected: int) -> None:
        """Take its exit code and the one that was expected."""
        super().__init__(
            f"the demo stops here: the command above ended with {code} instead of {expected}; "
            "its lines say why. Where they do not, this is a fault of ours: please report it"
        )


class _Tee(io.TextIOBase):
    """Lets output through and keeps it."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._kept: list[str] = []

    @override
    def write(self, text: str, /) -> int:
        self._kept.append(text)
        return self._target.write(text)

    @override
    def flush(self) -> None:
        self._target.flush()

    @property
    def kept(self) -> str:
        return "".join(self._kept)


@dataclass(slots=True, kw_only=True)
class Telling:
    """One telling: how commands are run, and under which settings."""

    run: Run
    environment: Mapping[str, str]
    chapters: int = 0

    def chapter(self, title: str, text: str) -> None:
        """Begin a chapter."""
        self.chapters += 1
        head = f"── {self.chapters}. {title} "
        print(f"\n{head}{'─' * max(0, WIDTH - len(head))}\n{_flush_left(text)}", flush=True)

    def say(self, text: str) -> None:
        """Say something in plain words; the lines are the text's own."""
        print(f"\n{_flush_left(text)}", flush=True)

    def type(self, *arguments: str | Path, expect: int = 0) -> str:
        """Show a command, carry it out, and return what it printed."""
        words = [str(argument) for argument in arguments]
        print(f"\n$ {command_line(['metroledger', *words])}", flush=True)
        tee = _Tee(sys.stdout)
        with contextlib.redirect_stdout(tee):
            code = self.run(words, self.environment)
        sys.stdout.flush()
        if code != expect:
            raise StoryBroken(code, expect)
        return tee.kept

    def make(self, *arguments: str | Path) -> str:
        """Do as `type`; return the id that the command printed: its second word."""
        return self.type(*arguments).split()[1]

    def read(self, path: Path) -> None:
        """Show a text as `cat` does."""
        print(f"\n$ cat {path}\n{path.read_text('utf-8').rstrip()}", flush=True)


def command_line(words: Sequence[str]) -> str:
    """Write a command as a shell reads it; where it is too long, an option begins a line."""
    pieces: list[str] = []
    for word in map(shlex.quote, words):
        if pieces and pieces[-1].startswith("--") and not word.startswith("--"):
            pieces[-1] += f" {word}"  # an option's value stays beside it
        else:
            pieces.append(word)
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(f"{lines[-1]} {piece}") > WIDTH - 4:
            lines.append(piece)
        else:
            lines[-1] += f" {piece}"
    return " \\\n    ".join(lines)


def _flush_left(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
