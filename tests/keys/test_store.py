import shutil
import threading
from pathlib import Path

import pytest

from keys import database
from keys.database import KeyStoreDamaged, KeyStoreExists, KeyStoreMissing, NotOurs
from keys.journal import Journal
from keys.key import WrapBroken, fingerprint, new_id
from keys.keyring import FileKeyring
from keys.names import KeyName, Purpose
from keys.store import KeptTogether, KeyStore
from keys.tree import MintingClosed
from tests.keys.home import NOW, Home, person, profile, readings


def test_a_name_gets_one_key_for_ever(home: Home, store: KeyStore) -> None:
    _, _, names = person()
    minted = store.mint(names)
    assert store.mint(names) == minted
    assert store.find(names) == minted
    with home.open() as again:
        assert again.mint(reversed(names)) == minted
    assert len({key.secret for key in minted.values()}) == len(names)


def test_keys_are_fetched_by_id_and_what_is_not_there_is_not_in_the_answer(
    store: KeyStore,
) -> None:
    minted = store.mint(name for _ in range(30) for name in person()[2])
    keys = {key.id: key for key in minted.values()}
    assert store.fetch([*keys, new_id()]) == keys
    assert store.fetch([]) == {}


def test_thousands_of_keys_come_in_one_call(store: KeyStore) -> None:
    names = [profile(new_id()) for _ in range(4_097)]
    minted = store.mint(names)
    assert store.fetch(key.id for key in minted.values()) == {k.id: k for k in minted.values()}


def test_finding_mints_nothing(store: KeyStore) -> None:
    owner, _, names = person()
    assert store.find(names) == {}
    assert store.keys_of(owner) == {}


def test_an_owners_keys_are_listed_with_their_names(store: KeyStore) -> None:
    owner, consent, names = person()
    names += [
        KeyName(owner=owner, purpose=Purpose.EVIDENCE, consent=consent),
        KeyName(owner=owner, purpose=Purpose.ACCESS, year=2026),
    ]
    minted = store.mint([*names, *person()[2]])
    assert store.keys_of(owner) == {name: minted[name].id for name in names}


def test_nothing_is_minted_for_a_consent_that_has_ended_but_its_keys_still_open(
    store: KeyStore,
) -> None:
    owner, consent, names = person()
    minted = store.mint(names)
    store.close_consents([(owner, consent), (owner, consent)])
    assert store.mint(names) == minted
    late = readings(owner, consent, 2030)
    with pytest.raises(MintingClosed) as raised:
        store.mint([profile(new_id()), late])
    assert raised.value.names == (late,)
    assert store.mint([readings(owner, new_id())])


def test_nothing_is_minted_for_an_owner_who_is_being_erased(store: KeyStore) -> None:
    owner, _, names = person()
    minted = store.mint(names)
    store.close_owner(owner)
    with pytest.raises(MintingClosed):
        store.mint([readings(owner, new_id())])
    assert store.mint(names) == minted


def test_a_refused_batch_mints_nothing(store: KeyStore) -> None:
    owner, consent, _ = person()
    other = profile(new_id())
    store.close_consents([(owner, consent)])
    with pytest.raises(MintingClosed):
        store.mint([other, readings(owner, consent)])
    assert store.find([other]) == {}


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE keys SET wrapped = (SELECT wrapped FROM old_keys o WHERE o.id <> keys.id)",
        "UPDATE keys SET person = 3 - person",
        (
            "UPDATE persons SET wrapped = "
            "(SELECT wrapped FROM old_persons o WHERE o.number <> persons.number)"
        ),
        "UPDATE persons SET key_id = randomblob(16)",
        "UPDATE persons SET owner = randomblob(16)",
        "UPDATE keys SET tag = randomblob(16)",
        "UPDATE keys SET wrapped = randomblob(60)",
        "UPDATE keys SET wrapped = x''",
    ],
)
def test_a_wrapped_key_that_was_moved_or_altered_opens_nothing(
    home: Home, store: KeyStore, move: str
) -> None:
    minted = store.mint([profile(new_id()), profile(new_id())])
    with home.rows() as rows:
        rows.execute("CREATE TEMP TABLE old_keys AS SELECT * FROM keys")
        rows.execute("CREATE TEMP TABLE old_persons AS SELECT * FROM persons")
        rows.execute(move)
    for key in minted.values():
        with pytest.raises(WrapBroken):
            store.fetch([key.id])


