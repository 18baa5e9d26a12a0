"""The two roads through an R151 say the same, whatever is wrong with it."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dso.enedis import moulds, r151, usual
from adapters.dso.enedis.file import Document
from adapters.dso.enedis.simulator import Night
from adapters.dso.enedis.simulator import r151 as written
from adapters.dso.refusal import Code, FileRefused
from tests.adapters.dso.enedis.roads import (
    DAY,
    METERS,
    NIGHT,
    USUAL,
    both,
    chunks,
    mutated,
    verdict,
)

SIZES = st.sampled_from([700, 1_000, 4_096, 65_536])


def same(document: bytes, size: int) -> object:
    strict, quick = both(document, size)
    assert quick == strict
    return quick


@pytest.mark.parametrize("size", [500, 4_096, 65_536, 10_000_000])
def test_a_usual_document_is_the_same_by_both_roads(size: int) -> None:
    document = same(USUAL, size)
    assert isinstance(document, Document)
    assert document.counts.points == len(METERS)


def test_a_usual_meter_is_not_read_by_the_strict_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def noted(pieces: Sequence[bytes], reader: r151.Reader) -> Document:
        asked.extend(pieces)
        return r151.read(pieces, reader)

    monkeypatch.setattr(moulds, "read", noted)
    usual.parse(chunks(written(Night(seed=5, day=DAY, meters=[METERS[0]] * 500)), 65_536))
    assert [b"<PRM>" in text for text in asked] == [False, True]  # the header, and the one form


def test_every_real_payload_is_the_same_by_both_roads(shared: Path) -> None:
    payloads = sorted((shared / "data").rglob("*.xml"))
    read = [same(payload.read_bytes(), size) for payload in payloads for size in (300, 65_536)]
    assert sum(isinstance(document, Document) for document in read) == 2


def test_a_month_of_days_is_the_same_by_both_roads() -> None:
    days = tuple(date(2026, 5, 1) + timedelta(days=n) for n in range(31))
    late = {meter.number: days for meter in METERS}
    same(written(Night(seed=1, day=DAY, meters=METERS, late=late)), 65_536)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64), SIZES)
def test_a_mutated_document_is_the_same_by_both_roads(seed: int, size: int) -> None:
    same(mutated(USUAL, Random(seed)), size)


@pytest.mark.campaign
@settings(max_examples=20_000, deadline=None)
@given(st.integers(0, 2**64), SIZES)
def test_many_mutated_documents_are_the_same_by_both_roads(seed: int, size: int) -> None:
    same(mutated(USUAL, Random(seed)), size)


def edits() -> Iterator[tuple[bytes, bytes]]:
    yield rb"<Valeur>(\d+)</Valeur>", rb"<Valeur>\1</\1</Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur></Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur>Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur>1_0</Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur> 10</Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur>1234567890123456</Valeur>"
    yield rb"<Valeur>\d+</Valeur>", "<Valeur>٣</Valeur>".encode()
    yield rb"<Id_Affaire>\w+</Id_Affaire>", rb"<Id_Affaire>HC</Id_Affaire>"
    yield rb"<Id_Affaire>\w+</Id_Affaire>", rb"<Id_Affaire></Id_Affaire>"
    yield rb"<Id_PRM>\d+</Id_PRM>", rb"<Id_PRM>1234567890123</Id_PRM>"
    yield rb"<Libelle_Classe_Temporelle>", rb"<Libelle_Classe_Temporelle><Valeur>5</Valeur>"
    yield rb"<Valeur>\d+</Valeur>", rb"<Valeur >987654321000</Valeur >"
    yield rb"</PRM>", rb"</PRM >"
    yield rb"</PRM>\n", rb"</PRM></R151><R151>"


@pytest.mark.parametrize(("pattern", "replacement"), list(edits()))
@pytest.mark.parametrize("count", [0, 1])
def test_what_is_nearly_usual_is_the_same_by_both_roads(
    pattern: bytes, replacement: bytes, count: int
) -> None:
    at = USUAL.index(METERS[12].number.encode()) - len("<PRM><Id_PRM>")
    edited, times = re.subn(pattern, replacement, USUAL[at:], count=count)
    assert times
    same(USUAL[:at] + edited, 4_096)


def test_a_value_that_is_not_read_makes_no_mould() -> None:
    """A label that holds the marks' place, and a constant where the value belongs."""
    trap = rb"<Libelle_Classe_Temporelle><Valeur>\1</Valeur></Libelle_Classe_Temporelle>"
    trap += rb"<Valeur >987654321000</Valeur >"
    document = re.sub(rb"<Valeur>(\d+)</Valeur>", trap, USUAL)
    same(document, 4_096)


def test_a_broken_archive_is_met_where_the_strict_road_meets_it() -> None:
    def broken(document: bytes) -> Iterator[bytes]:
        yield from chunks(document, 4_096)
        raise FileRefused(Code.CRC, "the checksum")

    half = USUAL[: len(USUAL) // 2]
    torn = half[:-2_000] + b"<" + half[-2_000:]
    for document in (half, torn):
        assert verdict(usual.parse, broken(document)) == verdict(r151.parse, broken(document))
    assert verdict(usual.parse, broken(half)) == (
        Code.CRC,
        str(FileRefused(Code.CRC, "the checksum")),
    )


def test_an_endless_meter_is_refused_with_the_same_bound() -> None:
    at = USUAL.index(b"</PRM>")
    for size in (523_000, 524_288, 600_000):
        same(USUAL[:at] + b" " * size + USUAL[at:], 65_536)


def test_a_power_without_classes_is_the_same_by_both_roads() -> None:
    document = re.sub(
        rb"<Classe_Temporelle.*?</Classe_Temporelle[A-Za-z_]*>\n",
        b"",
        written(NIGHT),
        flags=re.DOTALL,
    )
    said = same(document, 65_536)
    assert isinstance(said, Document)
    assert said.counts.blank > len(METERS)
