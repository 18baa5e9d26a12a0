"""The public register: agreements, texts, runs of retention, notices, keys ordered destroyed.

Few events, without a data subject, that many decisions rest on. They are read once
from the log and kept in memory; each use first reads what was added since. Of requests to
erase a part it knows the random ids in their private zones, and does not open them. What was
read is copied beside the fold, so that a process which starts while the log is away knows which
terms are in force; a copy counts only with the very leaf that was folded.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from domain.aggregates import agreement, notice, retention, terms
from domain.aggregates.machine import ImpossibleEvent
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.destruction import KeysDestroyed, PastErasureRequested
from domain.events.retention import RetentionCarriedOut, RetentionOrdered
from domain.events.terms import TermsPublished
from ledger.frames import Opened, open_event
from ledger.record import Frame, decode_frame, encode_frame
from ledger.retrieval import read_record
from proofs.merkle import leaf_hash
from replay.integrity import order_matches
from schemas.canonical import b64
from schemas.leaf import decode_leaf
from schemas.private import decode_private, ids_in
from schemas.registry import ORDERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.aggregates.agreement import Agreement
    from domain.aggregates.notice import Notice
    from domain.aggregates.retention import Retention
    from domain.aggregates.terms import Terms
    from domain.events import Event
    from ledger.fold import Folder
    from schemas.private import Private


ASKED_MAX: Final = 50
"""Of so many requests to erase a part, those made last, it is known that they were made."""

_OF_NOTICES: Final = tuple({event for moves in notice.TRANSITIONS.values() for event in moves})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the register holds: states by stream, and what a grant cites of an agreement.

    `cites` is the hash of the leaf by which an agreement was signed, base64url. `asked` are
    the last `ASKED_MAX` destructions of a part that were asked for, with their accounts, the oldest
    first, and `pending` all that are not certified;
    `ordered` the ids of all keys that were ordered destroyed, of persons, parts and years.
    `notices` are those that live.
    """

    agreements: Mapping[UUID, Agreement] = field(default_factory=dict)
    cites: Mapping[UUID, str] = field(default_factory=dict)
    texts: Mapping[UUID, Terms] = field(default_factory=dict)
    retention: Mapping[UUID, Retention] = field(default_factory=dict)
    ordered: frozenset[UUID] = frozenset()
    asked: Mapping[UUID, UUID] = field(default_factory=dict)
    pending: Mapping[UUID, UUID] = field(default_factory=dict)
    notices: Mapping[UUID, Notice] = field(default_factory=dict)


class Copies(Protocol):
    """Where frames of the register are copied to, by the index of their leaf."""

    def find(self, leaf: int) -> tuple[bytes, bytes] | None:
        """Return the digest of the commit's header and the frame, None where there is no copy."""

    def keep(self, leaf: int, header: bytes, frame: bytes) -> None:
        """Keep a copy in place of any other."""


class Register:
    """Reads the register from the log, and keeps it."""

    def __init__(self, folder: Folder, copies: Copies | None = None) -> None:
        """Take the folder whose log and store hold the register, and where it is copied to."""
        self._folder = folder
        self._copies = copies
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
        copied = self._copied(index)
        frame, digest = copied or self._logged(index)
        if decode_leaf(frame.leaf).type == PastErasureRequested.TOPIC:
            contents = _asked(contents, decode_private(frame.private))
        else:
            contents = _add(contents, open_event(frame, digest, {}, frozenset()))
        if copied is None and self._copies is not None:  # without what is sealed: it is not read
            bare = encode_frame(Frame(leaf=frame.leaf, private=frame.private))
            self._copies.keep(index, digest, bare)
        return contents

    def _copied(self, index: int) -> tuple[Frame, bytes] | None:
        found = self._copies.find(index) if self._copies else None
        if found is None:
            return None
        digest, encoded = found
        frame, _ = decode_frame(encoded)
        same = [frame.leaf] == list(self._folder.store.entries(index, index + 1))
        return (frame, digest) if same else None

    def _logged(self, index: int) -> tuple[Frame, bytes]:
        (commit,) = self._folder.store.commits_by_leaf(index, 1)
        record = read_record(self._folder.log, commit.offset)
        digest = hashlib.sha256(record.header_bytes).digest()
        return record.frames[index - commit.leaf], digest


def _asked(contents: Contents, private: Private) -> Contents:
    added = dict.fromkeys(ids_in(private.extra), private.stream)
    asked = {**contents.asked, **added}
    last = dict(islice(asked.items(), max(len(asked) - ASKED_MAX, 0), None))
    return replace(contents, asked=last, pending={**contents.pending, **added})


def _add(contents: Contents, opened: Opened) -> Contents:
    stream, event = opened.originator_id, opened.event
    if isinstance(event, ORDERS) and order_matches(opened.private.extra, event):
        ordered = contents.ordered.union(ids_in(opened.private.extra))
        contents = replace(contents, ordered=ordered)
    if isinstance(event, _OF_NOTICES):
        contents = _noticed(contents, stream, event)
    match event:
        case AgreementSigned() | AgreementEnded():
            state = contents.agreements.get(stream, agreement.INITIAL)
            cites = {stream: b64(leaf_hash(opened.leaf_bytes)), **contents.cites}
            agreements = {**contents.agreements, stream: agreement.evolve(state, event)}
            return replace(contents, agreements=agreements, cites=cites)
        case TermsPublished():
            text = terms.evolve(contents.texts.get(stream, terms.INITIAL), event)
            return replace(contents, texts={**contents.texts, stream: text})
        case KeysDestroyed():
            left = {one: whose for one, whose in contents.pending.items() if one != stream}
            return replace(contents, pending=left)
        case RetentionOrdered() if not order_matches(opened.private.extra, event):
            return contents
        case RetentionOrdered() | RetentionCarriedOut():
            return _run(contents, stream, event)
        case _:
            return contents


def _run(contents: Contents, stream: UUID, event: Event) -> Contents:
    """Return the register with one more step of a run; a step that no run may take changes nothing.

    Whoever appended it, upkeep goes by the register, and must not be stopped by it.
    """
    with contextlib.suppress(ImpossibleEvent):
        run = retention.evolve(contents.retention.get(stream, retention.INITIAL), event)
        return replace(contents, retention={**contents.retention, stream: run})
    return contents


def _noticed(contents: Contents, stream: UUID, event: Event) -> Contents:
    """Return the register with one more step of a notice; likewise. An ended one is left out."""
    with contextlib.suppress(ImpossibleEvent):
        state = notice.evolve(contents.notices.get(stream, notice.INITIAL), event)
        notices = {**contents.notices, stream: state}
        if notice.is_over(state):
            del notices[stream]
        return replace(contents, notices=notices)
    return contents
