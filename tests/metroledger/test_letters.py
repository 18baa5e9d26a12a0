"""Upkeep sends the letters that a mail server did not take when it was asked first."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from adapters.mail.outbox import Outbox
from tests.adapters.mail.test_mail import LETTER, SENDER, lying_in, mail_server, text_of
from tests.application.conftest import founded, place, site

if TYPE_CHECKING:
    from tests.application.world import Place

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made


def test_a_round_of_upkeep_hands_over_what_lies_in_the_outbox(place: Place) -> None:
    Outbox(place.settings.outbox, SENDER).send(LETTER)
    with mail_server() as (post, taken):
        done = subprocess.run(
            [sys.executable, "-m", "metroledger", "upkeep", "--once"],
            env=place.environment | {"METROLEDGER_SMTP_URL": f"smtp://127.0.0.1:{post.port}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert [text_of(one) for one in taken] == [(LETTER.to, LETTER.subject, LETTER.text)]
    assert lying_in(place.home) == []
    assert "letters-sent-late" in done.stderr
    assert LETTER.to not in done.stderr
