"""The historic CSV: midnights, calendars, blanks, powers and curves."""

import time
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.dso.enedis import r151
from adapters.dso.enedis.cells import HistoricRefused
from adapters.dso.enedis.file import Counts, Document
from adapters.dso.enedis.historic import LARGEST_BYTES, parse
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import historic_csv, stamps
from domain.events.reading import (
    IndexReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Register,
)
from domain.values import Direction, civil_day, midnight, next_day

HISTORY = "data/enedis-sge/CommandeTransmissionHistoriqueMesures"
REAL_INDEX = f"{HISTORY}/C5-IDX/Enedis_SGE_HDM_A06NW10D.csv"
REAL_CURVE = f"{HISTORY}/C5-CDC/Enedis_SGE_HDM_A06NW0ZI.csv"
METER = town(1, 6)[5]
FIRST, LAST = date(2021, 3, 20), date(2021, 11, 10)
GOOD = historic_csv(1, METER, FIRST, LAST, activated=date(2021, 3, 25))


def totals(document: Document) -> dict[date, int]:
    """The total index at the start of each day, the only one of its day."""
    found: dict[date, int] = {}
    for row in document.rows:
        if isinstance(row.reading, IndexReceived):
            day = civil_day(row.reading.at)
            assert day not in found
            assert midnight(day) == row.reading.at
            found[day] = next(r.value_wh or 0 for r in row.reading.registers if r.grid == "total")
    return found


def test_the_real_history_gives_the_operators_own_consumptions(shared: Path) -> None:
    document = parse([(shared / REAL_INDEX).read_bytes()])
    index = totals(document)
    week = [index[next_day(day)] - index[day] for day in (date(2022, 1, d) for d in range(5, 12))]
    assert week == [20_711, 24_217, 29_256, 29_355, 25_514, 24_020, 23_512]
    assert date(2021, 3, 28) not in index
    assert index[date(2021, 3, 29)] - index[date(2021, 3, 27)] == 60_266
    assert index[date(2021, 10, 31)] - index[date(2021, 10, 30)] == 18_535
    assert index[date(2021, 11, 1)] - index[date(2021, 10, 31)] == 21_321
    assert index[date(2022, 2, 2)] == 9_723_814
    assert document.counts == Counts(points=1, blank=160, repeated=1)
    assert len(index) == 390


def test_the_real_history_and_the_real_daily_file_join(shared: Path) -> None:
    history = parse([(shared / REAL_INDEX).read_bytes()])
    daily = shared / "data/enedis-sge/CommandeCollectePublicationMesures/C5-IDX/R151.xml"
    after = r151.parse([daily.read_bytes()]).rows[0].reading
    before = max(
        (row.reading for row in history.rows if isinstance(row.reading, IndexReceived)),
        key=lambda reading: reading.at,
    )
    assert isinstance(after, IndexReceived)
    assert (before.at, after.at) == (midnight(date(2022, 2, 2)), midnight(date(2022, 2, 3)))
    pairs = zip(before.registers[:2], after.registers, strict=True)
    for ours, theirs in pairs:
        same = [(r.grid, r.calendar, r.slot, r.rank) for r in (ours, theirs)]
        assert same[0] == same[1]
        assert (theirs.value_wh or 0) - (ours.value_wh or 0) == 20_681


def test_the_real_powers_have_their_instants_and_the_unit_as_sent(shared: Path) -> None:
    document = parse([(shared / REAL_INDEX).read_bytes()])
    powers = [r.reading for r in document.rows if isinstance(r.reading, MaximumPowerReceived)]
    assert powers[-1] == MaximumPowerReceived(
        number="09111642617347",
        day=date(2022, 2, 1),
        at=datetime(2022, 2, 1, 7, 18, 9, tzinfo=UTC),
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=None,
        power=5_125,
        unit="W",
    )
    assert len(powers) == 390


