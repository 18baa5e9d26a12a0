"""What an R151 document says, and the documents that are none."""

import re
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.dso.enedis.archive import CHUNK
from adapters.dso.enedis.file import Counts, Document
from adapters.dso.enedis.markup import LARGEST_PART, MarkupRefused
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, r151
from adapters.dso.enedis.usual import parse
from domain.events.reading import IndexReceived, MaximumPowerReceived, Register
from domain.values import Direction

DAY = date(2026, 6, 10)
METERS = town(1, 5)
GOOD = r151(Night(seed=1, day=DAY, meters=METERS))
REAL = "data/enedis-sge/CommandeCollectePublicationMesures/C5-IDX/R151.xml"


def slices(document: bytes) -> Iterator[bytes]:
    for at in range(0, len(document), CHUNK):
        yield document[at : at + CHUNK]


def read(document: bytes) -> Document:
    return parse(slices(document))


def edited(pattern: str, replacement: str, document: bytes = GOOD, count: int = 1) -> bytes:
    changed, times = re.subn(pattern, replacement, document.decode(), count=count, flags=re.DOTALL)
    assert times
    return changed.encode()


def test_the_real_file_is_read(shared: Path) -> None:
    document = read((shared / REAL).read_bytes())
    number, reference = "09111642617347", "M02SXIXD"
    base: dict[str, Any] = {"slot": "BASE", "rank": 1, "value_wh": 9_744_495, "plausibility": 0}
    assert [row.reading for row in document.rows] == [
        IndexReceived(
            number=number,
            at=datetime(2022, 2, 2, 23, tzinfo=UTC),
            direction=Direction.CONSUMPTION,
            device=None,
            quality="raw",
            reference=reference,
            registers=(
                Register(grid="distributor", calendar="DI000001", **base),
                Register(grid="supplier", calendar="FC000165", **base),
            ),
        ),
        MaximumPowerReceived(
            number=number,
            day=date(2022, 2, 2),
            at=None,
            direction=Direction.CONSUMPTION,
            device=None,
            quality="raw",
            reference=reference,
            power=3_817,
            unit="VA",
        ),
    ]
    assert document.counts == Counts(points=1, blank=0, repeated=0)


def test_the_simulator_writes_what_the_real_file_looks_like(shared: Path) -> None:
    one = next(meter for meter in town(3, 500) if (meter.distributor, meter.supplier) == (1, 1))
    ours = r151(Night(seed=3, day=date(2022, 2, 2), meters=[one])).decode()
    real = (shared / REAL).read_text(encoding="utf-8").rstrip()
    values = re.compile(r"(?<=>)[^<>\n]+(?=</(?:Id_PRM|Date_Creation|Id_Affaire|Valeur)>)")
    assert values.sub("…", ours.rstrip()) == values.sub("…", real)


