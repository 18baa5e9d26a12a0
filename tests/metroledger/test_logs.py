"""Logs: what is allowed in a line, and a search of every line for every personal value."""

from __future__ import annotations

import ast
import contextlib
import email
import email.policy
import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.series import town
from adapters.http.app import create_app, guarded
from adapters.http.metering import Metered
from adapters.http.serving import served
from application.access.door import NotSignedIn
from application.telling import FIELDS, Fixed, tell
from domain.errors import Refused
from metroledger import logs
from metroledger.cli.files import ingest_file
from metroledger.operations import Watched, operations_of
from metroledger.portal import site_of
from tests.application.conftest import founded, ledger, place, site
from tests.application.world import ROOT, series_of, settle, take, write_nights
from tests.architecture.sources import modules

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

__all__ = ["founded", "ledger", "place", "site"]

NAME, EMAIL, NUMBER = "Hildegarde ZWEIBRÜCKEN", "hildegarde@example.org", "30001112223334"
TOKEN, PASSWORD = "tok-Zu8Ieb5ahs9oth", "correct horse battery staple"
HOST = "192.0.2.77"
ID = UUID(int=7)


class Colour(StrEnum):
    RED = EMAIL


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Every log of this process, in a buffer; afterwards logging is as it was."""
    root, ours = logging.getLogger(), logging.getLogger("metroledger")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    raising, showing = logging.raiseExceptions, warnings.showwarning
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    logs.set_up(stream := io.StringIO())
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.raiseExceptions, warnings.showwarning = raising, showing
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def test_a_line_has_its_time_its_level_its_event_and_its_fields(lines: io.StringIO) -> None:
    tell("file-taken", readings=3, id=ID, took=timedelta(seconds=0.25), part=Fixed("web"), ok=True)
    line = last(lines)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "file-taken",
        "readings": 3,
        "id": ID.hex,
        "took": 0.25,
        "part": "web",
        "ok": True,
    }


@pytest.mark.parametrize(
    "value", [NAME, EMAIL, b"name", int(NUMBER), [NAME], {"a": NAME}, date(1950, 1, 2)]
)
def test_a_field_of_another_type_is_withheld_and_said_to_be(
    lines: io.StringIO, value: object
) -> None:
    extra = {FIELDS: {"number": value, "count": 1}}
    logging.getLogger("metroledger").info("file-taken", extra=extra)
    assert last(lines)["withheld"] == ["number"]
    assert last(lines)["count"] == 1
    assert personal_values_in(lines) == []


def test_an_enumeration_is_told_by_its_name_and_never_by_its_value(lines: io.StringIO) -> None:
    tell("file-taken", colour=Colour.RED)
    assert last(lines)["colour"] == "red"


def test_a_field_cannot_pass_for_a_part_of_the_line(lines: io.StringIO) -> None:
    tell("file-taken", time=1, says=2)
    assert last(lines)["withheld"] == ["time", "says"]


@pytest.mark.parametrize("event", [f"hello {NAME}", "%s", "", "With-Capitals"])
def test_an_event_that_is_no_fixed_name_is_not_told(lines: io.StringIO, event: str) -> None:
    logging.getLogger("metroledger").error(event, extra={FIELDS: {}})
    assert last(lines)["event"] == "library"
    assert personal_values_in(lines) == []


def test_of_a_librarys_words_only_their_place_is_kept(lines: io.StringIO) -> None:
    logging.getLogger("asyncssh").error("user %s with %s from %s", NAME, PASSWORD, EMAIL)
    line = last(lines)
    assert (line["event"], line["logger"], line["level"]) == ("library", "asyncssh", "error")
    assert line["line"].startswith("test_logs.py:")
    assert personal_values_in(lines) == []


def test_a_warning_that_quotes_a_value_is_told_without_it(lines: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"could not read {NUMBER}", stacklevel=1)
    assert last(lines)["logger"] == "py.warnings"
    assert personal_values_in(lines) == []


def test_an_exception_is_told_by_its_kind_and_place(lines: io.StringIO) -> None:
    with contextlib.suppress(ValueError):
        fail(ValueError(f"no such resident: {EMAIL}"))
    line = last(lines)
    assert (line["error"], "says" in line) == ("ValueError", False)
    assert line["where"].endswith(" fail")
    assert personal_values_in(lines) == []


def test_an_error_of_ours_is_told_with_its_words(lines: io.StringIO) -> None:
    with contextlib.suppress(Refused):
        fail(Refused("the meter is another one's; ask its holder"))
    assert last(lines)["says"] == "the meter is another one's; ask its holder"


def test_an_exception_that_nobody_caught_in_a_thread_is_told_without_its_words(
    lines: io.StringIO,
) -> None:
    def work() -> None:
        raise LookupError(EMAIL)

    (thread := threading.Thread(target=work)).start()
    thread.join()
    line = last(lines)
    assert (line["event"], line["error"]) == ("uncaught-error-in-thread", "LookupError")
    assert personal_values_in(lines) == []


def test_an_exception_that_ends_a_process_is_told_without_its_words() -> None:
    program = (
        "import sys; from metroledger import logs; logs.set_up(sys.stderr); "
        f"raise LookupError({EMAIL!r})"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert json.loads(said.stderr)["error"] == "LookupError"
    assert EMAIL not in said.stderr


def fail(error: Exception) -> None:
    try:
        raise error
    except type(error) as caught:
        tell("command-failed", logging.ERROR, error=caught)
        raise


def test_nothing_of_a_person_is_in_any_line_of_a_ledger_at_work(
    ledger: Installation, tmp_path: Path, lines: io.StringIO
) -> None:
    """Sign up, ingest what is good and what is not, ask by every value, and search all lines."""
    meters = town(7, 3)
    homes = [settle(ledger, one.number, name=NAME, email=f"{one.number}@x.fr") for one in meters]
    settle(ledger, NUMBER, name=NAME, email=EMAIL)
    for night in write_nights(tmp_path / "files", meters, [date(2026, 11, 23), date(2026, 11, 24)]):
        take(ledger, night)
    (broken := tmp_path / f"ERDF_R151_{NUMBER}.zip").write_bytes(NUMBER.encode())
    ingest_file(ledger.services, Keyring(keys=()), broken)
    with served(operations_of(ledger, Watched(), ledger=True), ("127.0.0.1", 0)) as port:
        ask_by_personal_values(f"http://127.0.0.1:{port}")
    with contextlib.suppress(ValueError):
        fail(ValueError(NAME))
    values = [str(reading) for home in homes for reading in values_of(ledger, home.consents[0])]
    assert len(values) > 3
    assert personal_values_in(lines, *values, *(one.number for one in meters)) == []
    events = [json.loads(line)["event"] for line in lines.getvalue().splitlines()]
    assert events.count("http-request") == 6
    assert {"library", "command-failed"} < set(events)  # what is no HTTP, its library tells


def test_nothing_of_a_person_is_in_any_line_of_the_portal(
    ledger: Installation, lines: io.StringIO
) -> None:
    """Sign up, sign in, fail to, ask by every value and token, and search all lines."""
    here = site_of(ledger)
    here.door.ask_to_sign_up(EMAIL, address=HOST)()
    (letter,) = ledger.settings.outbox.glob("*.eml")
    text = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default).get_content()
    (link,) = [word for word in text.split() if word.startswith("http")]
    ticket = link.rsplit("/", 1)[-1]
    signed_up = here.door.sign_up(ticket, name=NAME, password=PASSWORD, language="fr")
    signed_in = here.door.sign_in(EMAIL, PASSWORD, address=HOST)
    with pytest.raises(NotSignedIn) as refused:
        here.door.sign_in(EMAIL, "wrong", address=HOST)
    tell("request-failed", logging.ERROR, error=refused.value)
    watched = Watched()
    app = create_app(here)

    @app.get("/fails/{number}")
    def fails(number: str) -> None:
        raise ValueError(number)

    with served(Metered(guarded(here, app), watched.meters), ("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}"
        cookies = {here.session_cookie: signed_in}
        assert httpx.get(f"{url}/fails/{NUMBER}", cookies=cookies).status_code == 500
        httpx.get(f"{url}/{signed_up}?ticket={ticket}", cookies=cookies)
        ask_by_personal_values(url)
    assert personal_values_in(lines, HOST, ticket, signed_up, signed_in, "wrong") == []
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {"http-request", "request-failed"} <= {line["event"] for line in told}
    assert {"/fails/{number}", "none"} == {line["route"] for line in told if "route" in line}


def test_every_event_that_is_told_has_a_fixed_name() -> None:
    told = [
        (module.name, ast.unparse(call.args[0]))
        for module in modules()
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "tell"
    ]
    assert len(told) > 5
    name = re.compile(r"'[a-z]+(-[a-z]+)*'")
    assert [one for one in told if not name.fullmatch(one[1])] == []


def ask_by_personal_values(url: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"session={TOKEN}", "Referer": EMAIL}
    for path in ("/metrics", "/readyz", f"/meters/{NUMBER}", f"/healthz?email={EMAIL}", "/%0a{}"):
        httpx.get(url + path, headers=headers)
    httpx.post(f"{url}/healthz", data={"name": NAME, "password": PASSWORD})
    httpx.request("BREW", f"{url}/{TOKEN}")


def values_of(ledger: Installation, consent: UUID) -> list[int]:
    """The values of a consent's readings that are long enough to be searched for."""
    rows = series_of(ledger, consent).rows.values()
    readings = repr([taken.reading for several in rows for taken in several])
    return [value for value in numbers_in(readings) if value > 99_999]


def numbers_in(text: str) -> list[int]:
    return [int(word) for word in "".join(c if c.isdigit() else " " for c in text).split()]


def personal_values_in(lines: io.StringIO, *more: str) -> list[str]:
    told = lines.getvalue()
    looked_for = [NAME, "ZWEIBRÜCKEN", EMAIL, "hildegarde", NUMBER, TOKEN, PASSWORD, *more]
    return [value for value in looked_for if value in told]
