from uuid import UUID

import pytest

from keys import database, epochs
from keys.gate import EpochKeyMissing
from keys.index import AlreadyTaken, Entry, EntryBroken, Kind, Lookup
from keys.key import Key, WrapBroken, new_id
from keys.keyring import FileKeyring
from keys.names import KeyName
from keys.store import KeyStore
from tests.keys.home import LATER, NOW, Home, person, profile, readings

LOOKUP = Lookup(Kind.METER, "ENEDIS E 12345678901234")


def _index(store: KeyStore) -> Entry:
    entry, command = Entry(new_id(), new_id()), new_id()
    store.index.reserve(LOOKUP, entry, command)
    store.index.confirm(command)
    return entry


def test_everything_living_opens_after_an_epochs_end(home: Home, store: KeyStore) -> None:
    minted = store.mint(name for _ in range(20) for name in person()[2])
    entry = _index(store)
    before = store.epoch()
    after = store.end_epoch(LATER)
    assert after.generation == before.generation + 1
    assert after.id != before.id
    assert [one.id for one in FileKeyring(home.keyring).epochs()] == [after.id]
    for each in (store, home.open()):
        assert each.find(minted) == minted
        assert each.index.find(LOOKUP) == {entry}
        each.close()


def test_a_former_copy_opens_nothing_now_and_everything_with_the_keyring_of_its_time(
    home: Home, store: KeyStore
) -> None:
    owner, consent, names = person()
    minted = store.mint(names)
    entry = _index(store)
    former = home.copy("former")
    dead = minted[readings(owner, consent, 2024)].id
    store.destroy([dead], NOW)
    store.end_epoch(LATER)
    with former.open() as control:
        assert control.find(minted) == minted
        assert control.index.find(LOOKUP) == {entry}
    former.restore(home, "keyring")
    with pytest.raises(EpochKeyMissing):
        former.open()


def test_no_row_of_a_former_copy_opens_in_the_present_store(home: Home, store: KeyStore) -> None:
    """Not even by hand: the old rows planted under the present epoch key."""
    owner, consent, names = person()
    minted = store.mint(names)
    dead = minted[readings(owner, consent, 2024)].id
    former = home.copy("former")
    store.destroy([dead], NOW)
    store.end_epoch(LATER)
    store.end_epoch(LATER)
    with home.rows() as rows:
        rows.execute("ATTACH ? AS former", (str(former.file),))
        rows.execute("INSERT INTO keys SELECT * FROM former.keys WHERE id = ?", (dead.bytes,))
        rows.commit()
        rows.execute("DETACH former")
    with pytest.raises(WrapBroken):
        store.fetch([dead])


def test_rows_of_persons_and_index_from_a_former_copy_open_nothing(
    home: Home, store: KeyStore
) -> None:
    minted = store.mint(person()[2])
    _index(store)
    with home.rows() as rows:
        wrapped = rows.execute("SELECT wrapped FROM persons").fetchone()
        sealed = rows.execute("SELECT sealed FROM entries").fetchone()
    store.end_epoch(LATER)
    with home.rows() as rows:
        rows.execute("UPDATE persons SET wrapped = ?", wrapped)
        rows.execute("UPDATE entries SET sealed = ?", sealed)
    with pytest.raises(WrapBroken):
        store.find(minted)
    with pytest.raises(EntryBroken):
        store.index.find(LOOKUP)


def test_no_wrapped_byte_of_the_former_epoch_is_left_at_rest(home: Home, store: KeyStore) -> None:
    store.mint(name for _ in range(400) for name in person(1)[2])
    _index(store)
    (old,) = FileKeyring(home.keyring).epochs()
    with home.rows() as rows:
        canaries = [
            wrapped[12:28]
            for (wrapped,) in rows.execute(
                "SELECT wrapped FROM persons UNION ALL SELECT sealed FROM entries"
            )
        ]
    assert all(one in home.bytes_at_rest() for one in canaries)
    store.end_epoch(LATER)
    everywhere = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert [one for one in [*canaries, old.secret] if one in everywhere] == []


def test_the_copy_made_at_the_epochs_end_is_the_one_to_restore(home: Home, store: KeyStore) -> None:
    owner, consent, names = person()
    minted = store.mint(names)
    store.end_epoch(LATER)
    dead = minted.pop(readings(owner, consent, 2024)).id
    store.destroy([dead], LATER)
    store.close()
    home.file.write_bytes(home.backup.read_bytes())
    with home.open() as restored:
        assert restored.opening.keys_destroyed == 1
        assert restored.fetch([dead]) == {}
        assert restored.find(minted) == minted


def test_another_process_notices_that_the_epoch_ended(home: Home, store: KeyStore) -> None:
    minted = store.mint(person()[2])
    entry = _index(store)
    with home.open() as other:
        assert other.find(minted) == minted
        store.end_epoch(LATER)
        store.end_epoch(LATER)
        assert other.find(minted) == minted
        assert other.index.find(LOOKUP) == {entry}
        more = other.mint(person()[2])
    assert store.find(more) == more


def test_two_epoch_keys_at_start_mean_finish_forward(home: Home, store: KeyStore) -> None:
    minted = store.mint(person()[2])

    def fail(step: str) -> None:
        if step == "epoch: key added":
            raise InterruptedError(step)

    with home.open(fail) as failing, pytest.raises(InterruptedError):
        failing.end_epoch(LATER)
    *_, young = FileKeyring(home.keyring).epochs()
    with home.open() as again:
        assert again.opening.epoch_ended
        assert again.epoch().id == young.id
        assert again.find(minted) == minted
    assert FileKeyring(home.keyring).epochs() == (young,)


