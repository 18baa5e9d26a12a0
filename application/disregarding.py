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

from application.notices import note
from application.residents import meter_value
from application.telling import tell
from domain.aggregates import notice
from domain.errors import MetroledgerError
from domain.events.notice import NoticeDisregarded
from domain.values import civil_day
from keys.index import Kind

if TYPE_CHECKING:
    from application.collecting import Points
    from application.deliveries import Incoming
    from application.services import Services


def note_disregarded(services: Services, incoming: Incoming, points: Points) -> None:
    """Note with each living notice how many rows of a delivery are of its points.

    `points` are those that somebody declared: they are nobody's to be told of.
    """
    if not services.register.read().notices:
        return
    numbers = (row.measured.number for row in incoming.rows)
    came = Counter(number for number in numbers if number not in points)
    today = civil_day(services.clock())
    try:
        for notice_id, rows in _by_notice(services, incoming, came).items():
            wanted = NoticeDisregarded(rows=rows, came_on=today)
            note(services, notice_id, partial(notice.disregard, wanted=wanted))
    except MetroledgerError as error:
        tell("data-after-erasure-not-noted", logging.WARNING, error=error)


def _by_notice(services: Services, incoming: Incoming, came: Counter[str]) -> Counter[UUID]:
    values = {meter_value(incoming.operator, incoming.fluid, one): one for one in came}
    rows: Counter[UUID] = Counter()
    if values:
        for value, entries in services.keys.index.lead(Kind.NOTICE, list(values)).items():
            for owner, _ in entries:
                rows[UUID(bytes=owner)] += came[values[value]]
    return rows