def test_the_real_curve_adds_up_to_the_real_indexes(shared: Path) -> None:
    index = totals(parse([(shared / REAL_INDEX).read_bytes()]))
    rows = parse([(shared / REAL_CURVE).read_bytes()]).rows
    curves = [row.reading for row in rows if isinstance(row.reading, LoadCurveDayReceived)]
    off: dict[date, int] = {}
    compared = 0
    for day in curves:
        if day.day in index and next_day(day.day) in index:
            watt_seconds = sum(run.step_s * (w or 0) for run in day.runs for w in run.power_w)
            gap = index[next_day(day.day)] - index[day.day] - watt_seconds / 3_600
            compared += 1
            if abs(gap) > 1:
                off[day.day] = round(gap)
    assert compared == 388
    assert off == {date(2021, 2, 6): 1_957, date(2021, 2, 11): 3_060, date(2021, 2, 12): 42_356}
    hours = {
        day.day: sum(run.step_s * len(run.power_w) for run in day.runs) / 3_600 for day in curves
    }
    assert (hours[date(2021, 3, 28)], hours[date(2021, 10, 31)]) == (23, 25)
    assert [hours[day] for day in off] == [23, 23, 12]  # the holes say why
    assert {run.step_s for run in curves[0].runs} == {3_600}
    assert {run.step_s for run in curves[-1].runs} == {1_800}


def test_the_simulator_writes_what_the_real_history_looks_like(shared: Path) -> None:
    real = (shared / REAL_INDEX).read_text(encoding="utf-8").split("\n")
    one = next(meter for meter in town(3, 500) if (meter.distributor, meter.supplier) == (1, 1))
    ours = historic_csv(
        3, one, date(2020, 10, 20), date(2022, 2, 2), activated=date(2021, 1, 8)
    ).decode()
    lines = ours.split("\n")
    fixed = [0, 2, *range(474, 478), 479]
    assert [lines[at] for at in fixed] == [real[at] for at in fixed]
    stamped = slice(3, 474)
    assert [line.split(";")[:2] for line in lines[stamped]] == [
        line.split(";")[:2] for line in real[stamped]
    ]
    filled = [[bool(cell) for cell in line.split(";")] for line in lines[stamped]]
    assert filled == [[bool(cell) for cell in line.split(";")] for line in real[stamped]]


def test_a_clone_alone_can_read_a_history() -> None:
    index = totals(parse([GOOD]))
    assert min(index) == date(2021, 3, 25)
    assert date(2021, 3, 28) not in index
    assert sorted(index) == [
        day
        for day in (date(2021, 3, 25) + timedelta(days=n) for n in range(231))
        if day != date(2021, 3, 28)
    ]


def test_the_simulators_midnights_are_as_wrong_as_the_real_ones() -> None:
    assert stamps(date(2021, 7, 1)) == ("2021-07-01T00:00:00+02:00",)
    assert stamps(date(2022, 1, 5)) == ("2022-01-05T23:00:00+01:00",)
    assert stamps(date(2021, 3, 28)) == ()
    assert stamps(date(2021, 10, 31)) == ("2021-10-31T00:00:00+02:00", "2021-10-31T23:00:00+01:00")


def edited(old: str, new: str, document: bytes = GOOD, count: int = 1) -> bytes:
    text = document.decode()
    assert old in text
    return text.replace(old, new, count).encode()


def test_a_winter_midnight_written_rightly_is_the_same_day() -> None:
    right = GOOD.replace(b"T23:00:00+01:00", b"T00:00:00+01:00")
    assert totals(parse([right])) == totals(parse([GOOD]))


def test_a_doubled_midnight_with_two_values_is_two_readings() -> None:
    line = next(x for x in GOOD.decode().split("\n") if x.startswith("2021-10-31T23:00:00+01:00;A"))
    other = line[: line.rindex(";")] + ";99999999"
    document = parse([edited(line, other)])
    same = [
        r for r in document.rows if getattr(r.reading, "at", None) == midnight(date(2021, 10, 31))
    ]
    assert len(same) == 2
    assert (document.counts.repeated, parse([GOOD]).counts.repeated) == (0, 1)


