"""Letters leave whole: to a server over a socket, or to a file for its owner's eyes only."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import socketserver
import stat
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.mail.outbox import KEPT_S, LASTS, Outbox
from adapters.mail.relay import WAITS_S, Relay
from adapters.mail.smtp import MailUnavailable, NoMailServer, Smtp
from application.mail import Letter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LETTER = Letter(to="marge@example.org", subject="Déjà connue", text="Une clé : é à ç\n.\n..\nfin\n")
SENDER = "portail@example.org"


class Taker(socketserver.StreamRequestHandler):
    """An SMTP server for one letter: RFC 5321's least, without extensions but 8BITMIME."""

    def handle(self) -> None:
        taken: list[bytes] = self.server.taken  # type: ignore[attr-defined] # set where it is made
        refusing: bytes = self.server.refusing  # type: ignore[attr-defined] # its own field, which the stubs do not know
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-here\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT" and refusing and refusing in line:
                self.wfile.write(b"550 no <marge@example.org> here\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                taken.append(b"".join(one[one.startswith(b".") :] for one in lines))
                self.wfile.write(b"250 taken\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")


@contextlib.contextmanager
def mail_server(*, refusing: str = "") -> Iterator[tuple[Smtp, list[bytes]]]:
    taken: list[bytes] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Taker) as server:
        server.taken, server.refusing = taken, refusing.encode()  # type: ignore[attr-defined] # for `Taker`
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield Smtp.of(f"smtp://127.0.0.1:{server.server_address[1]}", SENDER), taken
        finally:
            server.shutdown()


def text_of(content: bytes) -> tuple[str, str, str]:
    message = email.message_from_bytes(content, policy=email.policy.default)
    return message["To"], message["Subject"], message.get_content().replace("\r\n", "\n")


def test_a_server_takes_the_letter_as_it_was_written() -> None:
    with mail_server() as (post, taken):
        post.send(LETTER)
    assert [text_of(one) for one in taken] == [(LETTER.to, LETTER.subject, LETTER.text)]


def test_a_server_that_refuses_is_unavailable_and_its_words_are_not_repeated() -> None:
    with mail_server(refusing="marge") as (post, taken), pytest.raises(MailUnavailable) as refused:
        post.send(LETTER)
    assert taken == []
    assert LETTER.to not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with mail_server() as (post, _):
        pass
    with pytest.raises(MailUnavailable):
        post.send(LETTER)


@pytest.mark.parametrize("url", ["http://mail.example.org", "smtp://", "mail.example.org:25"])
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(NoMailServer):
        Smtp.of(url, SENDER)


def test_the_password_of_the_server_is_not_shown() -> None:
    assert "sesame" not in repr(Smtp.of("smtps://portal:sesame@mail.example.org", SENDER))


