"""The command `metroledger broker`, run as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from adapters.kafka.embedded_greeting import brokers_known_at
from tests.metroledger.playing import open_directory, play, processes_in

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_keeps_a_broker_until_it_is_told_to_end(
    tmp_path: Path, kafka_place: Path
) -> None:
    assert kafka_place.is_dir()
    command = subprocess.Popen(
        [sys.executable, "-m", "metroledger", "broker"],
        cwd=ROOT,
        env={**os.environ, "METROLEDGER_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with command:
        assert command.stdout is not None
        name, _, address = command.stdout.readline().strip().partition("=")
        assert name == "KAFKA_BOOTSTRAP"
        port = int(address.rpartition(":")[2])
        assert brokers_known_at(port) == {port}
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 0
    assert not brokers_known_at(port)


def test_the_demos_story_is_told_on_a_real_broker(kafka_place: Path) -> None:
    assert kafka_place.is_dir()
    with open_directory() as place:
        told = play(place, METROLEDGER_LOG="kafka")
        assert told.returncode == 0, told.stderr
        assert "a real PostgreSQL and a real Kafka" in told.stdout
        assert "folded again from the beginning: the same" in told.stdout
        assert (place / "var/demo/ledger/kafka/node-1/data/metroledger-0").is_dir()
        assert not processes_in(place)
