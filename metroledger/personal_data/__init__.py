"""The registry of personal data: every stored field, what it is for, how long it is kept, where.

One declarative table (`REGISTRY`). A test enumerates what is really stored (the classes of
events, the database's columns, the key store's, the files) and fails on a field that is not
in it, and on an entry that names no field. `metroledger personal-data` prints it, with the
periods of this installation, as the record of processing that GDPR article 30 asks for.
"""

from typing import Final

from metroledger.personal_data.contents import CONTENTS
from metroledger.personal_data.elsewhere import ELSEWHERE
from metroledger.personal_data.entry import Entry
from metroledger.personal_data.events import EVENTS
from metroledger.personal_data.tables import TABLES

__all__ = ["REGISTRY"]

REGISTRY: Final[tuple[Entry, ...]] = (*EVENTS, *CONTENTS, *TABLES, *ELSEWHERE)
"""Every entry; no field is in two."""
