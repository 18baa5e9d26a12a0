"""What a process tells its operators: events with fixed names, and fields that cannot name anyone.

A log outlives an erasure. So nothing goes there but what this program's own text holds, and
numbers, ids that were drawn at random, enumerations and durations. `tell` is the one way to
write a line; `metroledger.logs` drops whatever comes another way.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from typing_extensions import override

FIELDS: Final = "metroledger_fields"
"""Under which name a log record carries its fields."""

LOGGER: Final = "metroledger"


class Fixed(str):
    """A text that stands in this program's source: a route's template, a part's name."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        """Show what it is."""
        return f"Fixed({str(self)!r})"


Field = bool | int | float | UUID | Enum | timedelta | Fixed
"""What a field of a line may be. A plain text is none, whatever it says."""


def tell(
    event: str,
    level: int = logging.INFO,
    *,
    error: BaseException | None = None,
    **fields: Field,
) -> None:
    """Write one line: what happened, by its fixed name, and what it is about.

    Of an `error` its kind and place are told; its words only when it is one of ours.
    """
    logger = logging.getLogger(LOGGER)
    logger.log(level, event, exc_info=error, extra={FIELDS: fields})
