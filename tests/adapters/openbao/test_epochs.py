"""A key store whose epoch key is with a real OpenBao: ends, kills, outages, older copies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.openbao.bao import KeeperUnavailable
from adapters.openbao.transit import VersionWithheld
from keys.epochs import STEPS
from keys.gate import EpochKeyMissing
from keys.store import KeyStore, Options
from metroledger.keyrings import keyring_of
from metroledger.settings import Settings, read_settings
from tests.architecture.sources import ROOT
from tests.keys.home import LATER, NOW, person, readings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.openbao.server import Kept


@dataclass(frozen=True, slots=True)
class Home:
    """A key store in a home of its own, as the settings of an operator name it."""

    kept: Kept

    @property
    def told(self) -> dict[str, str]:
        backup = str(self.kept.root / "backup" / "keys.sqlite")
        home = str(self.kept.root / "home")
        return self.kept.told() | {"METROLEDGER_HOME": home, "METROLEDGER_KEY_BACKUP": backup}

    @property
    def settings(self) -> Settings:
        return read_settings(self.told)

    def create(self) -> KeyStore:
        some = self.settings
        keyring = keyring_of(some, create=True)
        options = Options(backup=some.key_backup)
        return KeyStore.create(
            some.keys, keyring=keyring, journal=some.destroyed, now=NOW, options=options
        )

    def open(self, step: Callable[[str], None] = lambda _: None) -> KeyStore:
        some = self.settings
        options = Options(backup=some.key_backup, step=step)
        keyring = keyring_of(some)
        return KeyStore.open(some.keys, keyring=keyring, journal=some.destroyed, options=options)

    def copy(self, name: str) -> Path:
        """Copy everything of ours as it stands: store, wrapped keys, journal."""
        return Path(shutil.copytree(self.settings.home, self.kept.root / name))

    def restore(self, copy: Path, *parts: str) -> None:
        for part in parts:
            shutil.rmtree(self.settings.home / part)
            shutil.copytree(copy / part, self.settings.home / part)


@pytest.fixture
def home(kept: Kept) -> Home:
    return Home(kept)


def test_an_epoch_ends_and_all_living_keys_open_after_it(home: Home) -> None:
    with home.create() as store:
        minted = store.mint(person()[2])
        assert store.end_epoch(LATER).generation == 1
        assert store.find(minted) == minted
    with home.open() as again:
        assert again.find(minted) == minted
        assert again.epoch().since == LATER


def test_after_an_epochs_end_a_whole_older_copy_of_ours_opens_nothing(home: Home) -> None:
    """Store, wrapped keys and journal, all of then: the keeper has forgotten their version."""
    owner, consent, names = person()
    with home.create() as store:
        minted = store.mint(names)
        former = home.copy("former")
        store.destroy([minted[readings(owner, consent, 2024)].id], NOW)
        store.end_epoch(LATER)
    present = home.copy("present")
    home.restore(former, "keys", "keyring", "destroyed")
    with pytest.raises(VersionWithheld, match="its epoch has ended and it opens nothing"):
        home.open()
    home.restore(present, "keyring")
    with pytest.raises(EpochKeyMissing):
        home.open()
    home.restore(present, "keys", "destroyed")
    with home.open() as store:
        assert len(store.find(minted)) == len(minted) - 1


def test_before_that_the_same_copy_opens_all(home: Home) -> None:
    """The control."""
    with home.create() as store:
        minted = store.mint(person()[2])
        former = home.copy("former")
        store.mint(person()[2])
    home.restore(former, "keys", "keyring", "destroyed")
    with home.open() as store:
        assert store.find(minted) == minted


def test_the_two_files_beside_each_other_in_the_backup_restore_the_store(home: Home) -> None:
    with home.create() as store:
        minted = store.mint(person()[2])
        store.end_epoch(LATER)
    some = home.settings
    assert some.key_backup is not None
    shutil.rmtree(some.keys)
    shutil.rmtree(some.wrapped_epochs.parent)
    some.keys.mkdir(mode=0o700)
    some.wrapped_epochs.parent.mkdir(mode=0o700)
    shutil.copy(some.key_backup, some.keys / "keys.sqlite")
    shutil.copy(f"{some.key_backup}.epochs", some.wrapped_epochs)
    with home.open() as store:
        assert store.find(minted) == minted


def test_a_process_that_runs_does_not_need_the_keeper_until_the_epoch_ends(home: Home) -> None:
    with home.create() as store:
        minted = store.mint(person()[2])
        home.kept.server.ask("PUT", "sys/seal")
        try:
            assert store.find(minted) == minted
            more = store.mint(person()[2])
            assert store.epoch().generation == 0
            with pytest.raises(KeeperUnavailable, match="whoever runs OpenBao"):
                store.end_epoch(LATER)
            with pytest.raises(KeeperUnavailable, match="whoever runs OpenBao"):
                home.open()
            assert store.find(minted | more) == minted | more
        finally:
            home.kept.server.unseal()
        assert store.end_epoch(LATER).generation == 1
        assert store.find(minted | more) == minted | more


@pytest.mark.parametrize("step", ["epoch: key added", "epoch: committed", "epoch: backed up"])
def test_a_keeper_that_goes_away_while_an_epoch_ends_leaves_it_to_be_finished(
    home: Home, step: str
) -> None:
    def seal(name: str) -> None:
        if name == step:
            home.kept.server.ask("PUT", "sys/seal")

    with home.create() as store:
        minted = store.mint(person()[2])
    with home.open(seal) as ending:
        try:
            with pytest.raises(KeeperUnavailable):
                ending.end_epoch(LATER)
        finally:
            home.kept.server.unseal()
    with home.open() as again:
        assert again.epoch().generation == 1
        assert again.find(minted) == minted
    assert len(keyring_of(home.settings).epochs()) == 1


def test_another_process_fails_closed_until_the_keeper_is_back(home: Home) -> None:
    """It holds the former epoch's key, which opens nothing any more."""
    with home.create() as store, home.open() as other:
        minted = store.mint(person()[2])
        assert other.find(minted) == minted
        store.end_epoch(LATER)
        home.kept.server.ask("PUT", "sys/seal")
        try:
            with pytest.raises(KeeperUnavailable):
                other.find(minted)
            assert store.find(minted) == minted
        finally:
            home.kept.server.unseal()
        assert other.find(minted) == minted


@pytest.mark.chaos
@pytest.mark.parametrize("step", STEPS)
def test_an_epochs_end_killed_at_any_step_is_finished_forward(home: Home, step: str) -> None:
    with home.create() as store:
        minted = store.mint(name for _ in range(20) for name in person()[2])
    ender = str(ROOT / "tests" / "adapters" / "openbao" / "ender.py")
    ended = subprocess.run(
        [sys.executable, ender, json.dumps(home.told), step],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL
    with home.open() as again:
        assert again.epoch().generation == 1
        assert again.find(minted) == minted
    assert len(keyring_of(home.settings).epochs()) == 1
    state = home.kept.server.ask("GET", home.kept.key.care())["data"]
    assert len(state["keys"]) == 1, "every older version is gone"
