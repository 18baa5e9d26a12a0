"""The usual R151: meters that differ from one already read in nothing but their numbers.

Theory of operation
-------------------
All days with the same calendars and date are written alike, byte for byte, but for
reference and values. So a day is cut at these; what stands between is compared with what
the strict reader (`r151`) has read before, and only the digits are looked at (`moulds`)::

    <PRM><Id_PRM> 09111642617347 </Id_PRM>
      <Donnees_Releve>…<Id_Affaire> M02SXIXD </Id_Affaire>…<Valeur> 42 </Valeur>…</Donnees_Releve>
    </PRM>

The strict reader is asked once about each form of day, and about a meter whose days have
no form, alone, between the document's own header and end. What it refuses, or what is not
plain (`_ODD`), is not judged here: the strict reader then gets the header, the last usual
meter and everything behind it, in the chunks it would have had. Its verdict stands, with
its bounds and its line. The end of the document is always left to it.

Why the two roads cannot disagree is argued in docs/decisions/0015.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.file import Row
from adapters.dso.enedis.markup import LARGEST_PART
from adapters.dso.enedis.moulds import DAY, Cut, Mould, alone, cut, mould_of
from adapters.dso.enedis.r151 import Reader, read
from adapters.dso.refusal import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.dso.enedis.file import Document

LARGEST_USUAL: Final = LARGEST_PART // 2
"""Most bytes of a usual meter, and about the most that are held back at any time."""
MOST_MOULDS: Final = 512
"""Most forms remembered of a document; there are some dozens in a genuine one."""
PATIENCE: Final = 64
"""Questions to the strict reader before more than one in eight meters is too many."""

_OPENING: Final = re.compile(
    rb'<\?xml version="1\.0" encoding="UTF-8"\?>[ \r\n]{0,9}'
    rb'<R151(?: xmlns:xsi ?="http://www\.w3\.org/2001/XMLSchema-instance")?>[ \r\n]{0,9}'
    rb"<En_Tete_Flux>(?:[ \r\n]{0,9}<[A-Za-z_]{1,40}>[^<>&]{0,200}</[A-Za-z_]{1,40}>){1,20}"
    rb"[ \r\n]{0,9}</En_Tete_Flux>"
)
_BEGIN: Final = re.compile(
    rb"[ \r\n]{0,9}<PRM><Id_PRM>([0-9]{14})</Id_PRM>[ \r\n]{0,9}(?=%s)" % DAY
)
_END, _CLOSING = b"</PRM>", b"</R151>"
_ODD: Final = re.compile(rb"[!?&=]")
"""What comments, sections, instructions, references and attributes cannot do without."""


def parse(chunks: Iterable[bytes]) -> Document:
    """Read an R151 document to its end as `r151.parse` does; raise what it raises."""
    source, reader = _Source(chunks), Reader()
    source.pull()
    opening = _OPENING.match(source.held())
    known = alone(opening[0] + _CLOSING) if opening else None
    if opening is None or known is None:
        return read(source.rest(), reader)
    reader.header = known.header
    _Road(opening[0], reader).follow(source)
    reader.header = None  # the strict reader is to meet it itself
    if not source.dropped:
        return read(source.rest(), reader)
    lines = source.lines - opening[0].count(b"\n")
    return read(chain([opening[0]], source.rest()), reader, lines=lines)


class _Source:
    """The chunks of a document; those in which something is not done with are held."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held: list[bytes] = []
        self._refused: FileRefused | None = None
        self.dropped = self.lines = 0

    def pull(self) -> bool:
        """Hold one more chunk; False when there is none, or none to be had."""
        try:
            chunk = next(self._chunks, None)
        except FileRefused as refused:  # a broken archive: what came before is judged first
            self._refused, chunk = refused, None
        if chunk is not None:
            self._held.append(chunk)
        return chunk is not None

    def held(self) -> bytes:
        """Return what is held, in one piece."""
        return self._held[0] if len(self._held) == 1 else b"".join(self._held)

    def drop(self, count: int) -> None:
        """Forget the first bytes of what is held, counting their lines."""
        self.dropped += count
        while count:
            first = self._held[0]
            self.lines += first.count(b"\n", 0, count)
            if count < len(first):
                self._held[0] = first[count:]
                return
            del self._held[0]
            count -= len(first)

    def rest(self) -> Iterator[bytes]:
        """Yield what is held and what follows, cut as it came; raise what stopped it."""
        yield from self._held
        if self._refused is not None:
            raise self._refused
        yield from self._chunks


class _Road:
    """The meters of one document, read into `reader` as long as they are usual."""

    def __init__(self, opening: bytes, reader: Reader) -> None:
        self._opening = opening
        self._reader = reader
        self._moulds: dict[bytes, list[Mould]] = {}
        self._learned = self._asked = self._met = 0
        self._before = 0, 0

    def follow(self, source: _Source) -> None:
        """Read meters until one is not usual; that one and the last usual stay in `source`."""
        at = len(self._opening)
        usual = True
        while usual:
            held = source.held()
            last, at, usual = self._meters(held, at)
            source.drop(last)
            at -= last
            usual = usual and len(held) - last - at <= LARGEST_USUAL and source.pull()
        rows, self._reader.blank = self._before  # the last one is read again
        del self._reader.rows[rows:]

    def _meters(self, held: bytes, at: int) -> tuple[int, int, bool]:
        """Read the whole meters; return where the last one begins and ends, and if all are usual.

        Without one, the last begins where the text does.
        """
        last = 0
        while (end := held.find(_END, at)) >= 0:
            end += len(_END)
            begin = _BEGIN.match(held, at)
            before = len(self._reader.rows), self._reader.blank
            if begin is None or end - at > LARGEST_USUAL:
                return last, at, False
            if not self._meter(begin, held[begin.end() : end - len(_END)]):
                return last, at, False
            last, at, self._before = at, end, before
        return last, at, True

    def _meter(self, begin: re.Match[bytes], days: bytes) -> bool:
        """Read one meter; False when that is not for this road, and nothing of it is kept."""
        found: list[tuple[Mould, Cut]] = []
        for day in days.split(DAY)[1:]:
            pieces = cut(DAY + day)
            mould = self._mould(pieces, day) if pieces else None
            if pieces is None or mould is None:
                return self._alone(begin[0] + days + _END)
            found.append((mould, pieces))
        number = begin[1].decode("ascii")
        for mould, pieces in found:
            for said in mould.said(number, pieces):
                rows = self._reader.rows
                rows.append(Row(position=len(rows), number=number, said=said))
            self._reader.blank += mould.index is None
        self._reader.points.add(number)
        self._met += 1
        return True

    def _mould(self, pieces: Cut, day: bytes) -> Mould | None:
        known = self._moulds.setdefault(pieces.front, [])
        for mould in known:
            if mould.fits(pieces):
                return mould
        if self._learned >= MOST_MOULDS or not self._may_ask(day):
            return None
        self._learned += 1
        found = mould_of(pieces, self._opening, _CLOSING)
        if found is not None:
            known.append(found)
        return found

    def _alone(self, meter: bytes) -> bool:
        """Have one meter read by the strict reader."""
        said = alone(self._opening + meter + _CLOSING) if self._may_ask(meter) else None
        if said is None:
            return False
        for row in said.rows:
            self._reader.rows.append(row.at(len(self._reader.rows)))
        self._reader.points |= said.points
        self._reader.blank += said.blank
        self._met += 1
        return True

    def _may_ask(self, text: bytes) -> bool:
        if _ODD.search(text) or self._asked > PATIENCE + self._met // 8:
            return False
        self._asked += 1
        return True
