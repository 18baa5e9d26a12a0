"""Find one event of a stream in the log, as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.retrieval import read_record
from schemas.leaf import decode_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from uuid import UUID

    from application.services import Services
    from ledger.record import Frame


def frame_of(
    services: Services, stream: UUID, *topics: str, extra: bytes | None = None
) -> tuple[Frame, int] | None:
    """Return the frame of a stream's last event of some types, and its leaf's index.

    Of several, `extra` is the private zone's of the one that is meant.
    """
    store = services.ledger.folder.store
    for segment in reversed(store.segments(stream.bytes)):
        commit = store.commit_at(segment.offset)
        for place, frame in enumerate(
            read_record(services.ledger.folder.log, segment.offset).frames
        ):
            private = decode_private(frame.private)
            ours = private.stream == stream and extra in {None, private.extra}
            if commit is not None and ours and decode_leaf(frame.leaf).type in topics:
                return frame, commit.leaf + place
    return None
