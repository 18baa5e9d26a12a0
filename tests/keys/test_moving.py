"""The epoch key moves to another keeper, wherever it is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keys.epochs import STEPS
from keys.gate import EpochKeyMissing
from keys.key import Key
from keys.keyring import Epoch, FileKeyring, Keyring
from keys.moving import NothingToMove, move
from keys.names import KeyName
from keys.store import KeyStore, Options
from tests.keys.home import LATER, Home, person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID


def opener(home: Home, step: Callable[[str], None] = lambda _: None) -> Callable[..., KeyStore]:
    def open_store(keyring: Keyring) -> KeyStore:
        options = Options(backup=home.backup, step=step)
        return KeyStore.open(home.directory, keyring=keyring, journal=home.journal, options=options)

    return open_store


def test_afterwards_the_former_keeper_opens_nothing_and_the_new_one_all(
    home: Home, store: KeyStore, tmp_path: Path
) -> None:
    minted = store.mint(person()[2])
    store.close()
    former, new = FileKeyring(home.keyring), FileKeyring.create(tmp_path / "new" / "keyring")
    (known,) = former.epochs()
    mark = move(home.directory, opener(home), former, new, LATER)
    assert (mark.generation, mark.since) == (1, LATER)
    assert former.epochs() == ()
    assert known.id not in {one.id for one in new.epochs()}, "the former's key was never kept"
    with opener(home)(new) as moved:
        assert moved.find(minted) == minted
    with pytest.raises(EpochKeyMissing):
        opener(home)(former)
    with pytest.raises(NothingToMove):
        move(home.directory, opener(home), former, new, LATER)


class Interrupted(Exception):
    """The process ends here."""


class Dying:
    """A keyring whose process ends just before or just after it changes something."""

    def __init__(self, keyring: FileKeyring, at: str) -> None:
        self._keyring = keyring
        self._at = at
        self.since, self.epochs = keyring.since, keyring.epochs

    def add(self, epoch: Epoch) -> None:
        self._around("add", lambda: self._keyring.add(epoch))

    def destroy(self, epoch_id: UUID) -> None:
        self._around("destroy", lambda: self._keyring.destroy(epoch_id))

    def _around(self, what: str, change: Callable[[], None]) -> None:
        if self._at == f"before {what}":
            raise Interrupted
        change()
        if self._at == f"after {what}":
            raise Interrupted


@pytest.mark.parametrize("at", ["before add", "after add", "before destroy", "after destroy"])
@pytest.mark.parametrize("whose", ["former", "new"])
def test_cut_short_at_any_change_of_a_keeper_it_is_done_by_doing_it_again(
    home: Home, store: KeyStore, tmp_path: Path, at: str, whose: str
) -> None:
    minted = store.mint(person()[2])
    store.close()
    former, new = FileKeyring(home.keyring), FileKeyring.create(tmp_path / "new" / "keyring")
    first: Keyring = Dying(former, at) if whose == "former" else former
    second: Keyring = Dying(new, at) if whose == "new" else new
    if (whose, at.split()[1]) == ("former", "add"):
        move(home.directory, opener(home), first, second, LATER)  # nothing is ever added there
    else:
        with pytest.raises(Interrupted):
            move(home.directory, opener(home), first, second, LATER)
        if former.epochs():
            move(home.directory, opener(home), former, new, LATER)
    check_moved(home, former, new, minted)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("times", [1, 2])
def test_cut_short_at_any_step_of_the_epochs_end_it_is_done_by_doing_it_again(
    home: Home, store: KeyStore, tmp_path: Path, step: str, times: int
) -> None:
    minted = store.mint(person()[2])
    store.close()
    former, new = FileKeyring(home.keyring), FileKeyring.create(tmp_path / "new" / "keyring")

    def die(name: str) -> None:
        if name == step:
            raise Interrupted

    for _ in range(times):
        with pytest.raises(Interrupted):
            move(home.directory, opener(home, die), former, new, LATER)
    move(home.directory, opener(home), former, new, LATER)
    check_moved(home, former, new, minted)


def check_moved(
    home: Home, former: FileKeyring, new: FileKeyring, minted: dict[KeyName, Key]
) -> None:
    assert former.epochs() == ()
    assert len(new.epochs()) == 1
    with opener(home)(new) as moved:
        assert moved.find(minted) == minted
