from hashlib import blake2b, sha256

import pytest

from keys.index import AlreadyTaken, Entry, EntryBroken, Kind, Lookup, OwnerGone
from keys.key import new_id
from keys.names import KeyName, Purpose
from keys.store import KeyStore
from tests.keys.home import NOW, Home

EMAIL = Lookup(Kind.EMAIL, "anna@example.org")
METER = Lookup(Kind.METER, "ENEDIS E 12345678901234")


def _entry() -> Entry:
    return Entry(new_id(), new_id())


def _confirmed(store: KeyStore, lookup: Lookup, entry: Entry) -> Entry:
    command = new_id()
    store.index.reserve(lookup, entry, command)
    assert store.index.confirm(command) == 1
    return entry


def test_only_what_is_confirmed_is_found(store: KeyStore) -> None:
    entry, command = _entry(), new_id()
    store.index.reserve(METER, entry, command)
    assert store.index.find(METER) == frozenset()
    assert store.index.reserved() == {command}
    assert store.index.confirm(command) == 1
    assert store.index.confirm(command) == 0
    assert store.index.find(METER) == {entry}
    assert store.index.reserved() == frozenset()


def test_what_is_freed_was_never_there_and_what_is_confirmed_cannot_be_freed(
    store: KeyStore,
) -> None:
    entry, command = _entry(), new_id()
    store.index.reserve(METER, entry, command)
    assert store.index.free(command) == 1
    assert store.index.confirm(command) == 0
    assert store.index.find(METER) == frozenset()
    store.index.reserve(METER, entry, command)
    store.index.confirm(command)
    assert store.index.free(command) == 0
    assert store.index.find(METER) == {entry}


def test_reserving_again_does_nothing(home: Home, store: KeyStore) -> None:
    entry, command = _entry(), new_id()
    store.index.reserve(METER, entry, command)
    store.index.reserve(METER, entry, command)
    store.index.confirm(command)
    store.index.reserve(METER, entry, new_id())
    with home.rows() as rows:
        assert rows.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_one_meter_leads_to_joint_holders_and_the_next_occupant(store: KeyStore) -> None:
    entries = {_confirmed(store, METER, _entry()) for _ in range(3)}
    assert store.index.find(METER) == entries
    gone = entries.pop()
    assert store.index.remove(METER, gone.owner) == 1
    assert store.index.find(METER) == entries


def test_an_email_is_one_accounts_from_its_reservation_on(store: KeyStore) -> None:
    owner, command = new_id(), new_id()
    store.index.reserve(EMAIL, Entry(owner, owner), command)
    with pytest.raises(AlreadyTaken) as raised:
        store.index.reserve(EMAIL, _entry(), new_id())
    assert EMAIL.value not in str(raised.value) + repr(raised.value) + repr(EMAIL)
    store.index.free(command)
    assert store.index.find(EMAIL) == frozenset()
    other = _confirmed(store, EMAIL, _entry())
    assert store.index.find(EMAIL) == {other}


def test_kinds_do_not_meet(store: KeyStore) -> None:
    _confirmed(store, METER, _entry())
    assert store.index.find(Lookup(Kind.EMAIL, METER.value)) == frozenset()


def test_many_values_are_found_in_one_call(store: KeyStore) -> None:
    lookups = [Lookup(Kind.METER, f"ENEDIS E {n:014}") for n in range(60)]
    expected = {one: {_confirmed(store, one, _entry())} for one in lookups}
    unknown = Lookup(Kind.METER, "GRDF G GI000001")
    assert store.index.find_many([*lookups, unknown]) == expected


def test_an_owner_is_forgotten_whole(store: KeyStore) -> None:
    owner = new_id()
    _confirmed(store, EMAIL, Entry(owner, owner))
    _confirmed(store, METER, Entry(owner, new_id()))
    other = _confirmed(store, METER, _entry())
    assert store.index.forget(owner) == 2
    assert store.index.find(EMAIL) == frozenset()
    assert store.index.find(METER) == {other}


def test_destroying_an_owner_forgets_what_leads_there(store: KeyStore) -> None:
    owner = new_id()
    _confirmed(store, EMAIL, Entry(owner, owner))
    store.destroy_owner(owner, NOW)
    assert store.index.find(EMAIL) == frozenset()


def test_nothing_new_leads_to_an_owner_who_is_being_erased(store: KeyStore) -> None:
    owner = new_id()
    store.close_owner(owner)
    with pytest.raises(OwnerGone):
        store.index.reserve(EMAIL, Entry(owner, owner), new_id())


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE entries SET owner = (SELECT owner FROM old o WHERE o.number <> entries.number)",
        "UPDATE entries SET tag = (SELECT tag FROM old o WHERE o.number <> entries.number)",
        "UPDATE entries SET sealed = (SELECT sealed FROM old o WHERE o.number <> entries.number)",
        "UPDATE entries SET sealed = x''",
    ],
)
def test_a_row_that_was_moved_or_altered_opens_nothing(
    home: Home, store: KeyStore, move: str
) -> None:
    _confirmed(store, METER, _entry())
    other = Lookup(Kind.METER, "ENEDIS E 00000000000001")
    _confirmed(store, other, _entry())
    with home.rows() as rows:
        rows.execute("CREATE TEMP TABLE old AS SELECT * FROM entries")
        rows.execute(move)
    with pytest.raises(EntryBroken):
        store.index.find_many([METER, other])


def test_no_value_and_no_plain_digest_of_one_is_at_rest(home: Home, store: KeyStore) -> None:
    entry = _confirmed(store, METER, _entry())
    value = METER.value.encode()
    at_rest = home.bytes_at_rest()
    for guess in (value, value[-14:], sha256(value).digest()[:8], blake2b(value).digest()[:8]):
        assert guess not in at_rest
    assert entry.subject.bytes not in at_rest


def test_an_owners_ids_are_what_confirmed_entries_lead_to_and_what_keys_are_for(
    store: KeyStore,
) -> None:
    owner, consent = new_id(), new_id()
    meters = [Entry(owner, new_id()) for _ in range(3)]
    for number, entry in enumerate(meters):
        _confirmed(store, Lookup(Kind.METER, f"ENEDIS E 0000000000000{number}"), entry)
    _confirmed(store, EMAIL, Entry(owner, owner))
    _confirmed(store, METER, _entry())
    store.index.reserve(METER, Entry(owner, new_id()), new_id())
    names = [
        KeyName(owner=owner, purpose=Purpose.PROFILE),
        KeyName(owner=owner, purpose=Purpose.READINGS, consent=consent, year=2026),
        KeyName(owner=new_id(), purpose=Purpose.READINGS, consent=new_id(), year=2026),
    ]
    store.mint(names)
    assert store.ids_of(owner) == {owner, consent, *(entry.subject for entry in meters)}
