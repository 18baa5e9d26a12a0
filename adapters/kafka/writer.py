"""Append through the client's idempotent producer, within a stated time and bounded memory.

The client sends one batch of the partition at a time, again after a change of leader
under the same sequence numbers, so the broker keeps it once. What it cannot settle in time
is *in doubt*, and then the producer is replaced: after some errors it is in a state that
it never leaves (an epoch that cannot be raised, a sequence the broker disputes), and what
it still holds must not appear much later. A record that appears twice, or late, changes
nothing: the rule is arbitrated by whoever reads.

The client accepts records without limit while a broker is frozen (386 MB of them were
measured). Here at most `CALLS_MAX` calls hand it at most `SLICE_BYTES` each.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaProducer
from kafka.net.compat import KafkaNetClient

from adapters.kafka.access import client_settings, shake_hands
from adapters.kafka.place import MESSAGE_MAX, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

APPEND_S: Final = 9.0
"""How long one append may take, whatever the brokers do; then its records are in doubt."""

CALLS_MAX: Final = 8
SLICE_BYTES: Final = 8 << 20

_REQUEST_S: Final = 3.0
_CONNECT_MS: Final = 1_000


class Writer:
    """One producer for all threads, made when first needed and again when it fell in doubt."""

    def __init__(self, place: Place, append_s: float) -> None:
        """Take where to write, and how long one append may take."""
        self._place = place
        self._append_s = append_s
        self._access = client_settings(place.access)
        self._producer: KafkaProducer | None = None
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._failed_at = 0.0
        self._calls = threading.BoundedSemaphore(CALLS_MAX)

    def append(self, records: Sequence[bytes]) -> list[int | None]:
        """Append in order; answer each one's offset, None where it is in doubt. Never raises."""
        deadline = time.monotonic() + self._append_s
        if not self._calls.acquire(timeout=self._append_s):
            return [None] * len(records)
        try:
            answers: list[int | None] = []
            for part in _slices(records):
                answers += self._append(part, deadline)
            return answers
        finally:
            self._calls.release()

    def _append(self, records: Sequence[bytes], deadline: float) -> list[int | None]:
        producer = self._ready(deadline)
        if producer is None:
            return [None] * len(records)
        sent: list[Any] = [None] * len(records)
        for place, record in enumerate(records):
            if time.monotonic() > deadline:
                break
            sent[place] = _send(producer, self._place.topic, record)
            if sent[place] is None:  # the next one would wait as long
                break
        answers = [_await(future, deadline) for future in sent]
        if None in answers:
            self._replace(producer)
        return answers

    def close(self) -> None:
        """Give up what is under way and stop the producer."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            _stop(producer)

    def _ready(self, deadline: float) -> KafkaProducer | None:
        """Return the producer, made where there is none; None where no broker answers in time."""
        asked_at = time.monotonic()
        if not self._making.acquire(timeout=max(deadline - asked_at, 0)):
            return None
        try:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            if self._producer is None and asked_at > self._failed_at:
                self._producer = _make(
                    self._place, self._access, self._append_s, min(left_s, _REQUEST_S)
                )
                if self._producer is None:
                    self._failed_at = time.monotonic()  # those who wait need not try in turn
            return self._producer
        finally:
            self._making.release()

    def _replace(self, producer: KafkaProducer) -> None:
        """Stop a producer that left something in doubt, unless somebody did so already."""
        with self._lock:
            if self._producer is producer:
                self._producer = None
        _stop(producer)


def _make(
    place: Place, access: Mapping[str, Any], append_s: float, patience_s: float
) -> KafkaProducer | None:
    """Connect a producer; None where no broker answers within `patience_s`.

    The client gives a record up just before we stop waiting for it, so none stays behind.
    """
    if shake_hands(access, place.servers):
        return None
    clients: list[Any] = []

    def client(**settings: Any) -> Any:  # noqa: ANN401 - the client's own
        made = KafkaNetClient(
            **settings,
            socket_connection_setup_timeout_ms=_CONNECT_MS,
            socket_connection_setup_timeout_max_ms=2 * _CONNECT_MS,
        )
        made.cluster.config["allow_auto_create_topics"] = False
        clients.append(made)
        return made

    try:
        return KafkaProducer(
            **access,
            bootstrap_servers=list(place.servers),
            client_id="metroledger",
            kafka_client=client,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            batch_size=MESSAGE_MAX,
            max_request_size=MESSAGE_MAX,
            delivery_timeout_ms=int(append_s * 900),
            request_timeout_ms=int(min(_REQUEST_S, append_s / 2) * 1_000),
            bootstrap_timeout_ms=int(patience_s * 1_000),
            max_block_ms=int(patience_s * 1_000),
            retry_backoff_ms=50,
            reconnect_backoff_max_ms=500,
            metrics_enabled=False,
        )
    except Exception:  # noqa: BLE001 - whatever kept it from connecting, nothing was sent
        for one in clients:
            one.close()
        return None


def _send(producer: KafkaProducer, topic: str, record: bytes) -> Any:  # noqa: ANN401 - the client's own
    """Hand a record to the client; None where it was not taken."""
    try:
        return producer.send(topic, record, partition=0)
    except Exception:  # noqa: BLE001 - whatever it is, the record was not taken
        return None


def _await(future: Any, deadline: float) -> int | None:  # noqa: ANN401 - the client's own
    """Return where a record lies, None where it is in doubt.

    A batch that the broker knows for a duplicate, and not where it lies, has offset -1.
    """
    if future is None:
        return None
    try:
        offset: int = future.get(timeout=max(deadline - time.monotonic(), 0)).offset
    except Exception:  # noqa: BLE001 - whatever it is, what became of the record is open
        return None
    return offset if offset >= 0 else None


def _stop(producer: KafkaProducer) -> None:
    """Stop a producer at once: its own `close` waits for answers that do not come."""
    producer._sender.force_close()  # noqa: SLF001 - there is no public way that does not wait


def _slices(records: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut what is appended into parts of at most `SLICE_BYTES`, or of one record."""
    start, size = 0, 0
    for place, record in enumerate(records):
        if size + len(record) > SLICE_BYTES and place > start:
            yield records[start:place]
            start, size = place, 0
        size += len(record)
    if start < len(records):
        yield records[start:]
