"""Ports of loopback for what the tests start."""

from typing import Final

from adapters.kafka.embedded_ports import Ports

_HELD: Final[list[Ports]] = []


def free_ports(count: int = 1) -> int:
    """Return the first of some ports in a row, nobody else's until this process ends.

    Whoever listens there may be killed and started again: no other takes its place meanwhile.
    """
    _HELD.append(ports := Ports())
    return ports.find(count)[0]
