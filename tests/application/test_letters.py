"""Letters about an erasure request: one for each thing that happened, whoever died meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.mail.outbox import Outbox
from application import answering, erasure, inbox, past
from application import letters as writing
from application.access.tickets import TicketWorthless
from application.inbox import TakenDown, drain
from application.mail import Letter
from application.reactions import write_letters
from application.residents import resident
from application.services import new_id
from application.upkeep import look_after
from domain.aggregates import letters as stream
from domain.values import month_after
from metroledger.bootstrap import administrator
from metroledger.portal import site_of
from projections.requests import Outcome
from tests.application.test_door import in_database, letters
from tests.application.test_erasing import Crash
from tests.application.test_inbox import request_of, silent
from tests.application.test_past import two_meters
from tests.application.world import settle

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NUMBER, OTHER = "09111642617347", "09111642617348"
REASON = "a court has asked for the readings"


def written(ledger: Installation) -> list[str]:
    """The letters there are when upkeep has written those that are owed, the latest last."""
    write_letters(ledger.services, ledger.cursors)
    return letters(ledger)


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER)


def ask(ledger: Installation, home: Household) -> None:
    erasure.request(ledger.services, home.account, resident(home.account))


def validate(ledger: Installation, home: Household) -> None:
    services, actor = ledger.services, administrator(ledger)
    erasure.check_identity(services, home.account, actor, means="in person")
    erasure.validate(services, home.account, actor)


def ticket_in(letter: str) -> str:
    return letter.split("/effacement/suivi/")[1].split(maxsplit=1)[0]


def test_a_request_that_waited_for_the_log_is_confirmed_when_it_gets_there(
    ledger: Installation, home: Household
) -> None:
    asked_at = ledger.clock()
    with pytest.raises(TakenDown):
        inbox.insist(ledger.services, request_of(ledger.services, home, new_id()), silent)
    assert written(ledger) == []
    later = replace(ledger.services, clock=lambda: asked_at + timedelta(days=5))
    assert drain(later) == 1
    write_letters(later, ledger.cursors)
    (confirmation,) = letters(ledger)
    assert f"{month_after(asked_at):%d/%m/%Y}" in confirmation


def test_whoever_died_after_the_commit_the_letter_is_written_once(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)  # and killed: nothing else was done
    assert len(written(ledger)) == 1
    assert len(written(ledger)) == 1
    answering.hold(ledger.services, home.account, administrator(ledger), reason=REASON)
    answering.lift(ledger.services, home.account, administrator(ledger))
    answering.refuse(ledger.services, home.account, administrator(ledger), reason=REASON)
    told = written(ledger)
    assert [REASON in one for one in told] == [False, True, False, True]
    assert look_after(ledger.services, ledger.cursors).idle


def test_killed_between_a_letter_and_its_note_it_is_written_again_and_no_third_time(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Crash

    ask(ledger, home)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_note", killed)
        with pytest.raises(Crash):
            write_letters(ledger.services, ledger.cursors)
    assert len(letters(ledger)) == 1
    assert len(written(ledger)) == 2
    assert len(written(ledger)) == 2


class Anew:
    """The cursors of a database that was folded anew."""

    def position(self, _name: str) -> int:
        return 1

    def advance(self, _name: str, _position: int) -> None:
        pass


def test_a_database_that_was_folded_anew_writes_to_nobody_twice(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    answering.take_back(ledger.services, home.account)
    assert len(written(ledger)) == 2
    assert write_letters(ledger.services, Anew()) == 0


def test_what_happened_long_ago_is_written_about_no_more(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    much_later = ledger.clock() + writing.OWED_FOR + timedelta(days=1)
    later = replace(ledger.services, clock=lambda: much_later)
    assert write_letters(later, ledger.cursors) == 0


def test_a_post_that_takes_nothing_owes_the_letter_and_holds_no_erasure_up(
    ledger: Installation, home: Household
) -> None:
    other, outbox = settle(ledger, OTHER), ledger.settings.outbox
    outbox.write_bytes(b"no directory: nothing can be put here")
    ask(ledger, home)
    ask(ledger, other)
    validate(ledger, other)
    assert look_after(ledger.services, ledger.cursors).erased == 1
    outbox.unlink()
    (confirmation,) = written(ledger)
    assert "Vous avez demandé" in confirmation


def test_the_last_letter_is_written_before_the_address_is_erased_and_alone_stays(
    ledger: Installation, home: Household
) -> None:
    other, desk = settle(ledger, OTHER), site_of(ledger).desk
    for one in (home, other):
        desk.request(one.account)
    assert len(written(ledger)) == 2
    address = f"{NUMBER}@example.org"
    link = Letter(to=address.upper(), subject="Nouveau mot de passe", text="a link")
    Outbox(ledger.settings.outbox, "portal@example.org").send(link)
    validate(ledger, home)
    assert look_after(ledger.services, ledger.cursors).erased == 1
    paths = sorted(ledger.settings.outbox.glob("*.eml"))
    kept = {Outbox.read(path)["To"]: Outbox.read(path).get_content() for path in paths}
    assert set(kept) == {address, f"{OTHER}@example.org"}
    assert "dernière lettre" in kept[address]
    assert len(paths) == 2


def test_whoever_is_erased_at_the_counter_has_the_last_letter_too(
    place: Place,
) -> None:
    with place.open() as ledger:
        home, other = settle(ledger, NUMBER), settle(ledger, OTHER)
        ask(ledger, home)
        validate(ledger, home)  # in the portal, and upkeep did not run since
    for one in (home, other):
        assert place.run("erase", one.account).code == 0
    with place.open() as ledger:
        written_to = letters(ledger)
    assert ["dernière lettre" in last for last in written_to] == [True, True]


def test_a_link_follows_its_request_whatever_is_asked_for_afterwards(
    ledger: Installation, home: Household
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    ask(ledger, home)
    first = ticket_in(written(ledger)[-1])
    answering.refuse(services, home.account, administrator(ledger), reason=REASON)
    assert desk.followed(ticket_in(written(ledger)[-1])) == desk.followed(first)
    ask(ledger, home)
    second = ticket_in(written(ledger)[-1])
    assert desk.followed(first).outcome is Outcome.REFUSED
    assert desk.followed(second) == answering.request_of(services, home.account)
    assert desk.followed(second).outcome is None
    validate(ledger, home)
    look_after(services, ledger.cursors)
    assert desk.followed(first).outcome is Outcome.REFUSED
    assert desk.followed(second) == answering.request_of(services, home.account)
    assert desk.followed(second).outcome is Outcome.ERASED


def test_a_link_of_an_account_without_a_request_follows_nothing(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    ticket = writing._link(ledger.services, home.account, new_id())
    with pytest.raises(TicketWorthless):
        writing.followed(ledger.services, ticket.rsplit("/", 1)[-1])


def test_a_past_that_was_asked_for_is_written_about_once_whoever_died_meanwhile(
    ledger: Installation, tmp_path: Path
) -> None:
    services = ledger.services
    home, *_ = two_meters(ledger, tmp_path)
    request = past.request(services, home.account, home.meter)  # and killed: nothing else was done
    (letter,) = written(ledger)
    assert "mesuré à un de vos compteurs" in letter
    assert "changez votre mot de passe" in letter
    ticket = letter.split("/effacement/passe/suivi/")[1].split(maxsplit=1)[0]
    assert site_of(ledger).desk.followed_past(ticket).ordered_at is None
    look_after(services, ledger.cursors)
    assert write_letters(services, Anew()) == 0
    assert past.stage_of(services, home.account, request).done_at is not None
    ask(ledger, home)
    confirmation = written(ledger)[-1]
    assert len(letters(ledger)) == 2
    asked = answering.request_of(services, home.account)
    assert site_of(ledger).desk.followed(ticket_in(confirmation)) == asked


def test_that_a_letter_was_sent_is_kept_under_the_persons_key_and_goes_with_it(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    assert len(written(ledger)) == 1
    sent = ledger.ledger.load(stream, writing.letters_id(home.account)).state.about
    assert len(sent) == 1
    assert in_database(ledger, [b"Vous avez demand", f"{NUMBER}@example.org".encode()]) == []
    validate(ledger, home)
    look_after(ledger.services, ledger.cursors)
    gone = ledger.ledger.load(stream, writing.letters_id(home.account)).state
    assert gone.about == frozenset()


def test_the_outbox_is_left_as_it_is_where_nobody_was_written_to(
    ledger: Installation, home: Household
) -> None:
    shutil.rmtree(ledger.settings.outbox, ignore_errors=True)
    writing.drop_letters(ledger.services, home.account)
    writing.drop_letters(ledger.services, new_id())
    assert not ledger.settings.outbox.exists()
