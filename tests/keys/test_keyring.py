from pathlib import Path

import pytest

from keys import files
from keys.keyring import (
    FileKeyring,
    KeyringExists,
    KeyringExposed,
    KeyringUnreadable,
    new_epoch,
)
from tests.keys.home import LATER, NOW


def test_epochs_are_kept_oldest_first_and_one_can_be_destroyed(tmp_path: Path) -> None:
    keyring = FileKeyring.create(tmp_path / "keyring.json")
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    keyring.add(young)
    assert FileKeyring(keyring.path).epochs() == (old, young)
    keyring.destroy(old.id)
    keyring.destroy(old.id)
    assert FileKeyring(keyring.path).epochs() == (young,)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    keyring = FileKeyring.create(tmp_path / "keyring.json")
    keyring.add(new_epoch(NOW))
    assert keyring.path.stat().st_mode & 0o777 == 0o600
    keyring.path.chmod(0o640)
    with pytest.raises(KeyringExposed):
        keyring.epochs()


def test_a_destroyed_key_is_overwritten_in_the_file_that_held_it(tmp_path: Path) -> None:
    keyring = FileKeyring.create(tmp_path / "keyring.json")
    keyring.add(old := new_epoch(NOW))
    keyring.add(new_epoch(LATER))
    with keyring.path.open("rb") as former:
        keyring.destroy(old.id)
        assert former.read().strip(b"\0") == b""
    assert list(tmp_path.iterdir()) == [keyring.path]


def test_what_a_crash_left_beside_the_keyring_goes_with_the_next_change(tmp_path: Path) -> None:
    keyring = FileKeyring.create(tmp_path / "keyring.json")
    keyring.add(old := new_epoch(NOW))
    left = files.beside(keyring.path)
    left.write_bytes(keyring.path.read_bytes())
    with left.open("rb") as held:
        keyring.destroy(old.id)
        assert held.read().strip(b"\0") == b""
    assert not left.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format":"another","epochs":[]}'])
def test_what_is_no_keyring_is_not_read_as_an_empty_one(tmp_path: Path, content: bytes) -> None:
    keyring = FileKeyring.create(tmp_path / "keyring.json")
    keyring.path.write_bytes(content)
    with pytest.raises(KeyringUnreadable):
        keyring.epochs()


def test_a_missing_keyring_is_never_made_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(KeyringUnreadable):
        FileKeyring(tmp_path / "keyring.json").epochs()


def test_a_keyring_is_never_replaced_by_creating_one(tmp_path: Path) -> None:
    FileKeyring.create(tmp_path / "keyring.json")
    with pytest.raises(KeyringExists):
        FileKeyring.create(tmp_path / "keyring.json")


def test_no_epoch_key_is_shown_by_repr() -> None:
    epoch = new_epoch(NOW)
    assert repr(epoch.secret) not in repr(epoch)
