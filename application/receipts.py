"""Receipts: of a consent's grant, a reading, a request, for whoever must be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.frames import frame_of
from domain.errors import Refused
from domain.events.account import ErasureRequested
from domain.events.destruction import PastErasureRequested
from ledger.frames import disclosures_of, key_id_of, open_groups
from ledger.readings import disclosure_of, key_ids, open_reading
from ledger.retrieval import read_record
from proofs.content import Content, DeliveryPath
from proofs.disclosure import digest_of
from proofs.merkle import leaf_hash, nodes_of, prove_inclusion
from proofs.receipt import issue_receipt
from proofs.tiles import tile_nodes
from schemas.leaf import decode_leaf, decode_reading_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from uuid import UUID

    from application.services import Services
    from ledger.record import Frame
    from proofs.publication import Publisher


class NothingToProve(Refused):
    """There is no such event, or it cannot be opened any more."""

    status = 404

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "there is nothing to give a receipt of: no such event, or its keys were destroyed; a "
            "receipt that was issued before stays valid"
        )


class NoSuchGroups(Refused):
    """The event has no disclosure group of such a name."""

    status = 400

    def __init__(self, unknown: Collection[str], known: Collection[str]) -> None:
        """Take the names that were asked for and are none, and those there are."""
        super().__init__(
            f"no group is called {', '.join(sorted(unknown))}; ask for some of: {', '.join(known)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What prints receipts: the publisher, for its newest checkpoint, and its tiles."""

    publisher: Publisher
    tiles: Path


def consent_receipt(
    services: Services, press: Press, consent: UUID, *, groups: Collection[str] | None = None
) -> bytes:
    """Return the receipt of a consent's grant; `groups` are those it opens, all unless given."""
    segments = services.ledger.folder.store.segments(consent.bytes)
    if not segments:
        raise NothingToProve
    record = read_record(services.ledger.folder.log, segments[0].offset)
    commit = services.ledger.folder.store.commit_at(segments[0].offset)
    for place, frame in enumerate(record.frames):
        if decode_private(frame.private).stream == consent and commit is not None:
            return _of_frame(services, press, (frame, commit.leaf + place), groups)
    raise NothingToProve


def request_receipt(services: Services, press: Press, account: UUID) -> bytes:
    """Return the receipt of an account's last erasure request."""
    found = frame_of(services, account, ErasureRequested.TOPIC)
    if found is None:
        raise NothingToProve
    return _of_frame(services, press, found)


def past_receipt(services: Services, press: Press, account: UUID, request: UUID) -> bytes:
    """Return the receipt of an account's request to erase a meter's past."""
    found = frame_of(services, account, PastErasureRequested.TOPIC, extra=request.bytes)
    if found is None:
        raise NothingToProve
    return _of_frame(services, press, found)


def _of_frame(
    services: Services,
    press: Press,
    found: tuple[Frame, int],
    groups: Collection[str] | None = None,
) -> bytes:
    """Return the receipt of a sealed event, by its frame and its leaf's index."""
    frame, index = found
    key_id = key_id_of(frame)
    key = services.keys.fetch([key_id]).get(key_id) if key_id else None
    if key is None:
        raise NothingToProve
    leaf = decode_leaf(frame.leaf)
    opened = open_groups(frame, leaf, key)
    texts = dict(zip(opened, disclosures_of(key, leaf.event, opened), strict=True))
    return _issue(press, _content(frame.leaf, texts, groups), index)


def reading_receipt(services: Services, press: Press, consent: UUID, number: int) -> bytes:
    """Return the receipt of a consent's reading `number`, from 0 in ledger order."""
    folder = services.ledger.folder
    rows = folder.store.readings(consent.bytes)
    if not 0 <= number < len(rows):
        raise NothingToProve
    row = rows[number]
    frame = read_record(folder.log, row.offset).frames[row.frame]
    commit = folder.store.commit_at(row.offset)
    if frame.readings is None or commit is None:
        raise NothingToProve
    key_id = key_ids(frame.readings, decode_private(frame.private).extra)[row.place]
    key = services.keys.fetch([key_id]).get(key_id)
    if key is None:
        raise NothingToProve
    leaf_bytes = frame.readings.leaf(row.place)
    leaf = decode_reading_leaf(leaf_bytes)
    reading = open_reading(key, leaf, leaf_bytes, frame.readings.sealed[row.place])
    count = len(frame.readings)
    nodes = nodes_of(leaf_hash(frame.readings.leaf(place)) for place in range(count))
    content = Content(
        leaf=leaf_bytes,
        disclosures=(disclosure_of(key, leaf.event, reading),),
        delivery=DeliveryPath(
            leaf=frame.leaf,
            index=row.place,
            size=count,
            path=prove_inclusion(row.place, count, nodes),
        ),
    )
    return _issue(press, content, commit.leaf + row.frame)


def _content(leaf: bytes, texts: dict[str, str], groups: Collection[str] | None) -> Content:
    """Return a leaf with the disclosures of some groups, and the digests of those kept back."""
    shown = set(texts) if groups is None else set(groups)
    if unknown := shown - set(texts):
        raise NoSuchGroups(unknown, texts)
    digests = None if shown == set(texts) else tuple(map(digest_of, texts.values()))
    disclosures = tuple(text for group, text in texts.items() if group in shown)
    return Content(leaf=leaf, disclosures=disclosures, digests=digests)


def _issue(press: Press, content: Content, index: int) -> bytes:
    signed = press.publisher.published()
    if signed is None:
        raise NothingToProve
    nodes = tile_nodes(press.tiles, signed.checkpoint.size)
    return issue_receipt(content, index=index, signed=signed, nodes=nodes)
