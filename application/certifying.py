"""The certificate of a finished erasure, as a file that whoever holds it verifies offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.erasure import ERASED, NoCertificate, frame_of
from domain.events.account import DestructionOrdered, ErasureValidated
from proofs.certificate import issue_certificate
from proofs.tiles import tile_nodes
from schemas.private import decode_private, ids_in

if TYPE_CHECKING:
    from uuid import UUID

    from application.receipts import Press
    from application.services import Services
    from ledger.record import Frame

_STEPS = ((ErasureValidated.TOPIC,), (DestructionOrdered.TOPIC,), ERASED)


def certificate(services: Services, press: Press, account_id: UUID) -> bytes:
    """Return the certificate of an account's erasure, under the newest checkpoint.

    Raises `NoCertificate` unless it is finished. The fingerprints are left out where this copy
    of the key store came after the destruction and never held the keys.
    """
    found = [frame_of(services, account_id, *topics) for topics in _STEPS]
    steps = [one for one in found if one is not None]
    signed = press.publisher.published()
    if len(steps) != len(_STEPS) or signed is None:
        raise NoCertificate
    _, (ordered, _), _ = steps
    return issue_certificate(
        [(frame.leaf, index) for frame, index in steps],
        _fingerprints(services, ordered),
        signed=signed,
        nodes=tile_nodes(press.tiles, signed.checkpoint.size),
    )


def _fingerprints(services: Services, ordered: Frame) -> list[bytes]:
    """Return the fingerprints of the keys ordered destroyed, in the order of their ids."""
    prints = services.keys.fingerprints(ids_in(decode_private(ordered.private).extra))
    return [prints[one] for one in sorted(prints)]
