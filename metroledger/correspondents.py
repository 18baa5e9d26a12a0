"""Where notices of erasures go: an address for each operator and recipient."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTICES: Final = "METROLEDGER_NOTICES"
_PAIR: Final = re.compile(r"(?P<name>[a-z0-9_-]+)=(?P<address>[^\s@=,]+@[^\s@=,]+)")


class NotCorrespondents(Refused):
    """The setting that says where notices go does not."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            f"{NOTICES} is an e-mail address for each operator and recipient, separated by commas; "
            "write for instance enedis=rgpd@enedis.example,alec=dpo@alec.example, or unset it "
            "(manual: erasures)"
        )


def read_correspondents(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the addresses that an environment states, by name. Raises `NotCorrespondents`."""
    parts = [part.strip() for part in environment.get(NOTICES, "").split(",") if part.strip()]
    found = [_PAIR.fullmatch(part) for part in parts]
    if not all(found):
        raise NotCorrespondents
    return {one["name"]: one["address"] for one in found if one}
