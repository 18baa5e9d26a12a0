"""What a person is given of what is held of them, and what they are not, with the reason.

Article 15 and erasure cover the same: what is personal is in the export of one's own data, is
a copy of what is there, or is one of these exceptions. A test holds it on a ledger at work.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from metroledger.personal_data.entry import PERSONAL, Category, Place

if TYPE_CHECKING:
    from metroledger.personal_data.entry import Entry


class Given(Enum):
    """Whether a person's export has it. An exception's value is its reason."""

    EXPORTED = "in the export"
    COPY = "a copy of what is in the export"
    SECRET = "not given: it lets people in, and would let a thief in"  # noqa: S105 (words for a reader, no password)
    SENT = "not given: it was written to the person"
    OF_MANY = "not given: one file holds many people's data; one's own readings are in the export"
    OTHERS = "not given: it says which member of the staff, and is theirs (GDPR 15(4))"


OTHERS: Final = {("ErasureIdentityChecked.v1", "checked_by")}
"""Fields of a person's events that are somebody else's."""

_BY_CATEGORY: Final = {
    Category.SIGN_IN: Given.SECRET,
    Category.LETTER: Given.SENT,
    Category.DELIVERED: Given.OF_MANY,
}


def given(entry: Entry, field: str) -> Given | None:
    """Return what a person is given of a field, None where it says nothing of a resident."""
    if entry.category not in PERSONAL:
        return None
    if (entry.holder, field) in OTHERS:
        return Given.OTHERS
    if entry.place is Place.SEALED:
        return Given.EXPORTED
    return _BY_CATEGORY.get(entry.category, Given.COPY)
