"""Requests to a cluster: each is sent to whom it concerns, again until it is answered.

Reading bypasses the client's consumer, which may be used by one thread only, fetches ahead
of what was asked for and leaves offsets out. A request here is one question and one
answer, from any thread: the client's own loop, on a thread of its own, carries all of them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kafka import errors
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest

from adapters.kafka.access import client_settings, shake_hands
from adapters.kafka.place import KafkaRefusesUs, KafkaUnavailable, NoTopic, Place
from application.telling import tell
from application.waiting import left_s

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S: Final = 3.0
"""How long a question is asked again before it is given up."""

REQUEST_S: Final = 2.0
"""How long a broker may take over one answer; a frozen one is left for another after it."""

UNKNOWN_S: Final = 1.0
"""How long it is asked again whether there is such a topic."""

PAUSE_S: Final = 0.05
_AT_ONCE: Final = 64
_STRANGE_MAX: Final = 3
_ENDING: Final = "kafka end"
_HUNG_UP: Final = "it ends the connection, as for an account that it does not know"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who leads the topic’s partition, and what metadata says beside."""

    node: int
    topic_id: str
    partitions: int
    replicas: int


class Wire:
    """Questions to the cluster of a place, from any thread; connects when first asked.

    `changed` is called when another leader was found, or the same one after an outage.
    """

    def __init__(self, place: Place) -> None:
        """Take the place."""
        self.changed: Callable[[], None] = lambda: None
        self._place = place
        self._access = client_settings(place.access)
        self._lock = threading.Lock()
        self._link: _Link | None = None
        self._lead: Lead | None = None
        self._led = False
        self._failed_at = 0.0

    def ask(
        self, make: Callable[[], object], read: Callable[[Any], Answer], *, leader: bool
    ) -> Answer:
        """Send what `make` makes, to the leader or to any broker; return what `read` returns.

        `read` takes the answer and raises the client's errors: what may pass is asked again
        for `PATIENCE_S`, or for as long as its request may wait. Raises `KafkaUnavailable`, and
        `NoTopic` where there is none to lead.
        """
        return self._patiently(
            lambda link: read(link.send(make(), self._leading(link).node if leader else None))
        )

    def look_up(self) -> Lead:
        """Ask the cluster who leads now. Raises as `ask` does."""
        return self._patiently(self._look_up)

    def forget_leader(self) -> None:
        """Look up who leads before the next question to the leader."""
        self._lead = None

    def _patiently(self, attempt: Callable[[_Link], Answer]) -> Answer:
        begin = time.monotonic()
        deadline = begin + left_s(PATIENCE_S)
        while True:
            link = self._connected()
            try:
                return attempt(link)
            except NoTopic:  # a broker that has just started may not know yet
                if time.monotonic() > min(begin + UNKNOWN_S, deadline):
                    raise
                time.sleep(PAUSE_S)
            except errors.KafkaError as error:
                if not left_s(PATIENCE_S):  # our time is over, which says nothing of the broker
                    raise KafkaUnavailable from error
                self._lead = None
                if isinstance(error, _LinkBroken):
                    self._disconnect(link)
                if isinstance(error, errors.AuthorizationError):
                    raise KafkaRefusesUs(_words(error)) from error
                if not _may_pass(error) or time.monotonic() > deadline:
                    self._disconnect(link)
                    raise KafkaUnavailable from error
                time.sleep(PAUSE_S)

    def _leading(self, link: _Link) -> Lead:
        """Return who leads, looked up where it is not known."""
        known = self._lead
        if known is not None:
            return known
        found = self._look_up(link)
        again, self._led, self._lead = self._led, True, found
        if again:
            self.changed()
        return found

    def _look_up(self, link: _Link) -> Lead:
        response = link.metadata(self._place.topic)
        topic = response.topics[0]
        error = errors.for_code(topic.error_code)
        if error is errors.UnknownTopicOrPartitionError:
            raise NoTopic(self._place.topic)
        if error is not errors.NoError:
            raise error
        first = next(part for part in topic.partitions if part.partition_index == 0)
        if first.leader_id < 0:
            raise errors.LeaderNotAvailableError
        return Lead(
            node=first.leader_id,
            topic_id=str(topic.topic_id),
            partitions=len(topic.partitions),
            replicas=len(first.replica_nodes),
        )

    def close(self) -> None:
        """Close the connections; the next question opens them again."""
        with self._lock:  # not before one that is being made is there to be closed
            link = self._link
        if link is not None:
            self._disconnect(link)

    def _connected(self) -> _Link:
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=left_s(PATIENCE_S + REQUEST_S)):
            raise KafkaUnavailable
        try:
            if self._link is None:
                if asked_at < self._failed_at:
                    raise KafkaUnavailable  # whoever came before us has just tried in vain
                self._link = self._connect()
            return self._link
        finally:
            self._lock.release()

    def _connect(self) -> _Link:
        said = shake_hands(self._access, self._place.servers)
        if said:
            raise KafkaRefusesUs(said)
        try:
            return _Link(self._place, self._access)
        except KafkaUnavailable:
            self._failed_at = time.monotonic()
            raise
        except errors.KafkaError as error:
            self._failed_at = time.monotonic()
            if said is not None:
                raise KafkaRefusesUs(_HUNG_UP) from error
            raise KafkaUnavailable from error

    def _disconnect(self, link: _Link) -> None:
        """Close a link, and connect anew when next asked; leave one that another thread made."""
        with self._lock:
            if self._link is link:
                self._link = None
        link.close()


