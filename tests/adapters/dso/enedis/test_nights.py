"""The plan of a simulated operator: one seed, one history, and every defect in it."""

from collections import Counter
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dso.enedis.codec import read
from adapters.dso.enedis.crypto import Algorithm
from adapters.dso.enedis.names import is_companion, parse_name
from adapters.dso.enedis.nights import (
    HELD_NIGHTS_MAX,
    LATE_DAYS_MAX,
    History,
    key_of,
    parcels,
    runs,
    simulated_keyring,
)
from adapters.dso.enedis.series import town
from domain.values import PARIS

FIRST = date(2026, 5, 1)
DAY = timedelta(days=1)


def history(seed: int, meters: int = 30, points_a_file: int = 10) -> History:
    return History(seed=seed, town=town(seed, meters), points_a_file=points_a_file)


@given(seed=st.integers(0, 1_000), begin=st.integers(0, 400), days=st.integers(1, 4))
@settings(max_examples=25)
def test_one_seed_is_one_history_wherever_one_begins(seed: int, begin: int, days: int) -> None:
    first = FIRST + timedelta(days=begin)
    last = first + timedelta(days=days)
    whole = list(runs(history(seed), first, last))
    assert whole == list(runs(history(seed), first, last))
    assert whole[-1:] == list(runs(history(seed), last, last))


def test_equal_plans_are_equal_bytes_and_another_seed_is_another_history() -> None:
    [run] = runs(history(3), FIRST, FIRST)
    [other] = runs(history(4), FIRST, FIRST)
    keyring = simulated_keyring(3)
    assert list(parcels(run, keyring)) == list(parcels(run, keyring))
    assert run != other
    assert simulated_keyring(3) != simulated_keyring(4)


def test_a_night_is_at_seven_minutes_past_three_two_days_after_the_day_measured() -> None:
    for run in runs(history(1), date(2026, 10, 20), date(2026, 10, 25)):
        assert (run.at.hour, run.at.minute, run.at.tzinfo) == (3, 7, PARIS)
        newest = max(file.day for file in run.files)
        assert run.at.date() - newest == 2 * DAY


def test_a_town_is_cut_into_files_whose_points_are_the_town() -> None:
    for run in runs(history(2, meters=25), FIRST, FIRST + 60 * DAY):
        of_the_day = [file for file in run.files if file.day + 2 * DAY == run.at.date()]
        assert all(file.parts == 3 for file in of_the_day)
        if len(of_the_day) == 3:
            assert tuple(m for file in of_the_day for m in file.meters) == town(2, 25)


def test_every_file_bears_its_delivery_in_its_name_and_counters_have_no_hole_but_the_held() -> None:
    sent = [file for run in runs(history(5), FIRST, FIRST + 199 * DAY) for file in run.files]
    counted = Counter((file.sequence, file.part) for file in sent)
    assert set(counted.values()) == {1}
    sequences = {file.sequence for file in sent}
    lost = {(s, p) for s in sequences for p in (1, 2, 3)} - set(counted)
    assert 0 < len(lost) < 20
    assert all(file.sequence - sent[0].sequence == (file.day - sent[0].day).days for file in sent)


def test_some_files_come_some_nights_later_and_under_the_name_they_had() -> None:
    delays = Counter(
        (run.at.date() - file.created.date()).days
        for run in runs(history(6), FIRST, FIRST + 199 * DAY)
        for file in run.files
    )
    assert set(delays) == set(range(HELD_NIGHTS_MAX + 1))
    assert delays[0] > 500


def test_a_missing_day_is_sent_bare_and_mostly_comes_late_once() -> None:
    bare: set[tuple[str, date]] = set()
    late: Counter[tuple[str, date]] = Counter()
    for run in runs(history(7, meters=60, points_a_file=60), FIRST, FIRST + 120 * DAY):
        for file in run.files:
            bare |= {(number, file.day) for number in file.blank}
            for number, days in file.late.items():
                assert list(days) == sorted(days)
                assert all(DAY <= file.day - day <= LATE_DAYS_MAX * DAY for day in days)
                late.update((number, day) for day in days)
    assert set(late.values()) == {1}
    settled = {gap for gap in bare if FIRST + 20 * DAY < gap[1] < FIRST + 90 * DAY}
    arrived = len(settled & set(late)) / len(settled)
    assert 0.6 < arrived < 0.95


def test_the_encryption_changes_in_the_night_of_8_to_9_june_2026() -> None:
    keyring = simulated_keyring(1)
    assert key_of(keyring, date(2026, 6, 8)).algorithm is Algorithm.AES_128_CBC
    assert key_of(keyring, date(2026, 6, 9)).algorithm is Algorithm.AES_256_CBC
    names = Counter[str]()
    for run in runs(history(8), date(2026, 6, 5), date(2026, 6, 8)):
        for parcel in parcels(run, keyring):
            if not is_companion(parcel.name):
                made = datetime.strptime(parcel.name[-18:-4], "%Y%m%d%H%M%S").date()  # noqa: DTZ007 - legal time, as names hold it
                key = read(parcel.name, parcel.content, keyring).key
                assert key == key_of(keyring, made).name
                names[str(key)] += 1
    assert len(names) == 2


def test_what_is_pushed_follows_the_grammar_in_every_manner() -> None:
    keyring = simulated_keyring(9)
    pushed = [p for run in runs(history(9), FIRST, FIRST + 59 * DAY) for p in parcels(run, keyring)]
    files = [parcel for parcel in pushed if not is_companion(parcel.name)]
    assert all(parse_name(parcel.name) for parcel in files)
    assert len(files) < len(pushed)
    assert max(Counter(parcel.name for parcel in files).values()) == 2
    assert {parcel.manner.renamed for parcel in files} == {True, False}
    assert {parcel.manner.cut is None for parcel in files} == {True, False}


def test_some_meters_have_no_known_calendar_and_are_read_all_the_same() -> None:
    place = history(1, meters=300, points_a_file=300)
    assert any(not meter.known_calendar for meter in place.town)
    keyring = simulated_keyring(1)
    [run] = runs(place, FIRST, FIRST)
    parcel = next(parcels(run, keyring))
    document = read(parcel.name, parcel.content, keyring).document
    assert document.counts.points == 300
    assert document.counts.blank == len(run.files[0].blank)
