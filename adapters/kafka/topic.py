"""The topic's care: how it is made, what it must stay, and what it is known by.

A ledger's topic keeps everything for ever, in one order. Each setting under which it would
not is a fault, in the words of the manual's page on Kafka; a folder stops on any of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka import errors
from kafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest

from adapters.kafka.place import MESSAGE_MAX, Care, NoTopic, Place
from adapters.kafka.wire import Lead, Wire
from domain.errors import Refused
from ledger.log import Description

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT: Final = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "unclean.leader.election.enable": "false",
    "compression.type": "uncompressed",
}
"""What a ledger's topic is set to; a batch that another producer compressed is then unpacked
by the broker, so that no reader needs its codec."""

_IN_SYNC: Final = "min.insync.replicas"
_SIZE: Final = "max.message.bytes"
_TOPIC: Final = 2
_VISIBLE_S: Final = 10.0
_CREATE_MS: Final = 10_000


class TopicExists(Refused):
    """A topic of that name is there already; it was left as it is."""

    def __init__(self, topic: str) -> None:
        """Take the topic's name."""
        super().__init__(f"there is a topic {topic!r} already; it was left as it is")


class TopicRefused(Refused):
    """The cluster does not make a topic of that name, or with that many replicas."""

    def __init__(self, topic: str, why: str) -> None:
        """Take the topic's name and the broker's own word."""
        super().__init__(
            f"the cluster did not make the topic {topic!r}: {why}; look at its name, at how many "
            "brokers run, and at what this account may do (manual: kafka)"
        )


def create_topic(place: Place, care: Care) -> None:
    """Make the topic and wait until it has a leader. Raises `TopicExists` and `TopicRefused`."""
    wire = Wire(place)
    try:
        wire.ask(lambda: _creation(place, care), lambda r: _created(place, r), leader=False)
        deadline = time.monotonic() + _VISIBLE_S
        while True:
            try:
                wire.look_up()
            except NoTopic:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return
    finally:
        wire.close()


def describe(wire: Wire, place: Place, care: Care) -> Description:
    """Return the topic's identity, and a fault for each setting that may lose records."""
    lead = wire.look_up()
    settings = wire.ask(lambda: _question(place), _settings, leader=False)
    return Description(
        name=f"kafka:{place.topic}",
        identity=lead.topic_id,
        faults=(*_shape_faults(lead, care), *_setting_faults(settings, care)),
    )


def _shape_faults(lead: Lead, care: Care) -> list[str]:
    faults = []
    if lead.partitions != 1:
        faults.append(f"the topic has {lead.partitions} partitions, so no one order")
    if lead.replicas < care.replicas:
        faults.append(f"the topic has {lead.replicas} replicas, {care.replicas} were asked for")
    return faults


def _setting_faults(settings: Mapping[str, str], care: Care) -> list[str]:
    faults = [
        f"the topic's {name} is {settings.get(name)}, and must be {value}"
        for name, value in KEPT.items()
        if settings.get(name) != value
    ]
    if int(settings.get(_IN_SYNC, 0)) < care.in_sync:
        faults.append(
            f"the topic's {_IN_SYNC} is {settings.get(_IN_SYNC)}, {care.in_sync} were asked for"
        )
    if int(settings.get(_SIZE, 0)) < MESSAGE_MAX:
        faults.append(f"the topic's {_SIZE} is {settings.get(_SIZE)}, and must be {MESSAGE_MAX}")
    return faults


def _creation(place: Place, care: Care) -> Any:  # noqa: ANN401 - the client's own
    wanted = KEPT | {_IN_SYNC: str(care.in_sync), _SIZE: str(MESSAGE_MAX)}
    topic = CreateTopicsRequest.CreatableTopic(
        name=place.topic,
        num_partitions=1,
        replication_factor=care.replicas,
        assignments=[],
        configs=[
            CreateTopicsRequest.CreatableTopic.CreatableTopicConfig(name=name, value=value)
            for name, value in wanted.items()
        ],
    )
    return CreateTopicsRequest(topics=[topic], timeout_ms=_CREATE_MS, validate_only=False)


def _created(place: Place, response: Any) -> None:  # noqa: ANN401 - the client's own
    topic = response.topics[0]
    error = errors.for_code(topic.error_code)
    if error is errors.TopicAlreadyExistsError:
        raise TopicExists(place.topic)
    if error is not errors.NoError and issubclass(error, errors.RetriableError):
        raise error
    if error is not errors.NoError:
        raise TopicRefused(place.topic, topic.error_message or error.__name__)


def _question(place: Place) -> Any:  # noqa: ANN401 - the client's own
    asked = DescribeConfigsRequest.DescribeConfigsResource(
        resource_type=_TOPIC,
        resource_name=place.topic,
        configuration_keys=[*KEPT, _IN_SYNC, _SIZE],
    )
    return DescribeConfigsRequest(
        resources=[asked], include_synonyms=False, include_documentation=False
    )


def _settings(response: Any) -> dict[str, str]:  # noqa: ANN401 - the client's own
    result = response.results[0]
    error = errors.for_code(result.error_code)
    if error is not errors.NoError:
        raise error
    return {one.name: one.value for one in result.configs}
