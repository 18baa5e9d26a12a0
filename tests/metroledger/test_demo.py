"""The demo: a newcomer's first minute, and everything that can go wrong in it."""

import fcntl
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.embedded_site import server_account, socket_directory
from metroledger import demo_stage
from metroledger.bootstrap import database_directory
from metroledger.demo_stage import MARKER, STAGE, StageInUse, clear_stage
from metroledger.demo_telling import command_line
from metroledger.settings import Settings
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
    """What the demo printed, over an interrupted one, to somebody with a ledger."""
    play_until(place, "$ metroledger ingest")
    theirs = {"METROLEDGER_HOME": str(place / "theirs"), "METROLEDGER_DATABASE_URL": "host=/theirs"}
    done = play(place, **theirs)
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
    assert told.count("breaches: none") == told.count("$ metroledger audit")


def test_every_checkpoint_shows_again_what_was_signed(told: str) -> None:
    rows = re.findall(r"^ +\d+  .*(as signed|AS SIGNED)$", told, re.MULTILINE)
    assert len(rows) > CHAPTERS
    assert set(rows) == {"as signed"}


def test_a_meters_number_is_printed_where_it_is_declared_and_in_its_own_receipt(told: str) -> None:
    (number,) = set(re.findall(r"--number (\d{14})", told))
    lines = [line.strip() for line in told.splitlines() if number in line]
    assert {line.split()[0] for line in lines} == {"--number", "point.number:"}


def test_the_demo_touches_nothing_but_its_own_directory(place: Path, told: str) -> None:
    assert told
    assert [entry.relative_to(place) for entry in place.glob("*/*")] == [STAGE]


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


def test_a_command_on_the_last_runs_ledger_keeps_the_demo_from_deleting_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_stage, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(demo_stage, "database_directory", lambda _: tmp_path / "postgres")
    stage = tmp_path / "demo"
    with clear_stage(stage):
        (stage / "ledger").mkdir()
    (tmp_path / "postgres").mkdir()
    with (tmp_path / "postgres" / "users.lock").open("w") as user:
        fcntl.flock(user, fcntl.LOCK_SH)
        with pytest.raises(StageInUse), clear_stage(stage):
            pass
    assert (stage / "ledger").exists()


def test_a_socket_path_that_somebody_took_is_named() -> None:
    # A path too long for a socket puts the socket on a short one, which anybody can take before.
    with open_directory() as short:
        directory = short / ("long" * 25)
        directory.mkdir(mode=0o755)
        database = database_directory(Settings(home=directory / STAGE / "ledger"))
        socket = socket_directory(database, server_account(database))
        socket.write_text("taken")
        try:
            done = play(directory)
        finally:
            socket.unlink()
        assert done.returncode == 2
        assert f"{socket} cannot hold" in done.stderr
        assert "somebody else has put it there; remove it" in done.stderr
        assert processes_in(directory) == []


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1)))
def test_a_command_that_is_shown_reads_back_as_the_one_that_ran(words: list[str]) -> None:
    shown = command_line(["metroledger", *words]).replace("\\\n", "")  # as a shell reads on
    assert shlex.split(shown) == ["metroledger", *words]
