"""One file, or one run's gathered answers, of an operator. Public but for its readings."""

from __future__ import annotations

from typing import ClassVar

from domain.events.base import Event
from domain.values import Channel


class DeliveryReceived(Event, frozen=True, kw_only=True):
    """A delivery, or part `part` of `parts` of it, was taken in, with its readings.

    `readings` and `root` are the number of the readings' leaves and their RFC 6962
    root (base64url); `counts` says what became of every other row, by reason.
    `cites` is the hash of the leaf of the agreement it was collected under, or
    None when there is none and everything was refused.
    """

    TOPIC: ClassVar[str] = "DeliveryReceived.v1"
    LEAF: ClassVar[tuple[str, ...]] = ("cites",)

    cites: str | None
    operator: str
    channel: Channel
    flow: str
    part: int
    parts: int
    readings: int
    root: str
    counts: dict[str, int]


class DeliveryCompleted(Event, frozen=True, kw_only=True):
    """Every part of the delivery was taken in; `rows` is how many the operator sent."""

    TOPIC: ClassVar[str] = "DeliveryCompleted.v1"

    parts: int
    rows: int


class DeliveryParked(Event, frozen=True, kw_only=True):
    """The delivery could not be read; its bytes are kept sealed for some days.

    `reason` is a code of the reader (for instance "no_key_fits"), never the
    content's words; `kept_days` is how long the sealed bytes are kept.
    """

    TOPIC: ClassVar[str] = "DeliveryParked.v1"

    operator: str
    channel: Channel
    flow: str
    reason: str
    kept_days: int
