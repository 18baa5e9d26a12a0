"""What may be answered, and when: commands again, in a race, and with the log gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Never

import pytest

from application import consenting, driving, residents
from application.committer import NotPublished
from application.driving import OutcomeOpen
from application.protocol import RefusedBefore
from application.services import collection_id, new_id
from application.submissions import LedgerBusy
from application.waiting import due_within
from domain.aggregates import account, collection, consent, meter
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Refused, Unavailable
from domain.events import Change
from domain.events.account import AccountOpened
from domain.values import Channel, Fluid, Point
from keys.index import AlreadyTaken, Entry
from ledger.record import Kind, decode
from replay.refold import Refold
from tests.application.world import ENTRY, ORIGIN, Household, Place, cutting, found, grant, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from uuid import UUID

    from application.transact import Loading
    from ledger.store import Accepted
    from metroledger.bootstrap import Installation

NUMBER = "09111642617347"


def opening(stream: UUID, name: str = "Homer") -> Callable[[Loading], list[Change]]:
    """A decision to open an account; it refuses a stream where another was opened."""
    wanted = AccountOpened(name=name, email="homer@example.org", language="fr")

    def decide(load: Loading) -> list[Change]:
        events = account.open_account(load(account, stream).state, wanted)
        return [Change(stream=stream, event=event, subject=stream) for event in events]

    return decide


def carry(
    ledger: Installation, command: UUID, stream: UUID, name: str = "Homer"
) -> Accepted | None:
    context = ledger.services.context()
    return ledger.ledger.transact(command, opening(stream, name), context=context)


def test_a_command_sent_again_is_answered_again_and_happens_once(ledger: Installation) -> None:
    command, stream = new_id(), new_id()
    first = carry(ledger, command, stream)
    end = ledger.log.end()
    assert first is not None
    assert [carry(ledger, command, stream) for _ in range(3)] == [first] * 3
    assert ledger.log.end() == end, "nothing was even appended"


def test_a_refused_command_stays_refused_under_its_id_and_may_be_sent_under_another(
    ledger: Installation,
) -> None:
    command, stream = new_id(), new_id()
    carry(ledger, new_id(), stream, "Homer")
    with pytest.raises(Refused):
        carry(ledger, command, stream, "Bart")
    with pytest.raises(RefusedBefore):
        carry(ledger, command, new_id(), "Bart")
    assert carry(ledger, new_id(), new_id(), "Bart") is not None


def test_one_command_sent_by_two_processes_at_once_happens_once(place: Place) -> None:
    with place.open() as one, place.open() as other, ThreadPoolExecutor(2) as threads:
        for _ in range(20):
            command, stream = new_id(), new_id()
            answers = [threads.submit(carry, ledger, command, stream) for ledger in (one, other)]
            first, second = (answer.result() for answer in answers)
            assert first is not None
            assert first == second
            assert one.ledger.load(account, stream).version == 1


def test_of_two_racing_grants_of_one_act_one_wins_and_the_other_is_refused(place: Place) -> None:
    with place.open() as one, place.open() as other:
        for turn in range(10):
            home = settle(one, f"{turn:014}", categories=())

            def give(ledger: Installation, home: Household = home) -> UUID | Refused:
                try:
                    return grant(ledger, home.account, home.meter)
                except Refused as refused:
                    return refused

            with ThreadPoolExecutor(2) as threads:
                ends = list(threads.map(give, (one, other)))
            won = [end for end in ends if not isinstance(end, Refused)]
            assert len(won) == 1, ends
            state = one.ledger.load(meter, home.meter).state
            assert [attached.consent for attached in state.attached] == won


def test_two_processes_racing_for_one_consent_end_in_one_success(place: Place) -> None:
    with place.open() as ledger:
        home = settle(ledger, NUMBER, categories=())
    arguments = ["consent", "grant", home.account, home.meter, "--category", "daily_index"]
    arguments += ["--holder", "SIMPSON", "--act", "button", "--wording-version", "1"]
    processes = [place.start(*arguments) for _ in range(3)]
    said = [(*process.communicate(), process.returncode) for process in processes]
    assert sorted(code for *_, code in said) == [0, 1, 1], said
    assert all("metroledger: " in err for _, err, code in said if code)
    with place.open() as ledger:
        assert len(ledger.ledger.load(meter, home.meter).state.attached) == 1


def test_thirty_two_threads_share_appends_and_each_answer_is_published_already(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    log = ledger.ledger.folder.log
    append = log.append
    gathered = ledger.ledger.committer._waiting

    def counted(records: Sequence[bytes]) -> Sequence[int | None]:
        until = time.monotonic() + 10
        while not batches and len(gathered._waiting) < 16 and time.monotonic() < until:
            time.sleep(0.01)  # the first is slow
        batches.append(len(records))
        return append(records)

    monkeypatch.setattr(log, "append", counted)

    def write(_: int) -> bool:
        accepted = carry(ledger, new_id(), new_id())
        published = ledger.publisher.published()
        assert accepted is not None
        assert published is not None
        return published.checkpoint.size >= accepted.leaf + accepted.leaves

    before = ledger.store.cursor().position
    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(write, range(320)))
    assert ledger.store.cursor().position == before + 320
    assert sum(batches) == 320
    assert max(batches) >= 16, "who came while the first was appended share the next append"


def test_a_fault_in_the_log_reaches_every_writer_and_the_next_command_goes_on(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Sequence[bytes]) -> Never:
        raise RuntimeError

    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as threads:
        patch.setattr(ledger.ledger.folder.log, "append", broken)
        answers = [threads.submit(carry, ledger, new_id(), new_id()) for _ in range(4)]
        assert [type(answer.exception(20)) for answer in answers] == [RuntimeError] * 4
    assert carry(ledger, new_id(), new_id()) is not None


def test_what_no_batch_took_in_time_was_not_sent_and_its_sender_is_told_so(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one append hangs: of the command in it the outcome is open, of the next it is not."""
    log, appending, goes_on = ledger.ledger.folder.log, threading.Event(), threading.Event()
    append = log.append
    monkeypatch.setattr(driving, "PATIENCE_S", 1.0)

    def hang(records: Sequence[bytes]) -> Sequence[int | None]:
        appending.set()
        goes_on.wait(20)
        return append(records)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(log, "append", hang)
        first = threads.submit(carry, ledger, new_id(), new_id())
        assert appending.wait(20)
        end = log.end()
        second = threads.submit(carry, ledger, new_id(), new_id())
        assert type(first.exception(20)) is OutcomeOpen
        assert type(second.exception(20)) is LedgerBusy
        goes_on.set()
    assert carry(ledger, new_id(), new_id()) is not None
    assert log.end() == end + 2


