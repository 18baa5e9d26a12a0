"""What the doctor finds in files: each check is shown a place that is really not in order."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.doctor import places
from application.doctor.finding import Finding, State, examine
from application.parking import KEPT_DAYS
from keys.key import new_id
from keys.keyring import FileKeyring, new_epoch
from proofs.signing import KeyKind, Signer

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def signer(origin: str) -> Signer:
    return Signer(name=origin, kind=KeyKind.ED25519, seed=os.urandom(32))


def age(path: Path, before: datetime) -> None:
    os.utime(path, (before.timestamp(), before.timestamp()))


@pytest.mark.parametrize(("mode", "state"), [(0o600, State.OK), (0o640, State.BROKEN)])
def test_a_secret_that_others_may_read_is_broken(tmp_path: Path, mode: int, state: State) -> None:
    (key := tmp_path / "log.key").touch()
    key.chmod(mode)
    finding = places.secrets([key, tmp_path / "absent"])
    assert finding.state is state
    assert (f"chmod 600 {key}" in finding.do) is (state is State.BROKEN)


def test_a_directory_of_secrets_that_others_may_enter_is_broken(tmp_path: Path) -> None:
    (directory := tmp_path / "keys").mkdir(mode=0o755)
    directory.chmod(0o755)
    assert f"chmod 700 {directory}" in places.secrets([directory]).do


def home(root: Path, *names: str) -> tuple[Path, ...]:
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
    return tuple(root / name for name in names)


def test_a_keyring_in_the_key_stores_directory_is_broken(tmp_path: Path) -> None:
    keys, inner, destroyed = home(tmp_path, "keys", "keys/ring", "destroyed")
    finding = places.apart(keys, inner / "epochs", destroyed / "journal")
    assert finding.state is State.BROKEN
    assert "keyring lies with the key store" in finding.says


def test_a_keyring_that_a_link_leads_into_the_key_stores_directory_is_broken(
    tmp_path: Path,
) -> None:
    keys, destroyed = home(tmp_path, "keys", "destroyed")
    (tmp_path / "keyring").symlink_to(keys)
    finding = places.apart(keys, tmp_path / "keyring" / "epochs", destroyed / "journal")
    assert finding.state is State.BROKEN


def test_a_key_store_and_a_keyring_on_one_file_system_are_to_be_watched(tmp_path: Path) -> None:
    keys, ring, destroyed = home(tmp_path, "keys", "ring", "destroyed")
    assert places.apart(keys, ring / "epochs", destroyed / "journal").state is State.WARN


@pytest.mark.skipif(
    not os.access("/dev/shm", os.W_OK), reason="here is only one file system to write to"
)
def test_a_keyring_on_another_file_system_is_in_order(
    tmp_path: Path,
) -> None:
    other = Path("/dev/shm") / f"metroledger-{new_id()}"
    (keys,) = home(tmp_path, "keys")
    ring, destroyed = home(other, "ring", "destroyed")
    try:
        same = keys.stat().st_dev == ring.stat().st_dev
        state = places.apart(keys, ring / "epochs", destroyed / "journal").state
        assert state is (State.WARN if same else State.OK)
    finally:
        for path in (ring, destroyed, other):
            path.rmdir()


def test_a_key_stores_copy_is_missed_misplaced_or_too_old(tmp_path: Path) -> None:
    (ring, copies) = home(tmp_path, "ring", "copies")
    copy = copies / "keys.sqlite"

    def state(path: Path | None) -> State:
        return places.backup(path, ring / "epochs", NOW).state

    assert state(None) is State.WARN
    assert state(ring / "keys.sqlite") is State.BROKEN
    assert state(copy) is State.WARN
    copy.touch()
    age(copy, NOW - timedelta(days=1))
    assert state(copy) is State.BROKEN
    age(copy, NOW)
    assert state(copy) is State.OK


def test_an_epoch_that_nobody_ended_or_half_ended_is_to_be_watched(tmp_path: Path) -> None:
    keyring = FileKeyring.create(tmp_path / "ring" / "epochs")
    keyring.add(new_epoch(NOW))
    assert places.epoch(keyring.since(), NOW + timedelta(hours=25)).state is State.OK
    assert places.epoch(keyring.since(), NOW + timedelta(hours=37)).state is State.WARN
    keyring.add(new_epoch(NOW))
    assert "interrupted" in places.epoch(keyring.since(), NOW).says


def test_a_public_key_that_is_not_the_signing_keys_half_is_broken(tmp_path: Path) -> None:
    key, public = tmp_path / "log.key", tmp_path / "log.vkey"
    ours, others = signer("example.org/log"), signer("example.org/log")
    key.write_text(ours.encode())
    public.write_text(others.verifier.encode())
    assert places.signing(key, public, "example.org/log").state is State.BROKEN
    public.write_text(ours.verifier.encode())
    assert places.signing(key, public, "example.org/log").state is State.OK
    assert places.signing(key, public, "example.org/other").state is State.BROKEN


def test_an_absent_signing_key_is_broken_and_named(tmp_path: Path) -> None:
    def look() -> Finding:
        return places.signing(tmp_path / "log.key", tmp_path / "log.vkey", "example.org/log")

    finding = examine("signing-key", look)
    assert finding.state is State.BROKEN
    assert "log.key" in finding.says


def test_a_disk_that_fills_is_to_be_watched_and_then_broken(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert places.disk([tmp_path], least=0, low=0).state is State.OK
    assert places.disk([tmp_path], least=0, low=4 * room).state is State.WARN
    assert places.disk([tmp_path], least=4 * room, low=4 * room).state is State.BROKEN


def test_an_operator_without_a_key_is_named() -> None:
    assert "enedis" in places.operator_keys({"enedis": 0}).says
    assert places.operator_keys({"enedis": 0}).state is State.WARN
    assert places.operator_keys({"enedis": 2}).state is State.OK


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (1, State.WARN, "destroyed in 29 days"),
        (KEPT_DAYS - 2, State.BROKEN, "destroyed in 2 days"),
        (KEPT_DAYS + 5, State.BROKEN, "kept 5 days longer"),
    ],
)
def test_parked_files_say_how_long_they_are_kept(
    tmp_path: Path, days: int, state: State, words: str
) -> None:
    (path := tmp_path / str(new_id())).touch()
    age(path, NOW - timedelta(days=days))
    finding = places.parked(tmp_path, NOW)
    assert finding.state is state
    assert words in finding.says


def test_no_parked_file_is_in_order(tmp_path: Path) -> None:
    assert places.parked(tmp_path, NOW).state is State.OK
    assert places.parked(tmp_path / "absent", NOW).state is State.OK


def test_letters_that_wait_for_a_mail_server_are_to_be_watched(tmp_path: Path) -> None:
    assert places.letters(tmp_path / "absent", with_server=True).state is State.OK
    (tmp_path / "1.eml").touch()
    waiting = places.letters(tmp_path, with_server=True)
    assert (waiting.state, waiting.says[:6]) == (State.WARN, "1 wait")
    assert places.letters(tmp_path, with_server=False).state is State.OK


@pytest.mark.parametrize(
    ("server", "tls", "state"),
    [
        ("127.0.0.1:9092", False, State.OK),
        ("[::1]:9092", False, State.OK),
        ("localhost:9092", False, State.OK),
        ("kafka-1:9092", False, State.WARN),
        ("10.0.0.4:9092", False, State.WARN),
        ("kafka-1:9093", True, State.OK),
    ],
)
def test_brokers_of_another_machine_that_are_spoken_to_in_clear_are_to_be_watched(
    server: str, tls: bool, state: State
) -> None:
    found = places.connection(["127.0.0.1:9092", server], tls=tls)
    assert found.state is state
    assert (server in found.says) is (state is State.WARN)
