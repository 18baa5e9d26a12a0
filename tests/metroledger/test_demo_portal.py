"""The portal's demo: one command, and a metropolis is in the browser."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.metroledger.playing import (
    COMMAND,
    INTERRUPTED,
    ROOT,
    environment,
    open_directory,
    processes_in,
    run,
)
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "une phrase de passe"


class Demo:
    """A demo at work in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [*COMMAND, "demo-portal", "--seconds", "90"],
            cwd=directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.told = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told += line
            if "/agents/inscription/" in line:
                break

    @property
    def browser(self) -> httpx.Client:
        (url,) = re.findall(r"Open (http://\S+) in a browser", self.told)
        return httpx.Client(base_url=url, timeout=30)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=60)
        self.told += out


def sign_in(client: httpx.Client, email: str) -> int:
    page = client.get("/connexion").text
    (token,) = set(re.findall(r'name="form_token" value="(\w+)"', page))
    form = {"form_token": token, "email": email, "mot_de_passe": PASSWORD}
    return client.post("/connexion", data=form).status_code


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with open_directory() as directory:
        demo = Demo(directory)
        yield demo
        if demo.process.poll() is None:
            demo.end()


def test_it_says_what_the_readme_says_it_does(demo: Demo) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    excerpt = re.search(r"^```text\n(Ready after.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert excerpt is not None
    told = re.sub(r"\d+", "N", demo.told)
    for line in excerpt[1].splitlines():
        assert line == "[…]" or re.sub(r"\d+", "N", line) in told


def test_the_demos_operator_pushes_and_residents_see_their_days(demo: Demo) -> None:
    assert "Enedis pushes ERDF_R151_" in demo.told
    assert "every file is decrypted" in demo.told
    with demo.browser as client:
        assert sign_in(client, "nadia@example.org") == 303
        page = client.get("/consommation", follow_redirects=True).text
    assert "kWh" in page
    assert "<svg" in page
    assert "<table" in page


def test_whose_account_was_erased_cannot_sign_in_any_more(demo: Demo) -> None:
    with demo.browser as client:
        assert sign_in(client, "paul@example.org") == 401


def test_whoever_plays_the_administrator_has_a_link_to_this_portal(demo: Demo) -> None:
    (link,) = re.findall(r"http://\S+/agents/inscription/\S+", demo.told)
    with demo.browser as client:
        assert "Dominique Exemple" in client.get(link).text


def test_at_the_end_nothing_of_it_runs(demo: Demo) -> None:
    demo.end()
    assert "everything is stopped" in demo.told
    assert demo.process.returncode == 0
    assert_empty(demo.directory)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_when_it_is_interrupted_while_its_parts_start(sent: signal.Signals) -> None:
    with open_directory() as directory:
        process = subprocess.Popen(
            [*COMMAND, "demo-portal", "--port", str(free_ports())],
            cwd=directory,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        await_file(directory / "var" / "demo" / "logs" / "collect.log")
        os.killpg(process.pid, sent)  # a terminal's Ctrl-C goes to its parts too
        _, errors = process.communicate(timeout=30)
        assert process.returncode == INTERRUPTED
        assert errors.strip().endswith("the demo was interrupted; nothing of it runs")
        assert_empty(directory)


def test_a_port_that_somebody_listens_on_is_refused_before_anything_starts() -> None:
    with open_directory() as directory, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        played = run(directory, "demo-portal", "--port", port)
        assert played.returncode == 1
        assert f"port {port} cannot be listened on" in played.stderr
        assert list(directory.iterdir()) == []


def await_file(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def assert_empty(directory: Path) -> None:
    deadline = time.monotonic() + 10
    while processes_in(directory) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_in(directory) == []
