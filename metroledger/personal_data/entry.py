"""What an entry of the registry says, and the words it says it in.

The words are closed lists, so that two entries that mean the same say the same, and the
published page can be sorted by them.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple


class Place(StrEnum):
    """Where a field lies."""

    SEALED = "log, sealed"
    """In the log, under a key of the person's own."""
    PUBLIC = "public record"
    """In the Merkle leaf: for everybody, for ever."""
    PRIVATE = "log, private zone"
    """In the log beside the leaf: for the metropolis and its auditors."""
    CONTENT = "sealed content"
    """Inside a sealed column or file, under a key of the person's own."""
    DATABASE = "database"
    KEY_STORE = "key store"
    FILE = "file"
    METRIC = "metric label"
    LOG_LINE = "log line"
    BROWSER = "browser"


class Category(StrEnum):
    """What kind of data a field is."""

    IDENTITY = "identity and contact"
    DWELLING = "meter and occupancy"
    CONTRACT = "contract with the supplier"
    CONSENT = "consents and their evidence"
    DAILY_INDEX = "consumption by day"
    LOAD_CURVE = "load curve"
    MAXIMUM_POWER = "maximum power"
    LOOKS = "who looked at the data"
    REQUEST = "requests for erasure"
    SIGN_IN = "sign-in"
    LETTER = "letters"
    DELIVERED = "operators' files"
    STAFF = "members of the staff"
    PSEUDONYM = "random ids, times, digests"
    """Of somebody's records, and naming nobody: personal for whoever holds the keys."""
    NONE = "no personal data"


PERSONAL = frozenset(Category) - {Category.PSEUDONYM, Category.STAFF, Category.NONE}
"""Categories that say something of a resident, and so are theirs to have and to erase."""


class Why(Enum):
    """What a field is for: the purpose, and its legal basis."""

    ACCOUNT = ("keeping an account and reaching its holder", "GDPR 6(1)(b), the terms of use")
    COLLECTION = ("collecting from operators what a person consented to", "GDPR 6(1)(a), consent")
    SHOWING = ("showing people their own consumption", "GDPR 6(1)(a), consent")
    PROOF = ("proving that every reading had a consent", "GDPR 6(1)(c) with 5(2) and 7(1)")
    RIGHTS = ("answering requests, and proving that they were answered", "GDPR 6(1)(c) with 12, 17")
    LOOKS = ("telling people who looked at their data", "GDPR 6(1)(c) with 15 and 32")
    SIGN_IN = ("letting in those who may, and nobody else", "GDPR 6(1)(c) with 32")
    LETTERS = ("writing to people about their own account", "GDPR 6(1)(b), the terms of use")
    ORDER = ("putting what happened into one verifiable order", "GDPR 6(1)(e), the public task")
    KEYS = ("sealing what is personal, and erasing it", "GDPR 6(1)(c) with 17 and 32")
    AGREEMENTS = ("publishing agreements and texts", "GDPR 6(1)(e), the public task")
    RUNNING = ("running and watching the service", "GDPR 6(1)(e), the public task")
    STAFF = ("knowing who of the staff may do what", "GDPR 6(1)(c) with 32")

    def __init__(self, purpose: str, basis: str) -> None:
        """Take the purpose and the legal basis, in words."""
        self.purpose = purpose
        self.basis = basis


class Keeping(Enum):
    """How long a field is kept. `{...}` are periods of an installation; see `page`."""

    FOR_EVER = "for ever: it names nobody, and leads to nobody once the keys are gone"
    ERASURE = "until the account is erased: its key is destroyed"
    DAILY_INDEX = "{daily_index} civil years after the one measured, or the erasure before"
    LOAD_CURVE = "{load_curve} civil years after the one measured, or the erasure before"
    MAXIMUM_POWER = "{maximum_power} civil years after the one measured, or the erasure before"
    LOOKS = "{looks} civil years after the one of the look, or the erasure before"
    READINGS = "as long as the readings themselves, or until the erasure before"
    DELIVERED = "{kept_days} days after it was taken in, or was cut off"
    PARKED = "{parked_days} days: its key is destroyed, then the file"
    NOTICE = "until it is acknowledged, {notice_days} days at most: its key is destroyed, then it"
    OUTBOX = "{outbox_days} days at most"
    SESSION = "{session_hours} hours at most"
    COUNTER = "until its window of minutes is over, dropped within {session_hours} hours"
    ASKED = "{asked_days} days"
    INBOX = "until the log has it, and {inbox_days} days beyond, or the erasure before"
    ARRIVAL = "{arrival_days} days"
    EPOCH = "until the key store's epoch ends, a day at most"
    REVOKED = "until the member is revoked: their key is destroyed"
    INSTALLED = "as long as the installation"
    READ = "as long as whoever reads them keeps them; nothing in them names anybody"


class Entry(NamedTuple):
    """Fields of one holder (an event, a table, a file) that are treated alike."""

    place: Place
    holder: str
    fields: tuple[str, ...]
    category: Category
    why: Why
    keeping: Keeping
    note: str = ""
