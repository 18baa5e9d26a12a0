"""The command line where something fails: one sentence that says what to do, never a traceback."""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from application.collecting import ACCEPTED, UNKNOWN_POINT
from domain.policies.coverage import Uncovered
from metroledger import cli
from metroledger.cli import build_parser, main, run_command
from metroledger.cli.common import is_interruption
from metroledger.cli.files import WORDS
from tests.metroledger.playing import COMMAND, environment

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - the shape of shutil's own


def test_every_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "Exit codes" in capsys.readouterr().out
    assert build_parser().epilog


def test_each_command_comes_from_the_module_that_is_imported_for_it() -> None:
    added: dict[str, str] = {}
    for name in dict.fromkeys(cli.COMMANDS.values()):
        commands = argparse.ArgumentParser().add_subparsers()
        importlib.import_module(f"metroledger.cli.{name}").add_commands(commands)
        added |= dict.fromkeys(commands.choices, name)
    assert list(added.items()) == list(cli.COMMANDS.items())


def test_a_command_imports_nothing_that_only_others_need() -> None:
    asked = "import sys; from metroledger.cli import build_parser; build_parser('consents')"
    told = subprocess.run(
        [sys.executable, "-c", f"{asked}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    others = {f"metroledger.cli.{name}" for name in cli.COMMANDS.values() if name != "people"}
    assert {"metroledger.cli.people", "metroledger.bootstrap"} <= set(told)
    assert {"metroledger.cli.offices"} >= others & set(told), "whose administrator it uses"
    assert not {"fastapi", "asyncssh", "httpx", "kafka"} & set(told)


def test_a_library_s_words_are_told_by_their_place_alone() -> None:
    said = """
import logging, sys
from metroledger import __main__, cli
def run(*_):
    logging.getLogger("kafka").error("BOUVIER")
    raise KeyError("BOUVIER")
cli.run_command = run
sys.exit(__main__.run())
"""
    done = subprocess.run(
        [sys.executable, "-c", said], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["event"] for one in told] == ["library", "uncaught-error"]
    assert "BOUVIER" not in done.stderr


def test_every_end_of_a_value_has_words_for_it() -> None:
    assert {*Uncovered, ACCEPTED, UNKNOWN_POINT, "blank", "repeated"} == set(WORDS)


def test_without_a_ledger_a_command_says_how_to_open_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["audit"], {"METROLEDGER_HOME": str(tmp_path)}) == 1
    assert "metroledger init" in capsys.readouterr().err


def test_a_setting_that_is_misspelt_stops_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["audit"], {"METROLEDGER_HOUSE": "/secret/value"}) == 1
    told = capsys.readouterr().err
    assert "METROLEDGER_HOUSE" in told
    assert "/secret/value" not in told


def test_a_database_that_does_not_answer_on_a_full_disk_points_at_the_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100, 99, 1 << 20))
    nowhere = f"host={tmp_path} connect_timeout=1"
    environment = {"METROLEDGER_HOME": str(tmp_path), "METROLEDGER_DATABASE_URL": nowhere}
    assert run_command(["init", "--origin", "example.org/log"], environment) == 2
    told = capsys.readouterr().err
    assert "only 1 MB left" in told
    assert nowhere not in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is full")  # noqa: PTH110 - in a decorator
def test_output_that_does_not_fit_on_the_disk_gets_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "Enedis_SGE_HDM_DEMO01.csv"
    write_history(file)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "inspect", str(file)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr.strip().startswith("metroledger: the disk is full")
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_error_that_came_of_tidying_up_after_ctrl_c_is_known_as_one() -> None:
    with pytest.raises(RuntimeError) as found:
        fail_while_interrupted()
    assert is_interruption(found.value)
    assert not is_interruption(RuntimeError())


def fail_while_interrupted() -> None:
    try:
        raise KeyboardInterrupt
    finally:
        raise RuntimeError


def write_history(file: Path) -> None:
    from datetime import date  # noqa: PLC0415 - for this helper alone

    from adapters.dso.enedis.series import town  # noqa: PLC0415 - the same
    from adapters.dso.enedis.simulator import historic_csv  # noqa: PLC0415 - the same

    file.write_bytes(historic_csv(1, town(1, 1)[0], date(2025, 1, 1), date(2025, 3, 1)))
