"""The public register: agreements, published texts, and the keys ordered destroyed.

Few events, without a data subject, that many decisions rest on. They are read once
from the log and kept in memory; each use first reads what was added since.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.aggregates import agreement, terms
from domain.events.account import DestructionOrdered
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.terms import TermsPublished
from ledger.frames import Opened, open_event
from ledger.retrieval import read_record
from proofs.merkle import leaf_hash
from replay.integrity import order_matches
from schemas.canonical import b64
from schemas.private import ids_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.aggregates.agreement import Agreement
    from domain.aggregates.terms import Terms
    from ledger.fold import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the register holds: states by stream, and what a grant cites of an agreement.

    `cites` is the hash of the leaf by which an agreement was signed, base64url.
    """

    agreements: Mapping[UUID, Agreement] = field(default_factory=dict)
    cites: Mapping[UUID, str] = field(default_factory=dict)
    texts: Mapping[UUID, Terms] = field(default_factory=dict)
    ordered: frozenset[UUID] = frozenset()


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
                    self._contents = _add(self._contents, self._open(index))
                    self._next = index + 1
            return self._contents

    def _open(self, index: int) -> Opened:
        (commit,) = self._folder.store.commits_by_leaf(index, 1)
        record = read_record(self._folder.log, commit.offset)
        digest = hashlib.sha256(record.header_bytes).digest()
        return open_event(record.frames[index - commit.leaf], digest, {}, frozenset())


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
        case _:
            return contents
