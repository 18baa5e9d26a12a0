"""A proxy before one broker: it can cut the reply to an append, or fall silent.

It speaks enough of Kafka's protocol to know the frames: a request names its API and a number,
its reply repeats the number. A broker tells clients where it is; the proxy writes its own port
over that, which has the same length.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCE: Final = 0
HOST: Final = "127.0.0.1"
_request = struct.Struct(">hhi")


@dataclass(slots=True)
class Proxy:
    """Listens on a port of its own while it is open; `to_cut` replies to appends are cut."""

    server: str
    to_cut: int = 0
    cuts: int = 0
    silent: bool = False
    _listener: socket.socket = field(default_factory=socket.socket)
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._listener.bind((HOST, 0))
        self._listener.listen(64)
        self._open.append(self._listener)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    @property
    def address(self) -> str:
        return f"{HOST}:{self._listener.getsockname()[1]}"

    def drop(self) -> None:
        """Break every connection, and stop listening."""
        with self._lock:
            for one in self._open:
                _close(one)
            self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            host, port = self.server.split(":")
            broker = socket.create_connection((host, int(port)))
            with self._lock:
                self._open += [client, broker]
            produced: set[int] = set()
            for work in (self._ask, self._answer):
                threading.Thread(target=work, args=(client, broker, produced), daemon=True).start()

    def _ask(self, client: socket.socket, broker: socket.socket, produced: set[int]) -> None:
        for frame in _frames(client):
            api, _, number = _request.unpack_from(frame)
            if api == PRODUCE:
                produced.add(number)
            if not self.silent:
                _send(broker, frame)
        _close(broker)

    def _answer(self, client: socket.socket, broker: socket.socket, produced: set[int]) -> None:
        ours, theirs = (_where(address) for address in (self.address, self.server))
        for frame in _frames(broker):
            if int.from_bytes(frame[:4], "big") in produced and self._cuts():
                break
            if not self.silent:
                _send(client, frame.replace(theirs, ours))
        _close(client)

    def _cuts(self) -> bool:
        with self._lock:
            if self.cuts >= self.to_cut:
                return False
            self.cuts += 1
            return True


def _where(address: str) -> bytes:
    """Return an address as a broker writes it: the host, then the port in four bytes."""
    host, port = address.split(":")
    return host.encode() + int(port).to_bytes(4, "big")


def _frames(source: socket.socket) -> Iterator[bytes]:
    """Yield what comes, a frame at a time, until the connection ends."""
    with contextlib.suppress(OSError), source.makefile("rb") as stream:
        while length := stream.read(4):
            yield stream.read(int.from_bytes(length, "big"))


def _send(target: socket.socket, frame: bytes) -> None:
    with contextlib.suppress(OSError):
        target.sendall(len(frame).to_bytes(4, "big") + frame)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
