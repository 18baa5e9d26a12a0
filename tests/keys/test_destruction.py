from uuid import UUID

import pytest

from keys.index import Entry, Kind, Lookup, OwnerGone
from keys.journal import Journal, JournalBroken
from keys.key import Key, fingerprint, new_id
from keys.names import KeyName
from keys.store import KeyStore
from keys.tree import KeyDestroyed
from tests.keys.home import LATER, NOW, Home, person, profile, readings


def _wrapped(home: Home) -> dict[bytes, bytes]:
    """The wrapped bytes of every key and person, by id."""
    with home.rows() as rows:
        return dict(
            rows.execute(
                "SELECT id, wrapped FROM keys UNION ALL SELECT key_id, wrapped FROM persons"
            ).fetchall()
        )


def _mint(store: KeyStore) -> tuple[UUID, UUID, dict[KeyName, Key]]:
    owner, consent, names = person()
    return owner, consent, store.mint(names)


def test_a_destroyed_key_is_gone_and_its_neighbours_read_as_before(store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    _, _, others = _mint(store)
    dead = minted.pop(readings(owner, consent, 2024))
    assert store.destroy([dead.id], NOW) == {dead.id}
    assert store.fetch([dead.id]) == {}
    assert store.find(minted) == minted
    assert store.find(others) == others


def test_a_destroyed_name_is_never_minted_again(home: Home, store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    name = readings(owner, consent, 2024)
    with home.open() as started_before:
        store.destroy([minted[name].id], NOW)
        for each in (store, started_before):
            with pytest.raises(KeyDestroyed) as raised:
                each.mint([name, profile(new_id())])
            assert raised.value.names == (name,)
    assert store.mint([readings(owner, consent, 2031)])


def test_destroying_an_owner_takes_every_key_and_bars_every_name(store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    _, _, others = _mint(store)
    assert store.destroy_owner(owner, NOW) == {key.id for key in minted.values()}
    assert store.find(minted) == {}
    assert store.keys_of(owner) == {}
    for name in (*minted, readings(owner, consent, 2031), readings(owner, new_id())):
        with pytest.raises(KeyDestroyed):
            store.mint([name])
    assert store.find(others) == others


def test_an_owner_without_a_key_can_be_destroyed_too(store: KeyStore) -> None:
    owner = new_id()
    lookup = Lookup(Kind.EMAIL, "anna@example.org")
    store.index.reserve(lookup, Entry(owner, owner), new_id())
    assert store.destroy_owner(owner, NOW) == frozenset()
    assert store.index.reserved() == frozenset()
    with pytest.raises(KeyDestroyed):
        store.mint([profile(owner)])
    with pytest.raises(OwnerGone):
        store.index.reserve(lookup, Entry(owner, owner), new_id())


def test_destroying_twice_does_nothing_more(home: Home, store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    dead = minted[readings(owner, consent, 2024)].id
    store.destroy([dead], NOW)
    once = store.fingerprints([dead])
    size = home.journal.stat().st_size
    assert store.destroy([dead], LATER) == frozenset()
    assert store.fingerprints([dead]) == once
    assert home.journal.stat().st_size == size
    store.destroy_owner(owner, NOW)
    size = home.journal.stat().st_size
    assert store.destroy_owner(owner, LATER) == frozenset()
    assert home.journal.stat().st_size == size


def test_a_partial_erasure_then_a_full_one(store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    first = minted.pop(readings(owner, consent, 2024))
    store.destroy([first.id], NOW)
    assert store.destroy_owner(owner, LATER) == {key.id for key in minted.values()}


def test_fingerprints_survive_destruction(store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    expected = {key.id: fingerprint(key) for key in minted.values()}
    store.destroy([minted[readings(owner, consent, 2024)].id], NOW)
    assert store.fingerprints(expected) == expected
    store.destroy_owner(owner, NOW)
    assert store.fingerprints(expected) == expected


def test_the_path_above_a_destroyed_key_is_rekeyed(home: Home, store: KeyStore) -> None:
    owner, consent, minted = _mint(store)
    before = _wrapped(home)
    store.destroy([minted[readings(owner, consent, 2024)].id], NOW)
    after = _wrapped(home)
    assert len(after) == len(before) - 1
    assert all(before[key_id] != wrapped for key_id, wrapped in after.items())


def test_old_wrapped_bytes_are_nowhere_at_rest_once_the_epoch_has_ended(
    home: Home, store: KeyStore
) -> None:
    """Rows are shuffled through thousands of page splits first: what moved must leave no copy."""
    people = [person() for _ in range(1_500)]
    for start in range(0, len(people), 100):
        batch = people[start : start + 100]
        store.mint(name for _, _, names in batch for name in names)
    before = _wrapped(home)
    assert all(one in home.bytes_at_rest() for one in list(before.values())[:50])
    ids = [
        key_id for owner, _, _ in people[::3] for key_id in list(store.keys_of(owner).values())[:2]
    ]
    store.destroy(ids, NOW)
    for owner, _, _ in people[1:60:3]:
        store.destroy_owner(owner, NOW)
    after = set(_wrapped(home).values())
    store.end_epoch(LATER)
    gone = [wrapped for wrapped in before.values() if wrapped not in after]
    assert len(gone) > 2_000
    at_rest = home.bytes_at_rest() + home.backup.read_bytes()
    assert [one for one in gone if one[12:28] in at_rest] == []


def test_the_journal_comes_first_and_holds_random_ids_alone(home: Home, store: KeyStore) -> None:
    owner, _, minted = _mint(store)
    store.destroy_owner(owner, NOW)
    journal = Journal(home.journal)
    entries, _ = journal.since(journal.start)
    assert {one.key_id for one in entries if one.kind == "key"} == {k.id for k in minted.values()}
    content = home.journal.read_bytes()
    for secret in (owner.bytes, *(key.secret for key in minted.values())):
        assert secret.hex().encode() not in content


@pytest.mark.parametrize("whole", [False, True], ids=["keys", "an owner"])
def test_a_store_restored_from_a_backup_destroys_again_before_it_answers(
    home: Home, store: KeyStore, *, whole: bool
) -> None:
    owner, consent, minted = _mint(store)
    lookup = Lookup(Kind.METER, "ENEDIS E 12345678901234")
    command = new_id()
    store.index.reserve(lookup, Entry(owner, new_id()), command)
    store.index.confirm(command)
    backup = home.copy("backup-of-all")
    dead = {key.id for name, key in minted.items() if whole or name.year == 2024}
    expected = store.fingerprints(dead)
    if whole:
        store.destroy_owner(owner, NOW)
    else:
        store.destroy(dead, NOW)
    store.close()
    home.restore(backup, "store")
    with home.open() as restored:
        assert restored.opening.keys_destroyed == len(dead)
        assert restored.fetch(dead) == {}
        assert restored.fingerprints(dead) == expected
        assert bool(restored.index.find(lookup)) is not whole
        with pytest.raises(KeyDestroyed):
            restored.mint([readings(owner, consent, 2024)])
    with home.open() as again:
        assert again.opening.keys_destroyed == 0


def test_a_key_younger_than_the_backup_stays_barred_after_a_restore(
    home: Home, store: KeyStore
) -> None:
    backup = home.copy("backup-of-all")
    owner, consent, minted = _mint(store)
    name = readings(owner, consent, 2024)
    store.destroy([minted[name].id], NOW)
    store.close()
    home.restore(backup, "store")
    with home.open() as restored, pytest.raises(KeyDestroyed):
        restored.mint([name])


def test_an_id_that_this_copy_never_had_is_journalled_all_the_same(
    home: Home, store: KeyStore
) -> None:
    _, _, minted = _mint(store)
    newer = home.copy("newer")
    store.close()
    elsewhere = new_id()
    with home.open() as again:
        assert again.destroy([elsewhere], NOW) == {elsewhere}
        assert again.destroy([elsewhere], NOW) == frozenset()
        assert again.find(minted) == minted
    assert str(elsewhere).encode() in home.journal.read_bytes()
    assert newer.file.exists()


def test_a_broken_wrap_does_not_stand_in_the_way_of_its_destruction(
    home: Home, store: KeyStore
) -> None:
    owner, consent, minted = _mint(store)
    dead = minted[readings(owner, consent, 2024)].id
    with home.rows() as rows:
        rows.execute("UPDATE keys SET wrapped = randomblob(60) WHERE id = ?", (dead.bytes,))
    store.destroy([dead], NOW)
    assert store.fingerprints([dead]) == {}
    assert len(store.keys_of(owner)) == len(minted) - 1
    with home.rows() as rows:
        rows.execute("UPDATE persons SET wrapped = randomblob(60)")
    assert len(store.destroy_owner(owner, NOW)) == len(minted) - 1
    assert store.keys_of(owner) == {}


def test_a_store_does_not_open_with_a_journal_that_was_cut(home: Home, store: KeyStore) -> None:
    owner, _, _ = _mint(store)
    store.destroy_owner(owner, NOW)
    store.close()
    lines = home.journal.read_bytes().splitlines(keepends=True)
    home.journal.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(JournalBroken):
        home.open()


def test_a_running_process_obeys_a_journal_line_whose_destruction_was_cut_short(
    home: Home, store: KeyStore
) -> None:
    owner, consent, minted = _mint(store)
    dead = minted[readings(owner, consent, 2024)].id

    def fail(step: str) -> None:
        if step == "destroy: journalled":
            raise InterruptedError(step)

    with home.open(fail) as failing, pytest.raises(InterruptedError):
        failing.destroy([dead], NOW)
    assert store.fetch([dead]) == {}
