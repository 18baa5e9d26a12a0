"""Data that comes after an erasure all the same: refused as of an unknown point, and told again.

Nothing is looked for while no notice lives, so a delivery costs no more then. Nothing of it holds
a delivery up or refuses one: what fails is told and passed over, and the operator hears of the
next delivery.
"""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from application.collecting import leads
from application.notices import note
from application.telling import tell
from domain.aggregates import notice
from domain.errors import Corrupt, MetroledgerError, Refused
from domain.events.notice import NoticeDisregarded
from domain.values import civil_day
from keys.index import Kind

if TYPE_CHECKING:
    from application.collecting import Points
    from application.incoming import Incoming
    from application.services import Services


def note_disregarded(services: Services, incoming: Incoming, points: Points) -> None:
    """Note with each living notice how many rows of a delivery are of its points.

    `points` are those that somebody declared: they are nobody's to be told of.
    """
    try:
        if services.register.read().notices:
            _note(services, incoming, points)
    except MetroledgerError as error:
        tell("data-after-erasure-not-noted", logging.WARNING, error=error)


def _note(services: Services, incoming: Incoming, points: Points) -> None:
    numbers = (row.measured.number for row in incoming.rows)
    came = Counter(number for number in numbers if number not in points)
    rows: Counter[UUID] = Counter()
    for number, entries in leads(services, incoming, Kind.NOTICE, came).items():
        for owner, _ in entries:
            rows[UUID(bytes=owner)] += came[number]
    for notice_id, count in rows.items():
        wanted = NoticeDisregarded(rows=count, came_on=civil_day(services.clock()))
        try:
            note(services, notice_id, partial(notice.disregard, wanted=wanted))
        except (Corrupt, Refused) as error:  # its own: the others are noted all the same
            tell("data-after-erasure-not-noted", logging.ERROR, error=error, notice=notice_id)
