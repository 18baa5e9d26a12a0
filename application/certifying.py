"""The certificate of a finished destruction, as a file that whoever holds it verifies offline.

Of an account's erasure, of a meter's past, of a retention run: each is a stream of the log whose
last entry says that it is done, and which entries go before it is `proofs.certificate.SCOPES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.erasure import NoCertificate
from application.frames import frame_of
from proofs.certificate import SCOPES, issue_certificate, kind_of
from proofs.tiles import tile_nodes
from schemas.leaf import decode_leaf
from schemas.private import decode_private, ids_in
from schemas.registry import EVENT_TYPES

if TYPE_CHECKING:
    from uuid import UUID

    from application.receipts import Press
    from application.services import Services
    from ledger.record import Frame

_ENDS: Final = tuple(topic for topic in EVENT_TYPES if kind_of(topic) in SCOPES)


def certificate(services: Services, press: Press, stream: UUID) -> bytes:
    """Return the certificate of what was destroyed, under the newest checkpoint.

    `stream` is the id of an account, of a request to erase a meter's past, or of a retention run.
    Raises `NoCertificate` unless it is finished. The fingerprints are left out where this copy
    of the key store came after the destruction and never held the keys.
    """
    last = frame_of(services, stream, *_ENDS)
    signed = press.publisher.published()
    if last is None or signed is None:
        raise NoCertificate
    kinds = SCOPES[kind_of(decode_leaf(last[0].leaf).type)].steps.values()
    found = [frame_of(services, stream, *_topics(kind)) for kind in kinds]
    steps = [one for one in found if one is not None]
    if len(steps) != len(kinds):
        raise NoCertificate
    *_, (ordered, _), _ = steps
    return issue_certificate(
        [(frame.leaf, index) for frame, index in steps],
        _fingerprints(services, ordered),
        signed=signed,
        nodes=tile_nodes(press.tiles, signed.checkpoint.size),
    )


def _topics(kind: str) -> tuple[str, ...]:
    """Return an event type's topics, in all its versions."""
    return tuple(topic for topic in EVENT_TYPES if kind_of(topic) == kind)


def _fingerprints(services: Services, ordered: Frame) -> list[bytes]:
    """Return the fingerprints of the keys ordered destroyed, in the order of their ids."""
    prints = services.keys.fingerprints(ids_in(decode_private(ordered.private).extra))
    return [prints[one] for one in sorted(prints)]
