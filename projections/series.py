"""A consent's readings, opened and folded into their series.

Found by the narrow index (consent → record, place), read a record at a time, and opened
with the keys of that record. What was erased stays out of the series and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from domain.aggregates.reading import INITIAL, Series, Taken, fold
from keys.redaction import Redacted
from ledger.readings import key_ids, open_readings
from ledger.retrieval import read_record
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from uuid import UUID

    from keys.key import Key
    from ledger.fold import Folder
    from ledger.store import ReadingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyhole:
    """How readings are opened: `fetch` living keys by id, and what the log `ordered` destroyed."""

    fetch: Callable[[set[UUID]], Mapping[UUID, Key]]
    ordered: Callable[[], frozenset[UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A consent's series, and how many of its readings were erased on order."""

    series: Series
    erased: int


def show(folder: Folder, keyhole: Keyhole, consent: UUID) -> Shown:
    """Return the series of all readings taken in under a consent."""
    taken: list[Taken] = []
    erased = 0
    rows = folder.store.readings(consent.bytes)
    for (offset, frame), group in groupby(rows, key=lambda row: (row.offset, row.frame)):
        for one in _open(folder, keyhole, offset, frame, list(group)):
            if one is None:
                erased += 1
            else:
                taken.append(one)
    return Shown(series=fold(taken) if taken else INITIAL, erased=erased)


def _open(
    folder: Folder, keyhole: Keyhole, offset: int, frame_place: int, rows: list[ReadingRow]
) -> Iterator[Taken | None]:
    frame = read_record(folder.log, offset).frames[frame_place]
    commit = folder.store.commit_at(offset)
    private = decode_private(frame.private)
    if frame.readings is None or commit is None:
        return
    ids = key_ids(frame.readings, private.extra)
    places = [row.place for row in rows]
    wanted = {ids[place] for place in places}
    keys = keyhole.fetch(wanted)
    ordered = keyhole.ordered() if len(keys) < len(wanted) else frozenset()
    opened = open_readings(frame.readings, ids, places, keys, ordered)
    for place, one in zip(places, opened, strict=True):
        if isinstance(one.reading, Redacted):
            yield None
        else:
            order = (commit.leaf + frame_place, place)
            yield Taken(
                order=order, delivery=private.stream, received_at=private.at, reading=one.reading
            )