def test_a_letter_in_the_outbox_is_its_owners_alone_and_gone_when_old(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox", SENDER)
    outbox.send(LETTER)
    (first,) = (tmp_path / "outbox").iterdir()
    assert text_of(first.read_bytes()) == (LETTER.to, LETTER.subject, LETTER.text)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert "marge" not in first.name
    past = first.stat().st_mtime - KEPT_S - 60
    os.utime(first, (past, past))
    outbox.send(LETTER)
    (second,) = (tmp_path / "outbox").iterdir()
    assert second != first


def relay_over(post: Smtp, directory: Path) -> Relay:
    return Relay(server=post, outbox=Outbox(directory / "outbox", SENDER))


def lying_in(directory: Path) -> list[Path]:
    return sorted((directory / "outbox").glob("*.eml"))


def test_a_letter_that_the_server_takes_lies_nowhere(tmp_path: Path) -> None:
    with mail_server() as (post, taken):
        relay_over(post, tmp_path).send(LETTER)
    assert [text_of(one) for one in taken] == [(LETTER.to, LETTER.subject, LETTER.text)]
    assert lying_in(tmp_path) == []


def test_a_letter_that_no_server_takes_waits_and_is_sent_whole_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (gone, _):
        pass
    relay_over(gone, tmp_path).send(LETTER)
    assert len(lying_in(tmp_path)) == 1
    assert "letter-not-taken" in caplog.text
    assert LETTER.to not in caplog.text
    assert relay_over(gone, tmp_path).send_waiting() == 0
    assert len(lying_in(tmp_path)) == 1
    with mail_server() as (post, taken):
        assert relay_over(post, tmp_path).send_waiting() == 1
        assert relay_over(post, tmp_path).send_waiting() == 0
    assert [text_of(one) for one in taken] == [(LETTER.to, LETTER.subject, LETTER.text)]
    assert lying_in(tmp_path) == []


def test_a_letter_whose_link_is_over_is_dropped_unsent(tmp_path: Path) -> None:
    Outbox(tmp_path / "outbox", SENDER).send(LETTER)
    (path,) = lying_in(tmp_path)
    past = path.stat().st_mtime - WAITS_S - 60
    os.utime(path, (past, past))
    with mail_server() as (post, taken):
        assert relay_over(post, tmp_path).send_waiting() == 0
    assert (taken, lying_in(tmp_path)) == ([], [])


def test_a_letter_that_is_worth_more_waits_longer_and_does_not_say_so_to_the_server(
    tmp_path: Path,
) -> None:
    letter = replace(LETTER, lasts=timedelta(days=1))
    Outbox(tmp_path / "outbox", SENDER).send(letter)
    (path,) = lying_in(tmp_path)
    past = path.stat().st_mtime - WAITS_S - 60
    os.utime(path, (past, past))
    with mail_server() as (post, taken):
        assert relay_over(post, tmp_path).send_waiting() == 1
    assert [text_of(one) for one in taken] == [(LETTER.to, LETTER.subject, LETTER.text)]
    assert LASTS.encode() not in taken[0]


def test_a_letter_that_is_refused_alone_stays_and_keeps_none_waiting(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox", SENDER)
    for to in ("unknown@example.org", LETTER.to):
        outbox.send(replace(LETTER, to=to))
    with mail_server(refusing="unknown@") as (post, taken):
        assert relay_over(post, tmp_path).send_waiting() == 1
    assert [text_of(one)[0] for one in taken] == [LETTER.to]
    (left,) = lying_in(tmp_path)
    assert text_of(left.read_bytes())[0] == "unknown@example.org"


@pytest.mark.parametrize("odd", ["hélène@example.org", "a:b@example.org", "a@b@example.org"])
def test_an_odd_address_that_a_stranger_typed_keeps_no_other_letter_waiting(
    tmp_path: Path, odd: str
) -> None:
    outbox = Outbox(tmp_path / "outbox", SENDER)
    for to in (odd, LETTER.to):
        outbox.send(replace(LETTER, to=to))
    with mail_server() as (post, taken):
        relay_over(post, tmp_path).send_waiting()
    assert LETTER.to in [text_of(one)[0] for one in taken]


def test_the_letters_to_an_address_are_dropped_but_a_last_one_which_is_sent_as_any(
    tmp_path: Path,
) -> None:
    outbox = Outbox(tmp_path / "outbox", SENDER)
    outbox.forget(LETTER.to)
    assert not (tmp_path / "outbox").exists()
    last = replace(LETTER, subject="La dernière", last=True)
    for one in (LETTER, replace(LETTER, to="homer@example.org"), last, LETTER):
        outbox.send(one)
    with mail_server() as (post, taken):
        relay = Relay(server=post, outbox=outbox)
        relay.forget(LETTER.to.upper())
        assert relay.send_waiting() == 2
    assert [text_of(one)[:2] for one in taken] == [
        ("homer@example.org", LETTER.subject),
        (LETTER.to, "La dernière"),
    ]
    assert not any(b"X-Last" in one for one in taken)