def test_keys_swapped_between_two_names_of_one_owner_open_nothing(
    home: Home, store: KeyStore
) -> None:
    owner, consent, names = person(years=2)
    minted = store.mint(names)
    one, other = (minted[readings(owner, consent, year)].id.bytes for year in (2024, 2025))
    with home.rows() as rows:
        for old, new in ((one, b"x"), (other, one), (b"x", other)):
            rows.execute("UPDATE keys SET id = ? WHERE id = ?", (new, old))
    with pytest.raises(WrapBroken):
        store.find([readings(owner, consent, 2024)])


def test_the_store_alone_and_the_keyring_alone_hold_no_key(home: Home, store: KeyStore) -> None:
    minted = store.mint(person()[2])
    epochs = FileKeyring(home.keyring).epochs()
    at_rest = home.bytes_at_rest()
    for secret in [*(key.secret for key in minted.values()), *(one.secret for one in epochs)]:
        assert secret not in at_rest
        assert secret.hex().encode() not in at_rest
    assert not any(key.secret in home.keyring.read_bytes() for key in minted.values())


def test_fingerprints_of_living_keys_are_those_of_their_bytes(store: KeyStore) -> None:
    minted = store.mint(person()[2])
    ids = [key.id for key in minted.values()]
    assert store.fingerprints(ids) == {key.id: fingerprint(key) for key in minted.values()}


def test_several_threads_use_one_store(store: KeyStore) -> None:
    owners = [new_id() for _ in range(40)]
    seen: list[frozenset[bytes]] = []

    def use() -> None:
        keys = [store.mint([profile(owner)])[profile(owner)] for owner in owners]
        seen.append(frozenset(key.secret for key in keys))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_the_files_are_their_owners_alone(home: Home, store: KeyStore) -> None:
    store.mint(person()[2])
    store.end_epoch(NOW)
    for path in (home.file, home.journal, home.keyring, home.backup):
        assert path.stat().st_mode & 0o077 == 0
    assert home.directory.stat().st_mode & 0o077 == 0


def test_the_settings_that_the_guarantees_rest_on_are_in_force(home: Home, store: KeyStore) -> None:
    connection = database.connect(home.file)
    try:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "cache_spill")
        }
    finally:
        connection.close()
    assert found == {"journal_mode": "delete", "synchronous": 3, "secure_delete": 1} | {
        "cache_spill": 0
    }
    assert store.opening.keys_destroyed == 0


def test_a_missing_store_is_never_made_by_opening_it(home: Home) -> None:
    home.create().close()
    home.file.unlink()
    with pytest.raises(KeyStoreMissing):
        home.open()
    assert not home.file.exists()


def test_a_store_is_never_replaced_by_creating_one(home: Home, store: KeyStore) -> None:
    minted = store.mint(person()[2])
    with pytest.raises(KeyStoreExists):
        KeyStore.create(
            home.directory, keyring=FileKeyring(home.keyring), journal=home.journal, now=NOW
        )
    assert store.mint(minted) == minted


def test_the_journal_may_not_lie_with_the_store(home: Home) -> None:
    with pytest.raises(KeptTogether):
        KeyStore.create(
            home.directory,
            keyring=FileKeyring.create(home.keyring),
            journal=home.directory / "destroyed",
            now=NOW,
        )


def test_another_stores_journal_is_refused(home: Home, store: KeyStore, tmp_path: Path) -> None:
    store.close()
    other = Journal.create(tmp_path / "other")
    shutil.copy(other.path, home.journal)
    with pytest.raises(NotOurs):
        home.open()


def test_a_file_that_is_no_store_is_refused(home: Home, store: KeyStore) -> None:
    store.close()
    home.file.write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(KeyStoreDamaged):
        home.open()