def test_columns_become_the_classes_of_their_period() -> None:
    tempo = next(m for m in town(1, 500) if (m.distributor, m.supplier) == (4, 6))
    tempo_csv = historic_csv(1, tempo, date(2021, 5, 1), date(2021, 5, 9))
    reading = parse([tempo_csv]).rows[3].reading
    assert isinstance(reading, IndexReceived)
    named = [(r.grid, r.calendar, r.slot, r.rank) for r in reading.registers]
    assert named == [
        *(
            ("distributor", "DI000003", slot, n + 1)
            for n, slot in enumerate(("HCB", "HPB", "HCH", "HPH"))
        ),
        *(
            ("supplier", "FC000170", slot, n + 1)
            for n, slot in enumerate(("BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP"))
        ),
        ("total", None, "T", None),
    ]


def test_a_column_without_class_keeps_its_name_and_a_day_without_period_has_no_calendar() -> None:
    first = parse([GOOD]).rows[0].reading
    assert isinstance(first, IndexReceived)
    assert (
        Register(
            grid="distributor",
            calendar="DI000001",
            slot="D4",
            rank=4,
            value_wh=0,
            plausibility=None,
        )
        in first.registers
    )
    text = GOOD.decode()
    at = text.index("Periode;")
    bare = text[:at] + text[text.index("Identifiant PRM;", at) :]
    reading = parse([bare.encode()]).rows[0].reading
    assert isinstance(reading, IndexReceived)
    assert {r.calendar for r in reading.registers} == {None}
    assert "D1" in {r.slot for r in reading.registers}


def curve(points: str, step: str = "") -> bytes:
    return (
        "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
        "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
        f"00000000000001;Courbe de charge;01/06/2026;02/06/2026;Energie active;Consommation;"
        f"Comptage Brut;W;{step}\nHorodate;Valeur\n{points}"
    ).encode()


