"""What the name of an SGE file says.

Two grammars are known. Daily or monthly files on subscription (guide
Enedis.SGE.GUI.0317, flux R151)::

    ERDF_R151_<recipient>_<contract>_<subscription>_<sequence>_<Q|M>_<i>_<n>_<stamp>.zip|.xml

and the history of one point, on demand::

    Enedis_SGE_HDM_<request>.csv|.zip

`sequence` has five digits and counts the deliveries of one subscription without
a hole; `i` of `n` counts the files of one delivery. `stamp` is AAAAMMJJhhmmss in
the operator's legal time without an offset: around 03:00, when files are made,
it is ambiguous one night a year, so it is kept as text and is not an instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_SUBSCRIPTION: Final = re.compile(
    r"ERDF_(?P<flow>R151)_(?P<recipient>[0-9A-Za-z-]{1,17})_(?P<contract>[0-9A-Za-z-]{1,15})"
    r"_(?P<subscription>[0-9]{1,15})_(?P<sequence>[0-9]{5})_(?P<period>[QM])"
    r"_(?P<part>[0-9]{5})_(?P<parts>[0-9]{5})_(?P<stamp>[0-9]{14})\.(?:zip|xml)",
    re.ASCII,
)
_HISTORIC: Final = re.compile(r"Enedis_SGE_HDM_(?P<request>[0-9A-Z]{4,8})\.(?:csv|zip)", re.ASCII)
_LONGEST: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionName:
    """The name of one file of one delivery of a subscription."""

    flow: str
    recipient: str
    contract: str
    subscription: str
    sequence: int
    period: str
    part: int
    parts: int
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricName:
    """The name of one point's history; `request` is the operator's number of the request."""

    request: str


Name = SubscriptionName | HistoricName
"""Either grammar."""


def parse_name(text: str) -> Name | None:
    """Return what a file's name says, or None when it follows neither grammar."""
    if len(text) > _LONGEST:
        return None
    if match := _HISTORIC.fullmatch(text):
        return HistoricName(request=match["request"])
    match = _SUBSCRIPTION.fullmatch(text)
    if match is None or not _is_stamp(match["stamp"]):
        return None
    part, parts = int(match["part"]), int(match["parts"])
    if not 1 <= part <= parts:
        return None
    return SubscriptionName(
        flow=match["flow"],
        recipient=match["recipient"],
        contract=match["contract"],
        subscription=match["subscription"],
        sequence=int(match["sequence"]),
        period=match["period"],
        part=part,
        parts=parts,
        stamp=match["stamp"],
    )


def format_name(name: Name, *, extension: str) -> str:
    """Write a name out; `extension` is "zip", "xml" or "csv"."""
    if isinstance(name, HistoricName):
        return f"Enedis_SGE_HDM_{name.request}.{extension}"
    return (
        f"ERDF_{name.flow}_{name.recipient}_{name.contract}_{name.subscription}"
        f"_{name.sequence:05}_{name.period}_{name.part:05}_{name.parts:05}_{name.stamp}.{extension}"
    )


def is_companion(text: str) -> bool:
    """Return whether this is one of the `_svc.xml` files sent beside the data, to be ignored."""
    return text.startswith(("ERDF_", "ENEDIS_", "Enedis_")) and text.endswith("_svc.xml")


def base_name(text: str) -> str:
    """Return a file's name without its extension."""
    return text.rsplit(".", 1)[0]


def _is_stamp(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 (legal time without an offset)
    except ValueError:
        return False
    return True
