"""Residents at the portal while things break: what each asked, and what they were told of it.

Each writes one thing after another, through the API, and sends it again under the same key
until it is told how it ended. So whatever breaks, at the end every write has an answer, and
the log must hold exactly what was answered.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID, uuid4

import httpx

from adapters.dso.enedis.series import town
from adapters.http.visitors import HEADER
from application.access import sessions
from metroledger.portal import site_of
from tests.application.world import SEED, settle_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metroledger.bootstrap import Installation

ENDS_WITHIN_S: Final = 10.0
"""Every request must be answered within it, whatever is broken."""

FINE: Final = frozenset({200, 201, 202, 409, 503})
"""What may be answered, whatever is broken."""

PATIENCE_S: Final = 120.0
_API: Final = "/api/v1"
_AGAIN_S: Final = 0.1
_THINKING_S: Final = 0.01
_REFUSALS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Somebody who is signed in, and their meter."""

    account: UUID
    meter: UUID
    cookies: dict[str, str]
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write as its resident saw it: first sent at `begun`, its end told at `ended`.

    `about` is the consent it withdraws, `kept` says that it was kept for the log (202).
    """

    account: UUID
    key: str
    kind: str
    about: UUID | None
    begun: float
    ended: float
    status: int
    kept: bool

    @property
    def done(self) -> bool:
        """Whether it was acknowledged, by the log or for it."""
        return self.status < 400

    @property
    def in_the_log(self) -> bool:
        """Whether it was told that the log holds it."""
        return self.done and not self.kept


@dataclass(slots=True)
class Residents:
    """Several at once, from entering to leaving; `history` is what each write came to.

    `requests` counts what was answered by status, `None` where a connection broke, and
    `open` how many answers left the outcome open; `slowest_s` is the longest that one took.
    """

    url: str
    people: Sequence[Resident]
    history: list[Write] = field(default_factory=list)
    requests: Counter[int | None] = field(default_factory=Counter)
    open: int = 0
    late: int = 0
    slowest_s: float = 0.0
    over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)
    _failures: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        for person in self.people:
            self._threads.append(thread := threading.Thread(target=self._live, args=(person,)))
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        if self._failures:
            raise self._failures[0]

    def finish(self) -> None:
        """Let each write that was begun come to its end, and begin no other."""
        self.over = True
        for thread in self._threads:
            thread.join()

    def back(self, see_to: Callable[[], None] = lambda: None) -> None:
        """Wait until something that was asked from now on is in the log, seeing to things."""
        since = time.monotonic()
        while not any(one.begun > since and one.in_the_log for one in self._latest()):
            assert time.monotonic() - since < PATIENCE_S, "writes did not come back"
            assert not self._failures, self._failures
            see_to()
            time.sleep(0.01)

    def longest_silence(self, since: float) -> float:
        """Return how long at most nothing was acknowledged by the log, in seconds, since then."""
        ends = sorted(one.ended for one in list(self.history) if one.in_the_log)
        return max(after - max(before, since) for before, after in pairwise(ends) if after > since)

    def _latest(self) -> list[Write]:
        return self.history[-4 * len(self.people) :]

    def _live(self, person: Resident) -> None:
        try:
            with httpx.Client(
                base_url=self.url,
                cookies=person.cookies,
                headers={HEADER: person.form},
                timeout=3 * ENDS_WITHIN_S,
            ) as client:
                for kind in self._acts():
                    self._act(client, person, kind)
                    time.sleep(_THINKING_S)
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            self._failures.append(error)

    def _acts(self) -> Iterator[str]:
        """Yield what somebody does next: mostly refusals, which lengthen no stream."""
        for act in cycle([*["refusal"] * _REFUSALS, "grant and withdrawal"]):
            if self.over:
                return
            yield act

    def _act(self, client: httpx.Client, person: Resident, kind: str) -> None:
        """Do something; what is granted is withdrawn, so that nothing speaks against the next."""
        asked = {
            "meter": str(person.meter),
            "category": "maximum_power",
            "wording_version": "1",
        }
        if kind == "refusal":
            self._insist(client, person, kind, f"{_API}/refusals", asked)
            return
        wish = asked | {"holder": "BOUVIER", "years": 1}
        given = self._insist(client, person, "grant", f"{_API}/consents", wish)
        assert given.status_code == 201, "a grant was refused that nothing spoke against"
        self._insist(client, person, "grant again", f"{_API}/consents", wish)
        consent = UUID(given.json()["id"])
        path = f"{_API}/consents/{consent}/withdrawal"
        self._insist(client, person, "withdrawal", path, None, consent)

    def _insist(  # noqa: PLR0917 - one request's parts
        self,
        client: httpx.Client,
        person: Resident,
        kind: str,
        path: str,
        asked: object,
        about: UUID | None = None,
    ) -> httpx.Response:
        """Send one write until its end is told."""
        key, begun = uuid4().hex, time.monotonic()
        while True:
            assert time.monotonic() - begun < PATIENCE_S, f"a {kind} was never told its end"
            answer = self._send(client, path, key, asked)
            if answer is not None and answer.status_code not in {202, 503}:
                break
            if answer is not None and answer.status_code == 202:
                if answer.json()["state"] == "kept":
                    break
                self.open += 1
            time.sleep(_AGAIN_S)
        assert answer.status_code in FINE, f"a {kind} was answered {answer.status_code}"
        write = Write(
            account=person.account,
            key=key,
            kind=kind,
            about=about,
            begun=begun,
            ended=time.monotonic(),
            status=answer.status_code,
            kept=answer.status_code == 202,
        )
        self.history.append(write)
        return answer

    def _send(
        self, client: httpx.Client, path: str, key: str, asked: object
    ) -> httpx.Response | None:
        began = time.monotonic()
        try:
            answer = client.post(path, headers={"Idempotency-Key": key}, json=asked)
        except httpx.HTTPError:
            answer = None
        took = time.monotonic() - began
        with self._lock:
            self.requests[answer.status_code if answer is not None else None] += 1
            self.slowest_s = max(self.slowest_s, took)
            self.late += took > ENDS_WITHIN_S
        return answer


def settle_residents(ledger: Installation, count: int) -> list[Resident]:
    """Let so many move in and sign in."""
    cookie = site_of(ledger).session_cookie
    people = []
    for home in settle_all(ledger, town(SEED + 1, count)):
        token = sessions.begin(ledger.services, ledger.access, account=home.account)
        people.append(
            Resident(
                account=home.account,
                meter=home.meter,
                cookies={cookie: token},
                form=sessions.form_token(token),
            )
        )
    return people