def steps_of(*times: str, step: str = "") -> list[tuple[int, int]]:
    points = "".join(f"2026-06-01T{time}:00+02:00;1\n" for time in times)
    reading = parse([curve(points, step)]).rows[0].reading
    assert isinstance(reading, LoadCurveDayReceived)
    return [(run.step_s // 60, len(run.power_w)) for run in reading.runs]


def test_the_step_of_a_curve_is_told_from_its_points() -> None:
    assert steps_of("01:00", "02:00", "03:00") == [(60, 3)]
    assert steps_of("01:00", "02:00", "02:30", "03:00") == [(60, 2), (30, 2)]
    assert steps_of("00:30", "01:00", "02:00", "03:00") == [(30, 2), (60, 2)]
    assert steps_of("00:30", "01:00", "02:00", "02:30") == [(30, 2), (30, 2)]
    assert steps_of("01:00", "02:00", "12:30", "13:00") == [(60, 2), (30, 2)]
    assert steps_of("01:00", step="30") == [(30, 1)]


def test_a_step_without_value_is_none_and_a_day_of_them_is_no_reading() -> None:
    day = "2026-06-01T01:00:00+02:00;\n2026-06-01T02:00:00+02:00;5\n2026-06-01T03:00:00+02:00;\n"
    document = parse([curve(day)])
    reading = document.rows[0].reading
    assert isinstance(reading, LoadCurveDayReceived)
    assert reading.runs[0].power_w == (None, 5, None)
    assert document.counts.blank == 2
    assert parse([curve(day.replace(";5", ";"))]).rows == ()


WRONG: dict[str, tuple[bytes, str]] = {
    "no byte": (b"", "empty"),
    "a heading alone": (GOOD[:120], "schema"),
    "other words": (b"a;b;c\n", "schema"),
    "other headings": (edited("Grandeur metier", "Grandeur"), "schema"),
    "other columns": (edited("EAS F2", "EAS F1"), "schema"),
    "another column": (edited("EAS F2", "EAS X2"), "schema"),
    "another kind of data": (edited(";Index;", ";Energie quotidienne;"), "schema"),
    "kWh": (edited("Comptage Brut;\n", "Comptage Brut;kWh\n"), "unit"),
    "kW": (edited("Brut;W", "Brut;kW"), "unit"),
    "another direction": (edited("Consommation", "Autre"), "schema"),
    "13 digits": (edited(f"\n{METER.number[:2]}", "\n0"), "schema"),
    "another kind of row": (edited("Arrêté quotidien", "Relevé"), "schema"),
    "noon": (edited("2021-07-01T00:00:00+02:00;A", "2021-07-01T12:00:00+02:00;A"), "schema"),
    "23:00 in summer": (
        edited("2021-07-01T00:00:00+02:00;A", "2021-07-01T23:00:00+02:00;A"),
        "schema",
    ),
    "no offset": (edited("2021-07-01T00:00:00+02:00;A", "2021-07-01T00:00:00;A"), "schema"),
    "31 June": (edited("2021-07-01T00:00:00+02:00;A", "2021-06-31T00:00:00+02:00;A"), "schema"),
    "the year 9999": (
        edited("2021-07-01T00:00:00+02:00;A", "9999-12-31T00:00:00+02:00;A"),
        "schema",
    ),
    "a negative value": (edited("Arrêté quotidien;2", "Arrêté quotidien;-2"), "schema"),
    "a formula": (edited("Arrêté quotidien;2", "Arrêté quotidien;=2"), "schema"),
    "a row too long": (edited("Arrêté quotidien;2", "Arrêté quotidien;1;2"), "schema"),
    "a quote": (edited("Arrêté quotidien;2", 'Arrêté quotidien;"2"'), "schema"),
    "a NUL": (edited("Arrêté quotidien;2", "Arrêté quotidien;\x002"), "schema"),
    "an escape": (edited("Arrêté quotidien;2", "Arrêté quotidien;\x1b2"), "schema"),
    "Latin 1": (GOOD.decode().encode("latin-1", "replace"), "encoding"),
    "a million columns": (
        edited("Arrêté quotidien;2", "Arrêté quotidien" + ";" * 1_000_000),
        "schema",
    ),
    "a period out of form": (edited("Du 2021", "De 2021"), "schema"),
    "a thousand periods": (
        edited("\nDu ", "\nDu " + "2021-03-25T23:00:00+01:00 au\nDu " * 1_000),
        "schema",
    ),
    "too long": (GOOD + b"2021-07-01T00:00:00+02:00;1\n" * 290_000, "too_large"),
    "lines without end": (GOOD + b"\n" * 400_000, "too_large"),
    "a curve that goes back": (
        curve("2026-06-01T02:00:00+02:00;1\n2026-06-01T01:00:00+02:00;1\n"),
        "schema",
    ),
    "a curve of one point": (curve("2026-06-01T02:00:00+02:00;1\n"), "schema"),
    "a curve of seven minutes": (
        curve("".join(f"2026-06-01T01:{m:02}:00+02:00;1\n" for m in range(0, 60, 7))),
        "schema",
    ),
    "a step that is no number": (curve("", step="x"), "schema"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_document_of_another_form_is_refused_within_its_bounds(what: str) -> None:
    document, code = WRONG[what]
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(HistoricRefused) as refused:
            parse([document])
        assert time.process_time() - begun < 0.5
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST_BYTES
    finally:
        tracemalloc.stop()
    assert refused.value.code == code
    assert METER.number not in str(refused.value)


def test_many_values_for_one_day_do_not_take_longer_than_many_days() -> None:
    head, _, tail = GOOD.partition(b"\n2021-07-01T00:00:00+02:00;A")
    rows = b"".join(
        "\n2021-07-01T00:00:00+02:00;Arrêté quotidien".encode() + b";" * 15 + b"%d" % n
        for n in range(20_000)
    )
    begun = time.process_time()
    document = parse([head + rows + b"\n2021-07-01T00:00:00+02:00;A" + tail])
    assert time.process_time() - begun < 5
    assert len(document.rows) > 20_000
