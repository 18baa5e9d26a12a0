"""Both roads through an R151, to be compared: what each says, or how each refuses."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from random import Random

from adapters.dso.enedis import r151, usual
from adapters.dso.enedis.file import Document
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night
from adapters.dso.enedis.simulator import r151 as written
from adapters.dso.refusal import FileRefused

DAY = date(2026, 6, 10)
METERS = town(5, 24)
NIGHT = Night(
    seed=5,
    day=DAY,
    meters=METERS,
    blank=frozenset({METERS[3].number, METERS[9].number}),
    late={METERS[6].number: (date(2026, 6, 1), date(2026, 6, 2))},
)
USUAL = written(NIGHT)
SHORTEST = 2_000
"""What has fewer bytes was cut off so early that there is nothing left to change."""
PIECES: Sequence[bytes] = (
    *(
        b"<PRM>",
        b"</PRM>",
        b"\n",
        b" ",
        b"\t",
        b"<",
        b">",
        b"</",
        b"=",
        b'="',
        b"&",
        b"&amp;",
        b"!",
    ),
    *(b"<!-- x -->", b"<!-- </PRM> -->", b"<![CDATA[", b"]]>", b"<?x y?>", b"&#57;", b"\xc3\xa9"),
    *(b"\xff", b"\0", b"<x:y/>", b"<Autre>1</Autre>", b"Valeur>", b"Id_Affaire>", b"<PRM/>"),
    *(
        b"</R151>",
        b"<En_Tete_Flux>",
        b"</Donnees_Releve>",
        b"<Donnees_Releve>",
        b"1",
        b"987654321000",
    ),
    *(
        b"<Valeur>12</Valeur>",
        b"<Valeur>",
        b"</Valeur >",
        b"2026-06-31",
        b"INCONNU",
        b"00000000000000",
    ),
    *(b"<Puissance_Maximale><Valeur>7</Valeur></Puissance_Maximale>", b"<Id_PRM>", b"-", b"_"),
)


def verdict(
    parse: Callable[[Iterable[bytes]], Document], chunks: Iterable[bytes]
) -> Document | tuple[str, str]:
    """Return the document, or the code and the words of its refusal."""
    try:
        return parse(chunks)
    except FileRefused as refused:
        return refused.code, str(refused)


def both(document: bytes, size: int) -> tuple[object, object]:
    """Return what the strict and the usual road make of a document in chunks of a size."""
    return verdict(r151.parse, chunks(document, size)), verdict(usual.parse, chunks(document, size))


def chunks(document: bytes, size: int) -> Iterator[bytes]:
    """Yield a document cut into chunks."""
    for at in range(0, len(document), size):
        yield document[at : at + size]


def mutated(document: bytes, random: Random) -> bytes:
    """Return a document with one to three things wrong with it, or merely otherwise."""
    for _ in range(random.randint(1, 3)):
        if len(document) > SHORTEST:
            document = random.choice(_MUTATIONS)(document, random)
    return document


def _flip(document: bytes, random: Random) -> bytes:
    at = random.randrange(len(document))
    return document[:at] + bytes([random.randrange(256)]) + document[at + 1 :]


def _insert(document: bytes, random: Random) -> bytes:
    at = random.choice([random.randrange(len(document)), *_edges(document, random)])
    return document[:at] + random.choice(PIECES) + document[at:]


def _cut_out(document: bytes, random: Random) -> bytes:
    first, last = _edges(document, random)
    return document[:first] + document[last:]


def _twice(document: bytes, random: Random) -> bytes:
    first, last = _edges(document, random)
    return document[:last] + document[first:last] + document[last:]


def _swap(document: bytes, random: Random) -> bytes:
    lines = document.split(b"\n")
    at = random.randrange(len(lines) - 1)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return b"\n".join(lines)


def _line_gone(document: bytes, random: Random) -> bytes:
    lines = document.split(b"\n")
    del lines[random.randrange(len(lines))]
    return b"\n".join(lines)


def _line_twice(document: bytes, random: Random) -> bytes:
    lines = document.split(b"\n")
    lines.insert(random.randrange(len(lines)), random.choice(lines))
    return b"\n".join(lines)


def _replace(document: bytes, random: Random) -> bytes:
    found = [text for text in PIECES if text in document]
    old = random.choice(found)
    at = document.find(old, random.randrange(len(document)))
    at = at if at >= 0 else document.find(old)
    return document[:at] + random.choice(PIECES) + document[at + len(old) :]


def _end(document: bytes, random: Random) -> bytes:
    return document[: random.randrange(1, len(document))]


def _edges(document: bytes, random: Random) -> tuple[int, int]:
    """Return where two tags begin that stand near each other."""
    first = document.find(b"<", random.randrange(len(document) - 100))
    last = first
    for _ in range(random.randint(1, 12)):
        following = document.find(b"<", last + 1)
        last = following if following > 0 else last
    return max(first, 0), max(last, 0)


_WHOLE_LINES = (_swap, _line_gone, _line_twice)
_MUTATIONS = (_flip, _insert, _insert, _cut_out, _twice, _replace, _end, *3 * _WHOLE_LINES)
