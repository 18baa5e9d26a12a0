"""At the door over HTTP: strangers learn nothing, and guessing is counted by all processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

import pytest

from application.access.throttle import MAIL_FROM, SIGN_IN_OF_EMAIL
from metroledger.portal import site_of
from tests.adapters.http.entering import EMAIL, PASSWORD, Entrance, entrance
from tests.application.conftest import founded, ledger, place, site
from tests.application.test_door import sign_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from application.mail import Letter
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

__all__ = ["founded", "ledger", "place", "site"]  # fixtures, taken from where they are made
NOBODY: Final = "nobody.at.all@example.org"
WRONG: Final = "not the password at all"
UNBOUND: Final = "http://127.0.0.1:0"
LOOPBACK: Final = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def door(ledger: Installation) -> Iterator[Entrance]:
    with entrance(ledger) as found:
        yield found


def said(answer: httpx.Response, email: str) -> tuple[int, str]:
    """Return a status and a page without what differs for anybody: the form's token, the e-mail."""
    page = re.sub(r'value="[0-9a-f]{32}"', "", answer.text)
    return answer.status_code, page.replace(email, "")


@pytest.mark.parametrize("path", ["/connexion", "/inscription", "/mot-de-passe-oublie"])
def test_a_page_answers_the_same_whether_an_e_mail_has_an_account_or_not(
    door: Entrance, path: str
) -> None:
    told = set()
    for email in (EMAIL, NOBODY):
        with door.browser() as browser:
            answer = browser.send(path, email=email, mot_de_passe=WRONG)
            told.add(said(answer, email))
            assert WRONG not in answer.text
    assert len(told) == 1
    assert {status for status, _ in told} <= {200, 401}


def test_a_wrong_password_takes_as_long_for_nobody_as_for_somebody(door: Entrance) -> None:
    took: dict[str, list[float]] = {EMAIL: [], NOBODY: []}
    with door.browser() as browser:
        for _ in range(8):
            for email, times in took.items():
                page = browser.get("/connexion")
                begun = time.perf_counter()
                answer = browser.press(page, "/connexion", email=email, mot_de_passe=WRONG)
                times.append(time.perf_counter() - begun)
                assert answer.status_code == 401
    known, unknown = min(took[EMAIL]), min(took[NOBODY])
    assert 0.5 < known / unknown < 2


class Held:
    """A post office that takes its time."""

    def __init__(self) -> None:
        self.go_on, self.sent = threading.Event(), threading.Event()

    def send(self, letter: Letter) -> None:
        """Take a letter when told to."""
        assert letter.to == EMAIL
        self.go_on.wait(20)
        self.sent.set()


@pytest.mark.parametrize("path", ["/inscription", "/mot-de-passe-oublie"])
def test_the_answer_does_not_wait_for_the_letter(ledger: Installation, path: str) -> None:
    held = Held()
    slow = replace(site_of(ledger).door, post=held)
    with entrance(ledger, door=slow) as door, door.browser() as browser:
        answer = browser.send(path, email=EMAIL)
        assert (answer.status_code, held.sent.is_set()) == (200, False)
        held.go_on.set()
        assert held.sent.wait(20)


def ask_for_letters(door: Entrance, forwarded: list[str]) -> list[int]:
    """Ask for a letter to somebody else each time; what is answered."""
    with door.browser() as browser:
        return [
            browser.send(
                "/mot-de-passe-oublie", {"X-Forwarded-For": hop}, email=f"x{number}@example.org"
            ).status_code
            for number, hop in enumerate(forwarded)
        ]


def addresses(count: int) -> list[str]:
    return [f"198.51.100.{number}" for number in range(1, count + 1)]


def test_a_stranger_is_counted_by_their_own_address_whatever_they_say_it_is(
    door: Entrance,
) -> None:
    in_one_window(MAIL_FROM.seconds)
    told = ask_for_letters(door, addresses(MAIL_FROM.most + 2))
    assert told == [200] * MAIL_FROM.most + [429] * 2


def test_behind_a_trusted_proxy_each_client_is_counted_for_itself(ledger: Installation) -> None:
    in_one_window(MAIL_FROM.seconds)
    with entrance(ledger, trusted_proxies=LOOPBACK) as door:
        many = addresses(MAIL_FROM.most + 2)
        assert set(ask_for_letters(door, many)) == {200}
        one = [f"{hearsay}, 192.0.2.1" for hearsay in many]
        assert ask_for_letters(door, one) == [200] * MAIL_FROM.most + [429] * 2


def test_guesses_at_two_processes_at_once_are_counted_together(place: Place) -> None:
    with place.open() as ledger:
        _, account = sign_up(site_of(ledger).door, ledger)
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(place)) for _ in range(2)]
        doors = [Entrance(ledger, url, UNBOUND, "session", account) for url in urls]

        def guess(number: int) -> httpx.Response:
            with doors[number % 2].browser() as browser:
                return browser.sign_in(WRONG)

        in_one_window(SIGN_IN_OF_EMAIL.seconds)
        with ThreadPoolExecutor(4) as threads:
            told = list(threads.map(guess, range(2 * SIGN_IN_OF_EMAIL.most)))
        statuses = [answer.status_code for answer in told]
        assert sorted(statuses) == [401] * SIGN_IN_OF_EMAIL.most + [429] * SIGN_IN_OF_EMAIL.most
        waits = [int(one.headers["retry-after"]) for one in told if one.status_code == 429]
        assert all(0 < wait <= SIGN_IN_OF_EMAIL.seconds for wait in waits)
        with doors[0].browser() as browser:
            assert browser.sign_in(PASSWORD).status_code == 429, (
                "the right one tells nothing either"
            )


def in_one_window(seconds: int, needed: int = 20) -> None:
    """Wait for the next window of a limit where this one is nearly over."""
    left = seconds - time.time() % seconds
    if left < needed:
        time.sleep(left + 0.1)


@contextmanager
def serving(place: Place) -> Iterator[str]:
    """Serve a ledger's portal in a process of its own; its address."""
    ports = {"METROLEDGER_OPERATIONS": "127.0.0.1:0", "METROLEDGER_PUBLIC_URL": UNBOUND}
    with subprocess.Popen(
        [sys.executable, "-m", "metroledger", "serve"],
        env=place.environment | ports | {"METROLEDGER_WEB": "127.0.0.1:0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        yield f"http://127.0.0.1:{json.loads(process.stderr.readline())['port']}"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
