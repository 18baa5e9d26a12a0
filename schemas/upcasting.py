"""Old versions of events, read as new ones: pure functions over their members.

Run after verification, never on stored bytes. `tests/schemas` shows a chain of three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.errors import Unavailable
from schemas.registry import EVENT_TYPES

Members = dict[str, Any]
Upcaster = Callable[[Members], tuple[str, Members]]
"""From the members of one version to the topic and members of the next."""


def _erased_in_roles(members: Members) -> tuple[str, Members]:
    roles = dict.fromkeys(("asked_as", "checked_as", "validated_as", "carried_out_as"))
    return "AccountErased.v2", members | roles


UPCASTERS: Final[Mapping[str, Upcaster]] = {"AccountErased.v1": _erased_in_roles}
"""By the topic they read. An entry is never removed: its bytes are in logs for ever."""


class UnknownEventVersion(Unavailable):
    """An event of a type or version this program does not know.

    Accepted by the fold all the same, which never looks at types; it stops what must
    read it, until the program is upgraded.
    """

    def __init__(self, topic: str) -> None:
        """Take the stored topic."""
        super().__init__(
            f"events of type {topic!r} are unknown to this version of metroledger; upgrade it, "
            "nothing is lost meanwhile"
        )
        self.topic = topic


def upcast(
    topic: str,
    members: Members,
    *,
    upcasters: Mapping[str, Upcaster] = UPCASTERS,
    known: Mapping[str, object] = EVENT_TYPES,
) -> tuple[str, Members]:
    """Return topic and members of the newest version; raise `UnknownEventVersion`."""
    while topic in upcasters:
        topic, members = upcasters[topic](members)
    if topic not in known:
        raise UnknownEventVersion(topic)
    return topic, members
