"""The registry as a document: the record of processing activities of GDPR article 30."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from adapters.mail.outbox import KEPT_S
from application import arrivals, asking, inbox, notices, parking
from application.access import sessions
from metroledger.personal_data import REGISTRY
from metroledger.personal_data.entry import PERSONAL, Entry, Keeping, Place, Why
from metroledger.personal_data.given import given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from metroledger.settings import Settings

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600

_HEAD: Final = """\
# Personal data

Every field that is stored, what it is for, how long it is kept and where: the record of
processing that GDPR article 30 asks of a controller. `metroledger personal-data` prints it with
the periods of its own installation; the manual's page has the defaults. It is written from
`metroledger/personal_data/`, and a test compares that with the real classes, columns and files.

- **Controller**: {metropolis}. **Data protection officer**: {contact}.
- **Data subjects**: residents who have an account, and members of the staff.
- **Recipients**: the person; whoever a consent names; an operator, which learns that its data was
  asked for; whoever a person hands a receipt to. This software sends nothing outside the Union.
- **Security**: every field of a person is sealed under keys of their own, which lie apart from the
  database; erasing is destroying these keys ([key store](key-store.md), [erasures](erasures.md)).
- What says nothing of anybody is listed too, so that nothing is forgotten. Random ids are personal
  data for whoever can still open what they lead to.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Whose processing it is, and the periods of the installation that a setting decides."""

    metropolis: str
    contact: str
    periods: Mapping[str, int]


def controller_of(settings: Settings) -> Controller:
    """Return what the settings of an installation say."""
    periods = {
        "kept_days": settings.dropbox.kept_days,
        "parked_days": parking.KEPT_DAYS,
        "notice_days": notices.KEPT_DAYS,
        "outbox_days": KEPT_S // _DAY_S,
        "session_hours": int(sessions.LONGEST.total_seconds()) // _HOUR_S,
        "asked_days": asking.KEPT.days,
        "inbox_days": inbox.KEPT.days,
        "arrival_days": arrivals.KEPT.days,
        **{matter.value: years for matter, years in settings.periods.years.items()},
    }
    return Controller(
        metropolis=settings.portal.metropolis,
        contact=settings.portal.privacy_contact,
        periods=periods,
    )


def sentence(keeping: Keeping, controller: Controller) -> str:
    """Return how long something is kept, in words and numbers."""
    return keeping.value.format(**controller.periods)


def render(controller: Controller) -> str:
    """Return the whole document as Markdown."""
    head = _HEAD.format(metropolis=controller.metropolis, contact=controller.contact)
    parts = [head, *_summary(controller), "", *_taken_away(), "", *_details(controller)]
    return "\n".join(parts) + "\n"


def rows(controller: Controller) -> list[dict[str, str]]:
    """Return every field as a row, for other tools."""
    return [
        {
            "place": entry.place.value,
            "holder": entry.holder,
            "field": name,
            "category": entry.category.value,
            "purpose": entry.why.purpose,
            "legal_basis": entry.why.basis,
            "kept": sentence(entry.keeping, controller),
            "given": answer.value if (answer := given(entry, name)) else "",
        }
        for entry in REGISTRY
        for name in entry.fields
    ]


def _summary(controller: Controller) -> Iterator[str]:
    """Yield what a reader looks for first: per purpose, categories and periods."""
    yield "## By purpose\n"
    yield "| purpose | legal basis | categories of data | kept |\n|---|---|---|---|"
    for why in Why:
        ours = [one for one in REGISTRY if one.why is why]
        told = [one for one in ours if one.category in PERSONAL] or ours
        kinds = ", ".join(_once(one.category.value for one in told))
        periods = "; ".join(_once(sentence(one.keeping, controller) for one in told))
        yield f"| {why.purpose} | {why.basis} | {kinds} | {periods} |"


def _taken_away() -> Iterator[str]:
    """Yield what a person is given, and what not."""
    yield "## What a person can take away\n"
    yield "The export of one's own data (GDPR 15 and 20), and erasure, cover all that says"
    yield "something of a resident, but for what has a reason here.\n"
    yield "| what | where | in the export |\n|---|---|---|"
    told: dict[tuple[str, str, str], None] = {}
    for entry in REGISTRY:
        for name in entry.fields:
            if (answer := given(entry, name)) is not None:
                told[entry.category.value, entry.place.value, answer.value] = None
    yield from (f"| {what} | {where} | {answer} |" for what, where, answer in told)


def _details(controller: Controller) -> Iterator[str]:
    """Yield every field, place by place."""
    ordered = sorted(REGISTRY, key=lambda one: list(Place).index(one.place))
    for place, entries in groupby(ordered, key=lambda one: one.place):
        yield f"## {place.value[0].upper()}{place.value[1:]}\n"
        yield "| in | field | category | purpose | kept |\n|---|---|---|---|---|"
        for entry in entries:
            yield _row(entry, controller)
        yield ""


def _row(entry: Entry, controller: Controller) -> str:
    fields = " ".join(f"`{name}`" for name in entry.fields) if entry.fields != ("*",) else ""
    what = "; ".join(part for part in (fields, entry.note) if part)
    kept = sentence(entry.keeping, controller)
    return f"| `{entry.holder}` | {what} | {entry.category.value} | {entry.why.purpose} | {kept} |"


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
