"""The public register: agreements, published texts, and the keys ordered destroyed.

Few events, without a data subject, that many decisions rest on. They are read once
from the log and kept in memory; each use first reads what was added since. Of requests to
erase a part it knows the random ids in their private zones, and does not open them.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.aggregates import agreement, terms
from domain.events.account import DestructionOrdered
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.destruction import KeysDestroyed, PastErasureRequested
from domain.events.terms import TermsPublished
from ledger.frames import Opened, open_event
from ledger.retrieval import read_record
from proofs.merkle import leaf_hash
from replay.integrity import order_matches
from schemas.canonical import b64
from schemas.leaf import decode_leaf
from schemas.private import decode_private, ids_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.aggregates.agreement import Agreement
    from domain.aggregates.terms import Terms
    from ledger.fold import Folder
    from schemas.private import Private


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the register holds: states by stream, and what a grant cites of an agreement.

    `cites` is the hash of the leaf by which an agreement was signed, base64url. `pending` are
    the destructions of a part that were asked for and are not certified, with their accounts.
    """

    agreements: Mapping[UUID, Agreement] = field(default_factory=dict)
    cites: Mapping[UUID, str] = field(default_factory=dict)
    texts: Mapping[UUID, Terms] = field(default_factory=dict)
    ordered: frozenset[UUID] = frozenset()
    pending: Mapping[UUID, UUID] = field(default_factory=dict)


class Register:
    """Reads the register from the log, and keeps it."""

    def __init__(self, folder: Folder) -> None:
        """Take the folder whose log and store hold the register."""
        self._folder = folder
        self._contents = Contents()
        self._next = 0
        self._lock = threading.Lock()

    @property
    def next(self) -> int:
        """The index from which leaves of the register are still to be read."""
        return self._next

    def read(self, added: Sequence[int] | None = None) -> Contents:
        """Return what the register holds now, or by the leaves that were `added` from `next` on."""
        with self._lock:
            for index in self._folder.store.register(self._next) if added is None else added:
                if index >= self._next:  # another thread may have read it meanwhile
                    self._contents = self._with(self._contents, index)
                    self._next = index + 1
            return self._contents

    def _with(self, contents: Contents, index: int) -> Contents:
        (commit,) = self._folder.store.commits_by_leaf(index, 1)
        record = read_record(self._folder.log, commit.offset)
        frame = record.frames[index - commit.leaf]
        if decode_leaf(frame.leaf).type == PastErasureRequested.TOPIC:
            return _asked(contents, decode_private(frame.private))
        digest = hashlib.sha256(record.header_bytes).digest()
        return _add(contents, open_event(frame, digest, {}, frozenset()))


def _asked(contents: Contents, private: Private) -> Contents:
    added = dict.fromkeys(ids_in(private.extra), private.stream)
    return replace(contents, pending={**contents.pending, **added})


def _add(contents: Contents, opened: Opened) -> Contents:
    stream, event = opened.originator_id, opened.event
    match event:
        case AgreementSigned() | AgreementEnded():
            state = contents.agreements.get(stream, agreement.INITIAL)
            cites = {stream: b64(leaf_hash(opened.leaf_bytes)), **contents.cites}
            agreements = {**contents.agreements, stream: agreement.evolve(state, event)}
            return replace(contents, agreements=agreements, cites=cites)
        case TermsPublished():
            text = terms.evolve(contents.texts.get(stream, terms.INITIAL), event)
            return replace(contents, texts={**contents.texts, stream: text})
        case DestructionOrdered() if order_matches(opened.private.extra, event):
            return replace(contents, ordered=contents.ordered.union(ids_in(opened.private.extra)))
        case KeysDestroyed():
            left = {one: whose for one, whose in contents.pending.items() if one != stream}
            return replace(contents, pending=left)
        case _:
            return contents