@pytest.mark.parametrize(
    ("day", "at"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (date(2026, 12, 31), datetime(2026, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_an_index_is_of_the_end_of_its_day(day: date, at: datetime) -> None:
    first = read(r151(Night(seed=1, day=day, meters=METERS))).rows[0].reading
    assert isinstance(first, IndexReceived)
    assert first.at == at


def test_a_bare_day_is_counted_and_is_no_reading() -> None:
    blank = frozenset({METERS[0].number, METERS[3].number})
    document = read(r151(Night(seed=1, day=DAY, meters=METERS, blank=blank)))
    assert document.counts == Counts(points=5, blank=2, repeated=0)
    assert {row.number for row in document.rows} == {m.number for m in METERS} - blank


def test_late_days_stand_beside_the_day() -> None:
    late = {METERS[1].number: (date(2026, 6, 1), date(2026, 6, 2))}
    document = read(r151(Night(seed=1, day=DAY, meters=METERS, late=late, powers=False)))
    found = [row.reading for row in document.rows if row.number == METERS[1].number]
    assert [reading.at.date() for reading in found if isinstance(reading, IndexReceived)] == [
        date(2026, 6, 1),
        date(2026, 6, 2),
        DAY,
    ]


def test_an_unknown_calendar_is_kept_as_sent() -> None:
    meter = next(meter for meter in town(1, 500) if not meter.known_calendar)
    reading = read(r151(Night(seed=1, day=DAY, meters=[meter]))).rows[0].reading
    assert isinstance(reading, IndexReceived)
    supplier = [register for register in reading.registers if register.grid == "supplier"]
    assert {register.calendar for register in supplier} == {"INCONNU"}


def test_powers_keep_the_unit_of_the_header() -> None:
    document = read(r151(Night(seed=1, day=DAY, meters=METERS, power_unit="W")))
    units = [r.reading.unit for r in document.rows if isinstance(r.reading, MaximumPowerReceived)]
    assert units == ["W"] * 5


@pytest.mark.parametrize(
    "addition",
    [
        r"<Nouveau>x</Nouveau>\n<Donnees_Releve>",
        r"<Nouveau a='1'><PRM2><Valeur>1</Valeur></PRM2></Nouveau><Donnees_Releve>",
        r"<!-- a comment --><Donnees_Releve>",
    ],
)
def test_what_is_not_known_is_passed_over(addition: str) -> None:
    assert read(edited("<Donnees_Releve>", addition)) == read(GOOD)
    at_root = edited("<PRM>", "<Nouveau/><!-- a comment --><PRM>")
    assert read(at_root) == read(GOOD)


def test_values_in_parts_are_whole_values() -> None:
    parted = edited(r"<Valeur>(\d)(\d+)", r"<Valeur> <![CDATA[\1]]>&#x30;\2 ")
    expected = edited(r"<Valeur>(\d)(\d+)", r"<Valeur>\g<1>0\2")
    assert read(parted) == read(expected)


WRONG: dict[str, tuple[bytes, str]] = {
    "another flow": (edited("<Identifiant_Flux>R151", "<Identifiant_Flux>R50"), "not_r151"),
    "another root": (GOOD.replace(b"R151 xmlns", b"R50 xmlns"), "not_r151"),
    "kWh": (edited(">Wh<", ">kWh<"), "unit"),
    "kVA": (edited(">VA<", ">kVA<"), "unit"),
    "no header": (edited("<En_Tete_Flux>.*?</En_Tete_Flux>", ""), "schema"),
    "two headers": (edited("(<En_Tete_Flux>.*?</En_Tete_Flux>)", r"\1\1"), "schema"),
    "a header without contract": (edited("<Identifiant_Contrat>.*?</Ident.*?>", ""), "schema"),
    "a date without offset": (edited(r"\+02:00", ""), "schema"),
    "no number": (edited(r"<Id_PRM>\d+</Id_PRM>", ""), "schema"),
    "two numbers": (edited(r"(<Id_PRM>\d+</Id_PRM>)", r"\1\1"), "schema"),
    "13 digits": (edited(r"<Id_PRM>\d", "<Id_PRM>"), "schema"),
    "digits of another script": (edited(r"<Id_PRM>\d", "<Id_PRM>٣"), "schema"),
    "no day": (edited("<Donnees_Releve>.*?</Donnees_Releve>", ""), "schema"),
    "no date": (edited("<Date_Releve>.*?</Date_Releve>", ""), "schema"),
    "30 February": (edited("2026-06-10", "2026-02-30"), "schema"),
    "the year 9999": (edited("2026-06-10", "9999-12-31"), "schema"),
    "a week date": (edited("2026-06-10", "2026-W23-3"), "schema"),
    "no value": (edited(r"<Valeur>\d+</Valeur>", ""), "schema"),
    "an empty value": (edited(r"<Valeur>\d+", "<Valeur>"), "schema"),
    "two values": (edited(r"(<Valeur>\d+</Valeur>)", r"\1\1"), "schema"),
    "a negative value": (edited(r"<Valeur>", "<Valeur>-"), "schema"),
    "a decimal value": (edited(r"<Valeur>", "<Valeur>1."), "schema"),
    "an exponent": (edited(r"<Valeur>\d+", "<Valeur>1e6"), "schema"),
    "16 digits": (edited(r"<Valeur>\d+", "<Valeur>" + "9" * 16), "schema"),
    "a million digits": (edited(r"<Valeur>\d+", "<Valeur>" + "9" * 400_000), "schema"),
    "a value split by an element": (edited(r"<Valeur>(\d)", r"<Valeur>\1<x/>"), "schema"),
    "a value split by a comment": (edited(r"<Valeur>(\d)", r"<Valeur>\1<!-- -->"), "schema"),
    "rank 21": (edited(r"<Rang_Cadran>\d", "<Rang_Cadran>21"), "schema"),
    "flag 2": (edited(r"<Indice_Vraisemblance>0", "<Indice_Vraisemblance>2"), "schema"),
    "five own classes": (
        edited(r"(<Classe_Temporelle_Dist.*?</Classe_Temporelle_Dist.*?>\n)", r"\1" * 5),
        "schema",
    ),
    "markup in a class": (edited("<Id_Classe_Temporelle>", r"\g<0>&lt;script&gt;"), "schema"),
    "a power of text": (edited("(<Puissance_Maximale><Valeur>)", r"\1x"), "schema"),
    "a reference out of form": (edited("<Id_Affaire>M", "<Id_Affaire>é"), "schema"),
    "a point in a point": (edited("<Donnees_Releve>", "<x><PRM/></x><Donnees_Releve>"), "schema"),
    "a point before the header": (edited("<En_Tete_Flux>", "<PRM/><En_Tete_Flux>"), "schema"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_document_of_another_form_is_refused(what: str) -> None:
    document, code = WRONG[what]
    with pytest.raises(MarkupRefused) as refused:
        read(document)
    assert refused.value.code == code


def with_doctype(internal: str) -> Callable[[], bytes]:
    return lambda: edited("<R151 ", f"<!DOCTYPE R151 {internal}><R151 ")


def laughs() -> bytes:
    entities = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10)
    )
    return edited("<R151 ", f"<!DOCTYPE R151 [{entities}]><R151 ").replace(b">ERDF<", b">&l9;<")


def nested(depth: int) -> bytes:
    return edited("<Donnees_Releve>", "<a>" * depth + "</a>" * depth + "<Donnees_Releve>")


def new_names(count: int) -> bytes:
    many = "".join(f"<n{n}/>" for n in range(count))
    return edited("<Donnees_Releve>", many + "<Donnees_Releve>")


def at_the_end(text: bytes) -> bytes:
    return GOOD.replace(b"</R151>", text + b"</R151>")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (laughs, "entity"),
    "quadratic blow-up": (with_doctype(f'[<!ENTITY a "{"x" * 50_000}">]'), "entity"),
    "an external entity, a file": (
        with_doctype('[<!ENTITY a SYSTEM "file:///etc/passwd">]'),
        "entity",
    ),
    "an external entity, http": (with_doctype('[<!ENTITY a SYSTEM "http://{}/a">]'), "entity"),
    "a parameter entity": (with_doctype('[<!ENTITY % a SYSTEM "http://{}/a">%a;]'), "entity"),
    "an external type": (with_doctype('SYSTEM "http://{}/a.dtd"'), "entity"),
    "a public type": (with_doctype('PUBLIC "-//x//y" "http://{}/a.dtd"'), "entity"),
    "an empty type": (with_doctype(""), "entity"),
    "default attributes": (with_doctype('[<!ATTLIST PRM a CDATA "x">]'), "entity"),
    "a type far behind comments": (
        lambda: edited("<R151 ", "<!--" + "x" * 500_000 + "--><!DOCTYPE R151><R151 "),
        "xml",
    ),
    "a type within the root": (lambda: edited("<PRM>", "<!DOCTYPE R151><PRM>"), "xml"),
    "an entity nobody declared": (lambda: edited(">ERDF<", ">&xxe;<"), "xml"),
    "XInclude": (
        lambda: edited(
            r"<Valeur>\d+",
            '<Valeur><i:include xmlns:i="http://www.w3.org/2001/XInclude"'
            ' href="file:///etc/passwd" parse="text"/>',
        ),
        "schema",
    ),
    "a style sheet": (
        lambda: edited("<R151 ", '<?xml-stylesheet href="http://{}/a"?><R151 '),
        "xml",
    ),
    "an instruction in a point": (lambda: edited("<Donn", "<?php x?><Donn"), "instruction"),
    "an instruction in a value": (lambda: edited("(<Valeur>)", r"\1<?php x?>"), "instruction"),
    "ten thousand deep": (lambda: nested(10_000), "xml"),
    "two hundred deep, and long": (lambda: nested(200) + b"<", "xml"),
    "UTF-16": (lambda: GOOD.decode().encode("utf-16"), "xml"),
    "UTF-7 by declaration": (lambda: edited("UTF-8", "UTF-7"), "encoding"),
    "Latin 1 by declaration": (lambda: edited("UTF-8", "ISO-8859-1"), "encoding"),
    "bytes that are no UTF-8": (lambda: GOOD.replace(b">ERDF<", b">\xe9<"), "xml"),
    "overlong UTF-8": (lambda: GOOD.replace(b">ERDF<", b">\xc0\xbcx<"), "xml"),
    "a NUL": (lambda: GOOD.replace(b">ERDF<", b">E\x00F<"), "xml"),
    "a NUL by number": (lambda: GOOD.replace(b">ERDF<", b">&#0;<"), "xml"),
    "a text of ten megabytes": (lambda: at_the_end(b"<x>" + b"y" * 10_000_000), "too_large"),
    "a comment of ten megabytes": (lambda: at_the_end(b"<!--" + b"y" * 10_000_000), "too_large"),
    "a tag that never ends": (lambda: at_the_end(b"<x " + b" " * 10_000_000), "too_large"),
    "a name of a megabyte": (lambda: at_the_end(b"<" + b"x" * 1_000_000), "too_large"),
    "a million elements": (lambda: at_the_end(b"<x/>" * 1_000_000), "too_large"),
    "new names without end": (lambda: new_names(50_000), "too_many_names"),
    "attributes without end": (
        lambda: at_the_end(b"".join(b"<x a%d='1'/>" % n for n in range(50_000))),
        "too_many_names",
    ),
    "cut in a tag": (lambda: GOOD[: len(GOOD) - 5], "xml"),
    "cut between points": (lambda: GOOD[: GOOD.index(b"<PRM>", 2_000)], "xml"),
    "two documents": (lambda: GOOD + GOOD, "xml"),
    "words behind the end": (lambda: GOOD + b"x", "xml"),
    "words before": (lambda: b"x" + GOOD, "xml"),
    "no byte": (lambda: b"", "empty"),
    "JSON": (lambda: b'{"R151": []}', "xml"),
    "a page": (lambda: b"<!DOCTYPE html><html></html>", "entity"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_document_is_refused_within_its_bounds(what: str) -> None:
    make, code = HOSTILE[what]
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0)
        document = make().replace(b"{}", b"127.0.0.1:%d" % canary.getsockname()[1])
        tracemalloc.start()
        resident = resident_bytes()
        begun = time.process_time()
        try:
            with pytest.raises(MarkupRefused) as refused:
                read(document)
            assert time.process_time() - begun < 0.1
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
            assert resident_bytes() - resident < 50_000_000
        finally:
            tracemalloc.stop()
        assert refused.value.code == code
        with pytest.raises(BlockingIOError):
            canary.accept()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


def test_no_refusal_repeats_what_the_document_says() -> None:
    for document in [*(document for document, _ in WRONG.values()), edited(">ERDF<", ">&secret;<")]:
        with pytest.raises(MarkupRefused) as refused:
            read(document)
        said = str(refused.value)
        assert not re.search(r"[0-9]{13}|secret|script", said), said


def test_memory_stays_that_of_one_part_and_the_readings() -> None:
    small = r151(Night(seed=1, day=DAY, meters=METERS, powers=False))
    point = re.search(rb"<PRM>.*?</PRM>\n", small, re.DOTALL)
    assert point
    bare = re.sub(rb"<Classe_Temp.*(?=</Donnees)", b"", point[0], flags=re.DOTALL)
    long = small.replace(b"</R151>", bare * 20_000 + b"</R151>")
    before = resident_bytes()
    assert read(long).counts.blank == 20_000
    assert resident_bytes() - before < 10_000_000
    assert len(long) > 10 * LARGEST_PART


def test_hostile_names_leave_little_behind() -> None:
    """Lxml keeps the names it met for the life of a thread: what one file may add is bounded."""
    before = resident_bytes()
    for n in range(50):
        names = "".join(f"<n{n}x{i}{'x' * 80}/>" for i in range(5_000))
        with pytest.raises(MarkupRefused):
            read(edited("<Donnees_Releve>", names + "<Donnees_Releve>"))
    assert resident_bytes() - before < 80_000_000
