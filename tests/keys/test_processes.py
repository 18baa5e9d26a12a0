"""Several real processes on one store, and real kills."""

import json
import random
import subprocess
import time
from uuid import UUID

import pytest

from keys.journal import Journal
from keys.key import Key, new_id
from keys.keyring import FileKeyring
from keys.names import KeyName
from keys.store import STEPS, KeyStore
from keys.tree import KeyDestroyed
from tests.keys.home import NOW, Home, killed_at, person, profile, readings, start


def _told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_that_mint_the_same_names_at_once_get_the_same_keys(
    home: Home, store: KeyStore
) -> None:
    owners = [new_id() for _ in range(25)]
    arguments = [str(owner) for owner in owners]
    running = [start(home, "mint", *arguments, "--wait") for _ in range(4)]
    for process in running:
        assert _told(process) == "open"
    for process in running:
        _tell(process)
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    assert all(answer == answers[0] for answer in answers)
    minted = {UUID(key_id): bytes.fromhex(secret) for key_id, secret in answers[0].values()}
    assert len(minted) == len(owners)
    assert {one: key.secret for one, key in store.fetch(minted).items()} == minted


def test_a_process_started_before_cannot_mint_a_destroyed_name_again(
    home: Home, store: KeyStore
) -> None:
    owner = new_id()
    with start(home, "mint", str(owner), "--wait") as process:
        assert _told(process) == "open"
        name = readings(owner, owner)
        store.destroy([store.mint([name])[name].id], NOW)
        _tell(process)
        assert json.loads(process.communicate(timeout=60)[0]) == {str(owner): ["destroyed"]}


def test_a_running_process_stops_answering_at_once_and_follows_into_the_new_epoch(
    home: Home, store: KeyStore
) -> None:
    owner, consent, names = person()
    minted = store.mint(names)
    ids = {str(key.id) for key in minted.values()}
    with start(home, "fetch", *ids) as process:
        assert _told(process) == "open"
        assert set(json.loads(_told(process))) == ids
        dead = minted[readings(owner, consent, 2024)].id
        store.destroy([dead], NOW)
        store.end_epoch(NOW)
        _tell(process)
        assert set(json.loads(_told(process))) == ids - {str(dead)}
        process.communicate(timeout=60)


@pytest.mark.chaos
@pytest.mark.parametrize("step", [one for one in STEPS if one.startswith("epoch")])
def test_an_epochs_end_killed_at_any_step_is_finished_forward(
    home: Home, store: KeyStore, step: str
) -> None:
    minted = store.mint(name for _ in range(50) for name in person()[2])
    former = store.epoch()
    killed_at(home, step, "end-epoch")
    assert store.find(minted) == minted
    with home.open() as again:
        assert again.opening.epoch_ended == (step != "epoch: old key destroyed")
        assert again.epoch().generation == former.generation + 1
        assert again.find(minted) == minted
    assert former.id not in [one.id for one in FileKeyring(home.keyring).epochs()]
    assert len(FileKeyring(home.keyring).epochs()) == 1
    assert store.find(minted) == minted


@pytest.mark.chaos
@pytest.mark.parametrize("step", [one for one in STEPS if one.startswith("destroy")])
@pytest.mark.parametrize("command", ["destroy", "destroy-owner"])
def test_a_destruction_killed_at_any_step_is_whole_or_was_never_begun(
    home: Home, store: KeyStore, step: str, command: str
) -> None:
    owner, consent, names = person()
    minted = store.mint(names)
    others = store.mint(person()[2])
    name = readings(owner, consent, 2024)
    dead = {minted[name].id} if command == "destroy" else {k.id for k in minted.values()}
    killed_at(home, step, command, str(minted[name].id if command == "destroy" else owner))
    with home.open() as again:
        begun = step != "destroy: begun"
        unfinished = begun and step != "destroy: committed"
        assert again.opening.keys_destroyed == (len(dead) if unfinished else 0)
        for each in (again, store):
            assert set(each.fetch(dead)) == (set() if begun else dead)
            assert each.find(others) == others
        if begun:
            assert set(again.fingerprints(dead)) == dead
            with pytest.raises(KeyDestroyed):
                again.mint([name])


def test_a_living_process_that_ends_the_epoch_is_not_disturbed_by_one_that_opens(
    home: Home, store: KeyStore
) -> None:
    minted = store.mint(person()[2])
    seen: list[bool] = []

    def look(step: str) -> None:
        if step in {"epoch: key added", "epoch: compacted", "epoch: backed up"}:
            with home.open() as other:
                seen.append(other.opening.epoch_ended)
                assert other.find(minted) == minted

    with home.open(look) as ending:
        ending.end_epoch(NOW)
    assert seen == [False, False, False]


def _churned(home: Home, kills: int, seed: int) -> tuple[int, int, int]:
    """Kill a process that mints, destroys and ends epochs, at random moments.

    Answers how many keys were destroyed, and how many openings had a destruction
    or an epoch's end to finish.
    """
    chance = random.Random(seed)
    owners = [new_id() for _ in range(5)]
    with home.create() as store:
        kept = store.mint(map(profile, owners))
    destroyed = healed = ended = 0
    for _ in range(kills):
        with start(home, "churn", *map(str, owners)) as process:
            assert _told(process) == "open"
            time.sleep(chance.uniform(0.0, 0.15))
            assert process.poll() is None
            process.kill()
        with home.open() as store:
            healed += store.opening.keys_destroyed > 0
            ended += store.opening.epoch_ended
            destroyed = _nothing_lost_nothing_back(home, store, kept)
    return destroyed, healed, ended


def _nothing_lost_nothing_back(home: Home, store: KeyStore, kept: dict[KeyName, Key]) -> int:
    assert store.find(kept) == kept
    journal = Journal(home.journal)
    listed = {one.key_id for one in journal.since(journal.start)[0]}
    assert store.fetch(listed) == {}
    assert set(store.fingerprints(listed)) == listed
    living = {one for name in kept for one in store.keys_of(name.owner).values()}
    assert set(store.fetch(living)) == living
    assert len(FileKeyring(home.keyring).epochs()) == 1
    return len(listed)


@pytest.mark.chaos
def test_kills_at_random_moments_lose_nothing_and_bring_nothing_back(home: Home) -> None:
    destroyed, _, _ = _churned(home, kills=8, seed=1)
    assert destroyed >= 8


@pytest.mark.campaign
@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_hundreds_of_kills_at_random_moments_lose_nothing(home: Home) -> None:
    destroyed, healed, ended = _churned(home, kills=400, seed=2)
    print(
        f"400 kills, {destroyed} keys destroyed: 0 lost, 0 brought back; "
        f"openings that finished a destruction: {healed}, an epoch's end: {ended}"
    )
    assert healed
    assert ended
