"""Ask a broker which brokers are in service, in the few bytes of Kafka's protocol that it takes.

By hand and not by a client: a node that comes up answers late, wrongly or with its connection cut,
a client keeps trying in the background, and what is wanted is one look at a time.
"""

import io
import socket
import struct

from adapters.kafka.embedded_ports import LOOPBACK

_METADATA, _VERSION, _CORRELATION = 3, 1, 1
_NO_TOPICS = 0
_PATIENCE_S = 1.0
_ANSWER_BYTES_MAX = 1 << 20


def brokers_known_at(port: int, host: str = LOOPBACK) -> frozenset[int]:
    """Return the ports of the brokers that a node knows to be in service; none if it is not ready.

    A broker that is being fenced, or is not admitted yet, is not among them.
    """
    question = struct.pack(">hhihi", _METADATA, _VERSION, _CORRELATION, -1, _NO_TOPICS)
    try:
        with socket.create_connection((host, port), _PATIENCE_S) as connection:
            connection.sendall(struct.pack(">i", len(question)) + question)
            (size,) = struct.unpack(">i", _receive(connection, 4))
            answer = _receive(connection, min(size, _ANSWER_BYTES_MAX))
    except (OSError, EOFError):
        return frozenset()
    return frozenset(_ports(io.BytesIO(answer)))


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        some = connection.recv(count - len(received))
        if not some:
            raise EOFError
        received += some
    return received


def _ports(answer: io.BytesIO) -> list[int]:
    # Metadata response, version 1: correlation, then of each broker id, host, port and rack.
    _, count = struct.unpack(">ii", answer.read(8))
    ports: list[int] = []
    for _ in range(count):
        answer.read(4)
        _skip_text(answer)
        ports.append(*struct.unpack(">i", answer.read(4)))
        _skip_text(answer)
    return ports


def _skip_text(answer: io.BytesIO) -> None:
    (length,) = struct.unpack(">h", answer.read(2))
    answer.read(max(length, 0))  # -1 is no text