def test_while_there_is_no_room_nothing_is_sent_and_its_sender_is_told_so(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Never:
        raise LedgerBusy

    monkeypatch.setattr(driving, "PATIENCE_S", 0.5)
    with monkeypatch.context() as patch:
        patch.setattr(ledger.ledger.committer, "submit", full)
        with pytest.raises(LedgerBusy, match="nothing of this was sent now"):
            carry(ledger, new_id(), new_id())
    assert carry(ledger, new_id(), new_id()) is not None


def test_what_stands_and_cannot_be_seen_published_is_open_and_not_untold(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late() -> Never:
        raise NotPublished

    command, stream = new_id(), new_id()
    with monkeypatch.context() as patch:
        patch.setattr(ledger.ledger.committer, "publish", too_late)
        for _ in range(2):
            with pytest.raises(OutcomeOpen):
                carry(ledger, command, stream)
    assert carry(ledger, command, stream) is not None
    assert ledger.ledger.load(account, stream).version == 1


def test_whoever_has_no_time_left_waits_for_nobodys_publication(ledger: Installation) -> None:
    committer = ledger.ledger.committer
    with due_within(0.2), committer._publishing, pytest.raises(NotPublished):
        committer.publish()
    committer.publish()


@pytest.mark.chaos
def test_a_command_whose_connection_is_cut_ends_in_the_true_answer(place: Place) -> None:
    """R6: whether the commit went through is never guessed; each account is opened once."""
    with place.open() as ledger, cutting(place, Random(6), cuts=40):
        streams = [new_id() for _ in range(100)]

        def insist(stream: UUID) -> Accepted | None:
            command = new_id()
            for _ in range(1_000):
                try:
                    return carry(ledger, command, stream)
                except Unavailable:
                    continue
            raise OutcomeOpen

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(insist, streams))
    with place.open() as ledger:
        assert all(answers)
        versions = {ledger.ledger.load(account, stream).version for stream in streams}
        assert versions == {1}
        commands = [a.command for a in answers if a is not None]
        kept = list(Refold(ledger.log, ORIGIN).commits())
        assert {r.commit.command for r in kept} >= set(commands)


@pytest.mark.chaos
def test_with_the_log_down_the_outcome_is_open_and_the_same_command_then_ends_in_truth(
    open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "PATIENCE_S", 2.0)
    place = Place(open_tmp_path / "home", None)
    found(place)
    command, stream, late = new_id(), new_id(), new_id()
    with place.open() as ledger:
        decide = opening(stream)

        def decide_and_stop_the_server(load: Loading) -> list[Change]:
            changes = decide(load)
            stop_server(place)
            return changes

        with pytest.raises(OutcomeOpen, match="send the same command again"):
            ledger.ledger.transact(
                command, decide_and_stop_the_server, context=ledger.services.context()
            )
        with pytest.raises(Unavailable):
            carry(ledger, late, new_id())
    with place.open() as ledger:
        accepted = carry(ledger, command, stream)
        assert accepted is not None
        assert carry(ledger, command, stream) == accepted
        assert ledger.ledger.load(account, stream).version == 1


def stop_server(place: Place) -> None:
    """Stop the embedded server at once, as a crash of it would."""
    pid_file = place.settings.postgres / "data" / "postmaster.pid"
    os.kill(int(pid_file.read_text("ascii").split(maxsplit=1)[0]), signal.SIGQUIT)
    while pid_file.exists():
        threading.Event().wait(0.01)


def test_what_a_crash_left_reserved_is_confirmed_at_the_next_start_if_it_was_accepted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as ledger:
        monkeypatch.setattr(type(ledger.keys.index), "confirm", crash)
        with pytest.raises(Crash):
            residents.open_account(ledger.services, name="Lisa", email="l@x.fr", language="fr")
        monkeypatch.undo()
        assert not ledger.keys.index.find(residents.email_lookup("l@x.fr"))
    with place.open() as ledger:
        assert not ledger.keys.index.reserved()
        (entry,) = ledger.keys.index.find(residents.email_lookup("l@x.fr"))
        assert ledger.ledger.load(account, entry.subject).version == 1


def test_what_a_crash_left_reserved_before_its_append_holds_nobody_up(place: Place) -> None:
    """The dead command is barred, so it cannot come to life once the e-mail is somebody else's."""
    lookup, stream, dead = residents.email_lookup("m@x.fr"), new_id(), new_id()
    with place.open() as ledger:
        ledger.keys.index.reserve(lookup, Entry(stream, stream), dead)
    with place.open() as ledger:
        made = residents.open_account(ledger.services, name="M", email="m@x.fr", language="fr")
        assert {entry.owner for entry in ledger.keys.index.find(lookup)} == {made}
        with pytest.raises(RefusedBefore):
            carry(ledger, dead, stream)
        with pytest.raises(AlreadyTaken):
            residents.open_account(ledger.services, name="N", email="m@x.fr", language="fr")


class Crash(BaseException):
    """Not an Exception: nothing may catch it and go on."""


def crash(*_: object) -> Never:
    raise Crash


def test_a_refused_declaration_leaves_nothing_in_the_index(ledger: Installation) -> None:
    home = settle(ledger, NUMBER, categories=())
    point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number="not a number")
    with pytest.raises(Refused):
        residents.declare_meter(ledger.services, home.account, point, entry_day=ENTRY, power_kva=9)
    lookup = residents.meter_lookup("enedis", Fluid.ELECTRICITY, "not a number")
    assert not ledger.keys.index.find(lookup)
    assert not ledger.keys.index.reserved()


def test_reactions_are_never_barred_and_happen_once(ledger: Installation) -> None:
    """Stopping a collection twice, also by two threads, writes one event and no barrier."""
    home = settle(ledger, NUMBER)
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    stopped = collection_id(home.consents[0], Channel.SGE)
    version = ledger.ledger.load(collection, stopped).version

    def react(_: int) -> None:
        consenting.after_ending(ledger.services, home.consents[0], StopReason.WITHDRAWN)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(react, range(8)))
    assert ledger.ledger.load(collection, stopped).version == version
    assert ledger.ledger.load(consent, home.consents[0]).state.status is ConsentStatus.WITHDRAWN
    kinds = {kind_at(ledger, offset) for offset in range(ledger.log.end())}
    assert Kind.BARRIER not in kinds


def kind_at(ledger: Installation, offset: int) -> Kind:
    return decode(ledger.log.read(offset, limit=1)[0].record).header.kind