def test_an_end_that_was_begun_is_finished_before_the_next_is_begun(
    home: Home, store: KeyStore
) -> None:
    minted = store.mint(person()[2])

    def fail(step: str) -> None:
        if step == "epoch: backed up":
            raise InterruptedError(step)

    with home.open(fail) as failing, pytest.raises(InterruptedError):
        failing.end_epoch(LATER)
    assert store.end_epoch(LATER).generation == 2
    assert len(FileKeyring(home.keyring).epochs()) == 1
    assert store.find(minted) == minted


def test_a_broken_row_stops_the_epochs_end_and_the_old_key_stays(
    home: Home, store: KeyStore
) -> None:
    store.mint(person()[2])
    with home.rows() as rows:
        rows.execute("UPDATE persons SET wrapped = randomblob(60)")
    with pytest.raises(WrapBroken):
        store.end_epoch(LATER)
    assert store.epoch().id in [one.id for one in FileKeyring(home.keyring).epochs()]


def test_a_store_of_another_time_destroys_no_key_of_the_keyring(
    home: Home, store: KeyStore
) -> None:
    former = home.copy("former")
    store.end_epoch(LATER)
    keyring = FileKeyring(home.keyring)
    before = keyring.epochs()
    store.close()
    home.restore(former, "store")
    with pytest.raises(EpochKeyMissing):
        home.open()
    assert keyring.epochs() == before


def _lookup(number: int) -> Lookup:
    return Lookup(Kind.EMAIL, f"resident{number}@example.org")


def _settled(store: KeyStore, people: int) -> tuple[list[UUID], dict[KeyName, Key]]:
    owners = [new_id() for _ in range(people)]
    command = new_id()
    minted = store.mint([*map(profile, owners), *(readings(one, one, 2024) for one in owners)])
    wanted = [(_lookup(n), Entry(owner, owner)) for n, owner in enumerate(owners)]
    store.index.reserve_many(wanted, command)
    store.index.confirm(command)
    return owners, minted


def test_while_an_epoch_ends_others_read_and_write_between_any_two_pieces(
    home: Home, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "_PIECE", 4)
    owners, minted = _settled(store, 48)
    pieces, dead = 0, []

    def look(step: str) -> None:
        nonlocal pieces
        if step != "epoch: a piece re-wrapped":
            return
        pieces += 1
        with home.open() as other:
            assert other.find(minted) == minted
            for n, owner in enumerate(owners):
                assert other.index.find(_lookup(n)) == {Entry(owner, owner)}
            assert other.index.lead(Kind.EMAIL, [_lookup(3).value])
            with pytest.raises(AlreadyTaken):
                other.index.reserve(_lookup(pieces), Entry(new_id(), new_id()), new_id())
            minted.update(other.mint([profile(newcomer := new_id())]))
            name = readings(owners[pieces], owners[pieces], 2024)
            dead.append(minted.pop(name).id)
            assert other.destroy([dead[-1]], LATER)
            other.index.reserve(_lookup(100 + pieces), Entry(newcomer, newcomer), new_id())
            with pytest.raises(AlreadyTaken):
                store.index.reserve(_lookup(100 + pieces), Entry(new_id(), new_id()), new_id())
            assert other.index.remove(_lookup(19), owners[19]) == 1
            other.index.reserve(_lookup(19), Entry(owners[19], owners[19]), command := new_id())
            assert other.index.confirm(command) == 1

    with home.open(look) as ending:
        ending.end_epoch(LATER)
    assert pieces > 10
    assert len(FileKeyring(home.keyring).epochs()) == 1
    with home.open() as after:
        assert after.find(minted) == minted
        assert after.fetch(dead) == {}
        for n, owner in enumerate(owners):
            assert after.index.find(_lookup(n)) == {Entry(owner, owner)}


def test_a_store_of_before_epochs_ended_in_pieces_is_opened_and_ends_its_epoch(
    home: Home, store: KeyStore
) -> None:
    _, minted = _settled(store, 3)
    store.close()
    with home.rows() as rows:
        rows.execute("ALTER TABLE meta DROP COLUMN former")
        rows.execute("UPDATE meta SET format = 'metroledger key store v1'")
    with home.open() as again:
        assert again.find(minted) == minted
        again.end_epoch(LATER)
        assert again.find(minted) == minted
    with home.rows() as rows:
        assert rows.execute("SELECT format FROM meta").fetchone() == (database.FORMAT,)


def test_halfway_through_both_keys_are_needed_and_the_store_says_which_is_missing(
    home: Home, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "_PIECE", 4)
    _, minted = _settled(store, 10)
    former = FileKeyring(home.keyring).epochs()

    def die(step: str) -> None:
        if step == "epoch: a piece re-wrapped":
            raise InterruptedError(step)

    with home.open(die) as ending, pytest.raises(InterruptedError):
        ending.end_epoch(LATER)
    young = home.copy("young")
    FileKeyring(young.keyring).destroy(former[0].id)
    with pytest.raises(EpochKeyMissing, match=str(former[0].id)):
        young.open()
    with home.open() as again:
        assert again.opening.epoch_ended
        assert again.find(minted) == minted
