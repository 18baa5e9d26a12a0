"""Ports for embedded brokers: found free, and kept for them while a node of theirs is down.

A port that a stopped node leaves could be given to another broker, which would then answer the
clients that come back to it. So whoever chose the ports holds them: a socket that is bound and
does not listen. Nobody who binds anew is let in, whoever knocks is refused, and the node itself,
which like every server of Java's asks to share (SO_REUSEADDR), listens there again. That is how
Linux shares; elsewhere a held port would keep out the node too, and none is held.
"""

import errno
import random
import socket
import sys
from collections.abc import Sequence
from typing import Final

from domain.errors import Unavailable

LOOPBACK: Final = "127.0.0.1"

# Below the ports that the kernel gives to outgoing connections: a client that knocks on the port
# of a node that is down could otherwise be given that very port, and meet itself.
_PORTS: Final = range(20_000, 30_000)
_NOT_OURS: Final = (errno.EADDRINUSE, errno.EACCES)
_draw: Final = random.SystemRandom()  # two programs with one seed would meet at each port


class KafkaPortTaken(Unavailable):
    """Another program listens where a node should."""

    def __init__(self, port: int) -> None:
        """Take the port."""
        super().__init__(
            f"Port {port} on {LOOPBACK} is another program's, so no broker can listen there. "
            "Name another port, or none: then free ones are found."
        )


class Ports:
    """The ports of one cluster, held from when they are chosen until `close`."""

    def __init__(self, host: str = LOOPBACK) -> None:
        """Take the address whose ports they are; none is held yet."""
        self._host = host
        self._held: dict[int, socket.socket] = {}

    def find(self, count: int) -> list[int]:
        """Return ports in a row that nobody has and nobody holds."""
        while True:
            first = _draw.choice(_PORTS[: 1 - count or None])
            wanted = range(first, first + count)
            self.close()
            if all(self._hold(port, share=False) for port in wanted):
                return list(wanted)

    def claim(self, wanted: Sequence[int]) -> None:
        """Hold these ports, unless a program listens at one. Raises `KafkaPortTaken`."""
        for port in wanted:
            if port not in self._held and not self._hold(port, share=True):
                raise KafkaPortTaken(port)

    def close(self) -> None:
        """Let go of them; who listens there stays."""
        while self._held:
            self._held.popitem()[1].close()

    def _hold(self, port: int, *, share: bool) -> bool:
        holder = socket.socket()
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, share)
            holder.bind((self._host, port))
        except OSError as error:
            holder.close()
            if error.errno not in _NOT_OURS:
                raise
            return False
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform != "linux":
            holder.close()
        self._held[port] = holder
        return True