class _Link:
    """The client's connections and the thread that serves them."""

    def __init__(self, place: Place, access: dict[str, Any]) -> None:
        settings: dict[str, Any] = {
            **access,
            "bootstrap_servers": list(place.servers),
            "client_id": "metroledger",
            "request_timeout_ms": int(REQUEST_S * 1_000),
            "socket_connection_setup_timeout_ms": 1_000,
            "socket_connection_setup_timeout_max_ms": 2_000,
            "reconnect_backoff_max_ms": 500,
            "max_in_flight_requests_per_connection": _AT_ONCE,
            "receive_message_max_bytes": 100_000_000,
        }
        self._net = NetworkSelector(**settings)
        self._net.start()
        self._manager = KafkaConnectionManager(self._net, **settings)
        self._manager.cluster.config["allow_auto_create_topics"] = False
        self._lock = threading.Lock()
        self._closing: threading.Thread | None = None
        self._told = False
        self._strange = 0
        try:
            self._run(lambda: self._manager.bootstrap_async(int(PATIENCE_S * 1_000)))
        except BaseException:
            self._leave()  # nobody else has it: whoever waits to connect need not wait for its end
            raise

    def send(self, request: object, node: int | None) -> Any:  # noqa: ANN401 - the client's own
        """Send a request to a node, or to any; return its response."""
        return self._run(lambda: self._manager.send(request, node_id=node))

    def metadata(self, topic: str) -> Any:  # noqa: ANN401 - the client's own
        """Ask any node about a topic, which is not made by asking."""
        named = MetadataRequest.MetadataRequestTopic(name=topic)
        request = MetadataRequest(topics=[named], allow_auto_topic_creation=False)
        response = self.send(request, None)
        self._manager.cluster.update_metadata(response)
        return response

    def close(self) -> None:
        """Close the connections and stop the thread; wait `REQUEST_S` for it at most.

        A thread that hangs, or has died, must not keep us from connecting anew.
        """
        self._leave().join(REQUEST_S)

    def _leave(self) -> threading.Thread:
        """Have a thread of its own close what there is, once; return it."""
        with self._lock:
            if self._closing is None:
                closing = threading.Thread(target=self._end, name=_ENDING, daemon=True)
                closing.start()
                self._closing = closing
            return self._closing

    def _end(self) -> None:
        with contextlib.suppress(Exception):
            self._net.run(self._manager.close)
        self._manager.closed = self._manager.cluster.closed = True  # else a dead loop's tasks spin
        with contextlib.suppress(Exception):
            self._net.close()

    def _run(self, start: Callable[[], object]) -> Any:  # noqa: ANN401 - the client's own
        """Run something on the client's thread, and wait no longer than a broker may take.

        Another thread that got no answer may close the link at any moment: then the client
        refuses what is asked, or ends what is under way, with an error that says nothing. It
        refuses everything once its thread has died. An error of this one request that is none
        of Kafka's is told, and leaves the link to the others; `_STRANGE_MAX` of them without an
        answer in between are the link's.
        """
        done = threading.Event()
        try:
            future = self._manager.call_soon(start)
        except Exception as error:
            self._tell(error)
            raise _LinkBroken from error
        future.add_both(lambda _: done.set())
        if not done.wait(left_s(PATIENCE_S + REQUEST_S)):
            raise errors.KafkaTimeoutError
        failed = future.exception
        if failed is None:
            self._strange = 0
            return future.value
        if isinstance(failed, errors.KafkaError):
            raise failed
        self._tell(failed)  # having waited for whoever begins to close the link
        if self._closing is not None:
            raise _LinkBroken from failed
        self._strange += 1
        if self._strange >= _STRANGE_MAX:
            raise _LinkBroken from failed
        raise KafkaUnavailable from failed

    def _tell(self, error: BaseException) -> None:
        """Tell what the client never should have raised: once a link, and not while it is closed.

        A dead thread refuses each of many who ask at once.
        """
        with self._lock:
            if self._closing is None and not self._told:
                self._told = True
                tell("kafka-client-failed", logging.ERROR, error=error)


class _LinkBroken(errors.KafkaConnectionError):  # type: ignore[misc] # the client is untyped
    """The link answers nobody: its thread has died, or another one closed it."""


def _words(error: errors.KafkaError) -> str:
    """Return the protocol's word for a refusal, without what a broker says beside it."""
    return str(getattr(error, "message", type(error).__name__)).lower().replace("_", " ")


def _may_pass(error: errors.KafkaError) -> bool:
    """Whether an error is one of a moment: no leader yet, a connection that broke."""
    return isinstance(error, errors.RetriableError | errors.UnknownBrokerIdError)
