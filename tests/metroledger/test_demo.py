"""The demo: a newcomer's first minute, and everything that can go wrong in it."""

import fcntl
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metroledger.demo_stage import MARKER, STAGE
from metroledger.demo_telling import command_line
from tests.metroledger.playing import (
    INTERRUPTED,
    open_directory,
    play,
    play_until,
    processes_in,
    run,
)

CHAPTERS = 7


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def told(place: Path) -> str:
    """What the demo printed, begun anew over one that was interrupted."""
    play_until(place, "$ metroledger ingest")
    done = play(place)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_demo_tells_its_story_to_the_end(told: str) -> None:
    assert len(re.findall(r"^── \d\. ", told, re.MULTILINE)) == CHAPTERS
    assert "── The end" in told
    assert "Traceback" not in told


def test_a_gap_stays_a_gap_until_its_day_comes_late(told: str) -> None:
    early, late = re.findall(r"\$ metroledger consumption .*\n((?:\d{4}-.*\n)+)", told)
    assert "not measured in between" in early
    assert early.count("gap: not measured") > late.count("gap: not measured") > 0


def test_after_the_withdrawal_the_next_file_gives_no_reading(told: str) -> None:
    after = told.split("$ metroledger consent withdraw")[1]
    assert re.search(r"meter …\d{4}: 0 taken in, 2 refused", after)
    assert "refused: no consent in force covers this kind of data" in after


def test_the_receipt_verifies_without_a_database_and_after_the_erasure(told: str) -> None:
    stopped, up_again = told.index("no process of it is left"), told.index("is up again")
    assert "VERIFIED" in told[stopped:up_again]
    assert "VERIFIED" in told.split("$ metroledger erase")[1]
    assert told.count("breaches: none") == told.count("$ metroledger audit") - 1  # one to go on by


def test_every_checkpoint_shows_again_what_was_signed(told: str) -> None:
    rows = re.findall(r"^ +\d+  .*(as signed|AS SIGNED)$", told, re.MULTILINE)
    assert len(rows) > CHAPTERS
    assert set(rows) == {"as signed"}


def test_a_meters_number_is_printed_where_it_is_declared_and_in_its_own_receipt(told: str) -> None:
    (number,) = set(re.findall(r"--number (\d{14})", told))
    lines = [line.strip() for line in told.splitlines() if number in line]
    assert {line.split()[0] for line in lines} == {"--number", "point.number:"}


def test_the_demo_leaves_no_process_behind(place: Path, told: str) -> None:
    assert told
    assert processes_in(place) == []


def test_what_the_demo_suggests_at_its_end_works(place: Path, told: str) -> None:
    home = {"METROLEDGER_HOME": str(STAGE / "ledger")}
    suggested = re.findall(r"^  metroledger ([^|\n]*)", told.split("── The end")[1], re.MULTILINE)
    assert len(suggested) > 3
    for line in suggested:
        done = run(place, *shlex.split(line), **home)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize(
    "words",
    ["METROLEDGER_HOME", "$ metroledger init", "no process of it is left", "$ metroledger erase"],
)
def test_ctrl_c_ends_the_demo_with_a_sentence_and_no_process(words: str) -> None:
    with open_directory() as directory:
        code, errors = play_until(directory, words)
        assert code == INTERRUPTED
        assert errors.strip().splitlines()[-1].startswith("metroledger: the demo was interrupted")
        assert "Traceback" not in errors
        assert processes_in(directory) == []


def test_a_directory_that_is_not_a_demos_is_left_as_it_is(tmp_path: Path) -> None:
    theirs = tmp_path / STAGE / "ledger.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    done = play(tmp_path)
    assert done.returncode == 1
    assert "not a demo's" in done.stderr
    assert [entry.name for entry in theirs.parent.iterdir()] == ["ledger.json"]
    assert theirs.read_text() == "mine"


def test_a_second_demo_at_the_same_time_is_asked_to_wait(tmp_path: Path) -> None:
    (tmp_path / STAGE).mkdir(parents=True)
    with (tmp_path / STAGE / MARKER).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = play(tmp_path)
    assert done.returncode == 2
    assert "let it end" in done.stderr


def test_a_stranger_at_the_databases_place_is_named(tmp_path: Path) -> None:
    # A path too long for a socket puts the socket on a short one, which anybody could take before.
    directory = tmp_path / ("long" * 20)
    directory.mkdir()
    with open_directory() as other:
        done = play(directory, METROLEDGER_DATABASE_URL=f"host={other}")
    assert done.returncode in {0, 2}  # where root tests, its server may not pass through tmp_path
    assert "Traceback" not in done.stderr


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1)))
def test_a_command_that_is_shown_reads_back_as_the_one_that_ran(words: list[str]) -> None:
    assert shlex.split(command_line(["metroledger", *words])) == ["metroledger", *words]
