"""At the door: strangers learn nothing, links work once, nothing of a person is in clear."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from adapters.mail.outbox import Outbox
from application import erasure
from application.access import passwords, sessions
from application.access.door import Door, EmailUnfit, NotSignedIn
from application.access.passwords import PasswordUnfit
from application.access.throttle import TooOften
from application.access.tickets import TicketWorthless
from application.residents import resident
from application.services import new_id
from keys.index import OwnerGone
from metroledger.bootstrap import administrator, open_ledger

if TYPE_CHECKING:
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Place

EMAIL = "marge.bouvier@example.org"
NAME = "Marge Bouvier-Simpson"
PASSWORD = "correct horse battery staple"
HERE = "192.0.2.7"


def door_of(installation: Installation) -> Door:
    return Door(
        services=installation.services,
        store=installation.access,
        post=Outbox(installation.settings.outbox, "portal@example.org"),
        public_url="http://127.0.0.1:8000",
    )


@pytest.fixture
def door(ledger: Installation) -> Door:
    return door_of(ledger)


def letters(installation: Installation) -> list[str]:
    """The texts of the letters sent, the latest last."""
    found = sorted(Path(installation.settings.outbox).glob("*.eml"))
    parsed = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in found]
    return [message.get_content() for message in parsed]


def ticket_in(text: str) -> str:
    (link,) = [word for word in text.split() if word.startswith("http")]
    return link.rsplit("/", 1)[-1]


def sign_up(door: Door, installation: Installation) -> tuple[str, UUID]:
    door.ask_to_sign_up(EMAIL, address=HERE)()
    ticket = ticket_in(letters(installation)[-1])
    token = door.sign_up(ticket, name=NAME, password=PASSWORD, language="fr")
    session = sessions.find(door.services, door.store, token)
    assert session is not None
    assert session.account is not None
    return token, session.account


def test_who_signs_up_by_e_mail_is_signed_in_and_can_sign_in_again(
    door: Door, ledger: Installation
) -> None:
    _, account = sign_up(door, ledger)
    again = door.sign_in(f"  {EMAIL.upper()} ", PASSWORD, address=HERE)
    session = sessions.find(door.services, door.store, again)
    assert session is not None
    assert session.account == account


def test_a_link_to_sign_up_opens_one_account(door: Door, ledger: Installation) -> None:
    door.ask_to_sign_up(EMAIL, address=HERE)()
    ticket = ticket_in(letters(ledger)[-1])
    door.sign_up(ticket, name=NAME, password=PASSWORD, language="fr")
    with pytest.raises(TicketWorthless):
        door.sign_up(ticket, name="Mallory", password=PASSWORD, language="fr")
    with pytest.raises(TicketWorthless):
        door.require_sign_up(ticket)


@pytest.mark.parametrize("length", range(1, 5))
def test_a_link_works_whatever_the_length_of_the_e_mail(
    door: Door, ledger: Installation, length: int
) -> None:
    door.ask_to_sign_up(f"{'m' * length}@example.org", address=HERE)()
    assert door.sign_up(ticket_in(letters(ledger)[-1]), name=NAME, password=PASSWORD, language="fr")


def test_before_the_link_comes_back_nothing_is_stored(door: Door, ledger: Installation) -> None:
    before = ledger.store.cursor()
    door.ask_to_sign_up(EMAIL, address=HERE)()
    assert ledger.store.cursor() == before
    assert in_database(ledger, [EMAIL.encode()]) == []


def test_wrong_e_mail_and_wrong_password_are_refused_in_the_same_words(
    door: Door, ledger: Installation
) -> None:
    sign_up(door, ledger)
    said = set()
    for who, password in ((EMAIL, "wrong" * 4), ("nobody@example.org", PASSWORD)):
        with pytest.raises(NotSignedIn) as refused:
            door.sign_in(who, password, address=HERE)
        said.add(str(refused.value))
    assert len(said) == 1


def test_asking_for_a_new_password_tells_a_stranger_nothing(
    door: Door, ledger: Installation
) -> None:
    sign_up(door, ledger)
    known, unknown = (
        door.ask_for_new_password(one, address=HERE) for one in (EMAIL, "nobody@example.org")
    )
    sent = len(letters(ledger))
    unknown()
    assert len(letters(ledger)) == sent
    known()
    assert len(letters(ledger)) == sent + 1


def test_a_link_for_a_new_password_works_once_and_ends_every_session(
    door: Door, ledger: Installation
) -> None:
    token, _ = sign_up(door, ledger)
    door.ask_for_new_password(EMAIL, address=HERE)()
    ticket = ticket_in(letters(ledger)[-1])
    door.choose_new_password(ticket, "another long password")
    assert sessions.find(door.services, door.store, token) is None
    with pytest.raises(TicketWorthless):
        door.choose_new_password(ticket, "a third long password")
    with pytest.raises(NotSignedIn):
        door.sign_in(EMAIL, PASSWORD, address=HERE)
    door.sign_in(EMAIL, "another long password", address=HERE)


def test_a_forged_or_foreign_or_old_ticket_is_worthless(place: Place) -> None:
    with place.open() as installation:
        door = door_of(installation)
        door.ask_to_sign_up(EMAIL, address=HERE)()
        ticket = ticket_in(letters(installation)[-1])
        flipped = ("B" if ticket[0] != "B" else "C") + ticket[1:]
        for forged in ("", "é", "AAAA", ticket[:-4], ticket + "AAAA", flipped, "A" * 3_000):
            with pytest.raises(TicketWorthless):
                door.sign_up(forged, name=NAME, password=PASSWORD, language="fr")
        with pytest.raises(TicketWorthless):
            door.choose_new_password(ticket, PASSWORD)
        now = installation.clock()
    old = now + timedelta(hours=3)
    with open_ledger(place.settings, clock=lambda: old) as later, pytest.raises(TicketWorthless):
        door_of(later).sign_up(ticket, name=NAME, password=PASSWORD, language="fr")


@pytest.mark.parametrize(
    "unfit",
    ["", "x", "@example.org", "a@b", "a b@example.org", "a@ex\nample.org", "a" * 300 + "@e.fr"],
)
def test_what_is_no_e_mail_is_refused_before_a_letter_is_written(
    door: Door, ledger: Installation, unfit: str
) -> None:
    with pytest.raises(EmailUnfit):
        door.ask_to_sign_up(unfit, address=HERE)
    assert letters(ledger) == []


def test_a_short_password_is_refused_and_the_link_still_works(
    door: Door, ledger: Installation
) -> None:
    door.ask_to_sign_up(EMAIL, address=HERE)()
    ticket = ticket_in(letters(ledger)[-1])
    with pytest.raises(PasswordUnfit):
        door.sign_up(ticket, name=NAME, password="short", language="fr")
    door.sign_up(ticket, name=NAME, password=PASSWORD, language="fr")


def test_guessing_is_throttled_over_processes_and_ends_by_itself(place: Place) -> None:
    with place.open() as installation:
        sign_up(door_of(installation), installation)
        start = installation.clock().replace(minute=1, second=0)

    def guess() -> None:
        with open_ledger(place.settings, clock=lambda: start) as installation:
            door_of(installation).sign_in(EMAIL, "guess" * 4, address=HERE)

    for _ in range(10):
        with pytest.raises(NotSignedIn):
            guess()
    with pytest.raises(TooOften) as refused:
        guess()
    assert 0 < refused.value.retry_after_s <= 300
    with open_ledger(place.settings, clock=lambda: start + timedelta(minutes=5)) as installation:
        door_of(installation).sign_in(EMAIL, PASSWORD, address=HERE)


def test_a_session_ends_when_idle_and_at_its_longest(place: Place) -> None:
    with place.open() as installation:
        token, _ = sign_up(door_of(installation), installation)
        now = installation.clock()

    def lives(after: timedelta) -> bool:
        with open_ledger(place.settings, clock=lambda: now + after) as later:
            return sessions.find(later.services, later.access, token) is not None

    assert lives(timedelta(minutes=29))
    assert lives(timedelta(minutes=58))
    assert not lives(timedelta(minutes=89))
    assert not lives(timedelta(minutes=59)), "ended, not only refused"


def test_nothing_of_a_person_is_in_any_byte_of_the_database(
    door: Door, ledger: Installation
) -> None:
    token, _ = sign_up(door, ledger)
    door.sign_in(EMAIL, PASSWORD, address=HERE)
    secrets = [EMAIL, NAME, PASSWORD, token, HERE, "$argon2id"]
    assert in_database(ledger, [one.encode() for one in secrets]) == []


def test_an_erasure_takes_the_password_and_the_open_sessions_with_it(
    door: Door, ledger: Installation
) -> None:
    token, account = sign_up(door, ledger)
    erasure.request(ledger.services, account, resident(account))
    erasure.check_identity(ledger.services, account, administrator(ledger), means="in person")
    erasure.validate(ledger.services, account, administrator(ledger))
    erasure.erase(ledger.services, account, administrator(ledger))
    with pytest.raises(NotSignedIn):
        door.sign_in(EMAIL, PASSWORD, address=HERE)
    assert sessions.find(door.services, door.store, token) is None


def test_a_password_chosen_while_its_owner_is_erased_is_kept_nowhere(
    door: Door, ledger: Installation
) -> None:
    """As it was found racing: the link was looked at, and then the keys were destroyed."""
    with pytest.raises(OwnerGone):
        passwords.keep(ledger.services, door.store, gone := new_id(), PASSWORD)
    assert door.store.credential(gone) is None


def test_sessions_past_their_longest_are_dropped_and_younger_ones_kept(place: Place) -> None:
    with place.open() as now:
        start = now.clock()
    with open_ledger(place.settings, clock=lambda: start - timedelta(hours=13)) as earlier:
        old = sessions.begin(earlier.services, earlier.access, member=new_id())
    with place.open() as now:
        young = sessions.begin(now.services, now.access, member=new_id())
        assert sessions.drop_over(now.services, now.access) == 1
        assert now.access.session(sessions.digest_of(old)) is None
        assert now.access.session(sessions.digest_of(young)) is not None


def in_database(installation: Installation, needles: list[bytes]) -> list[bytes]:
    """Which needles are found in any row of any table, plain or as the hex of bytes."""
    with psycopg.connect(installation.settings.database_url or "") as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        texts = []
        for (table,) in tables:
            rows = connection.execute(f"select t::text from {table} t").fetchall()  # noqa: S608 (names of our own tables)
            texts += [row.encode() for (row,) in rows]
    everything = b"\n".join(texts)
    return [n for n in needles if n in everything or n.hex().encode() in everything]
