"""A network of the application's own, whose cables can be cut: namespaces of Linux.

The application lives in a namespace; a pair of virtual interfaces, a *lane*, joins it to ours.
A lane is cut by sending to an address that nobody has: frames leave and are dropped at the other
end without a word, in one direction or in both, as by a broken cable or a firewall that drops.
Connections stay, time out, and go on or not as the kernel's TCP has it.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOBODY: Final = "02:00:00:00:de:ad"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a lane: its interface, its address, and the namespace, None for ours."""

    device: str
    address: str
    namespace: str | None

    def ip(self, *words: str) -> str:
        """Run `ip` where this end is."""
        there = ["-n", self.namespace] if self.namespace else []
        done = subprocess.run(["ip", *there, *words], check=True, capture_output=True, text=True)
        return done.stdout

    @property
    def hardware(self) -> str:
        """The interface's own address."""
        words = self.ip("-o", "link", "show", self.device).split()
        return words[words.index("link/ether") + 1]

    def reach(self, other: End, hardware: str) -> None:
        """Send what is for the other end to a hardware address."""
        self.ip(
            *["neigh", "replace", other.address, "lladdr", hardware],
            *["dev", self.device, "nud", "permanent"],
        )


@dataclass(frozen=True, slots=True)
class Lane:
    """Two ends that reach each other until they are cut."""

    ours: End
    theirs: End

    def cut(self, *, out: bool, back: bool) -> None:
        """Drop what the application sends `out`, what comes `back` to it, or both."""
        if out:
            self.theirs.reach(self.ours, _NOBODY)
        if back:
            self.ours.reach(self.theirs, _NOBODY)

    def heal(self) -> None:
        """Let both ends reach each other."""
        self.theirs.reach(self.ours, self.ours.hardware)
        self.ours.reach(self.theirs, self.theirs.hardware)


@dataclass(slots=True)
class Apart:
    """A namespace while it is entered; a test skips where the machine makes none."""

    lanes: list[Lane] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The namespace's name."""
        return f"metroledger-{os.getpid()}"

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command line begins with that is run there."""
        return ("ip", "netns", "exec", self.name)

    def __enter__(self) -> Self:
        try:
            _run(["ip", "netns", "add", self.name])
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this machine lets nobody make a network namespace: root and iproute2 can")
        _run(["ip", "-n", self.name, "link", "set", "lo", "up"])
        return self

    def __exit__(self, *_: object) -> None:
        for lane in self.lanes:
            lane.ours.ip("link", "del", lane.ours.device)
        _run(["ip", "netns", "del", self.name])

    def lane(self) -> Lane:
        """Lay a lane; its addresses are this process's own."""
        number, process = len(self.lanes), os.getpid()
        place = f"{process // 250 % 250}.{process % 250 + 1}"
        name = f"ml{process % 1_000_000}{'abcd'[number]}"
        ours = End(f"{name}0", f"10.{200 + number}.{place}", None)
        theirs = End(f"{name}1", f"10.{220 + number}.{place}", self.name)
        ours.ip("link", "add", ours.device, "type", "veth", "peer", theirs.device)
        self.lanes.append(lane := Lane(ours, theirs))
        ours.ip("link", "set", theirs.device, "netns", self.name)
        for end, other in ((ours, theirs), (theirs, ours)):
            end.ip("addr", "add", end.address, "peer", other.address, "dev", end.device)
            end.ip("link", "set", end.device, "up")
        lane.heal()
        return lane


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
