"""The keeper's API, as far as a ledger needs it: one conversation at a time, and its refusals.

A conversation begins with who we are and ends with its connection: the keeper is asked at a
start and at an epoch's end, so nothing is worth keeping open between. Nothing follows a
redirect or a proxy of the environment, for the token would go with it.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec

from adapters.openbao.login import AppRole, read_login
from domain.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT_S: Final = 5.0
"""How long the keeper may take for one answer; a transaction of the key store waits for it."""

_TOKEN: Final = "X-Vault-Token"  # noqa: S105 - the header's name
_SHORT: Final = 200

Answer = TypeVar("Answer")


class KeeperUnavailable(Unavailable):
    """The keeper does not answer, or is sealed."""

    def __init__(self, url: str, problem: str) -> None:
        """Take where it is and what is the matter."""
        super().__init__(
            f"The keeper of the epoch key at {url} {problem}. Nothing can be opened without it and "
            "nothing was changed. It is the turn of whoever runs OpenBao: start it, unseal it "
            "('bao operator unseal'); the ledger then goes on where it stopped (manual: key store)."
        )
        self.problem = problem


class KeeperRefuses(Unavailable):
    """The keeper answers, and does not let us do what we must."""

    def __init__(self, path: str, problem: str, code: int) -> None:
        """Take the path of its API, what it said, and with which status."""
        super().__init__(
            f"The keeper of the epoch key refuses {path} ({problem}). Nothing was changed. It is "
            "the turn of whoever administers OpenBao: see that the key is there, that the login is "
            "valid, and that it has the policy of 'metroledger keeper policy' (manual: key store)."
        )
        self.path = path
        self.code = code


class CertificateUnreadable(Refused):
    """The certificate by which the keeper is known cannot be read."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(
            f"{path} is no certificate (PEM) by which the keeper could be known: correct the path, "
            "or put the certificate of the authority that signed the keeper's there."
        )
        self.path = path


class _Auth(msgspec.Struct, frozen=True):
    client_token: str


class _LoggedIn(msgspec.Struct, frozen=True):
    auth: _Auth


@dataclass(frozen=True, slots=True, kw_only=True)
class Bao:
    """Where the keeper is, by whose certificate it is known, and the file that says who we are."""

    url: str
    login: Path
    ca: Path | None = None

    @contextlib.contextmanager
    def conversation(self) -> Iterator[Talk]:
        """Begin a conversation.

        Raises `KeeperUnavailable`, `KeeperRefuses`, `LoginUnreadable`, `CertificateUnreadable`.
        """
        login = read_login(self.login)
        with httpx.Client(
            base_url=f"{self.url}/v1/", verify=self._trust(), timeout=TIMEOUT_S, trust_env=False
        ) as client:
            talk = Talk(self.url, client)
            if isinstance(login, AppRole):
                known = msgspec.to_builtins(login)
                token = talk.post("auth/approle/login", _LoggedIn, **known).auth.client_token
            else:
                token = login.value
            client.headers[_TOKEN] = token
            yield talk

    def _trust(self) -> ssl.SSLContext:
        if self.ca is None:
            return ssl.create_default_context()
        try:
            return ssl.create_default_context(cafile=str(self.ca))
        except OSError:
            raise CertificateUnreadable(self.ca) from None


class Talk:
    """One conversation with the keeper."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        """Use `Bao.conversation`."""
        self._url = url
        self._client = client

    def get(self, path: str, form: type[Answer]) -> Answer:
        """Return what lies at a path."""
        return self._ask("GET", path, form, None)

    def post(self, path: str, form: type[Answer], **body: object) -> Answer:
        """Return what a path answers to a request."""
        return self._ask("POST", path, form, body)

    def order(self, path: str, **body: object) -> None:
        """Ask for something to be done, whose answer says no more than that it is."""
        self.send("POST", path, body)

    def send(self, method: str, path: str, body: dict[str, object] | None = None) -> bytes:
        """Return the bytes that a path answers to a request."""
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            said = (str(error) or type(error).__name__)[:_SHORT]
            raise KeeperUnavailable(self._url, f"does not answer ({said})") from error
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            return answer.content
        problem = _errors(answer)
        if answer.is_client_error and answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            raise KeeperRefuses(path, problem, answer.status_code)
        raise KeeperUnavailable(self._url, f"cannot answer now ({problem})")

    def _ask(
        self, method: str, path: str, form: type[Answer], body: dict[str, object] | None
    ) -> Answer:
        try:
            return msgspec.json.decode(self.send(method, path, body), type=form)
        except msgspec.DecodeError:
            raise KeeperUnavailable(self._url, f"answers {path} as no OpenBao does") from None


class _Errors(msgspec.Struct, frozen=True):
    errors: list[str]


def _errors(answer: httpx.Response) -> str:
    """Return what the keeper said was wrong, on one line; it repeats nothing of a request."""
    try:
        said = "; ".join(msgspec.json.decode(answer.content, type=_Errors).errors)
    except msgspec.DecodeError:
        said = ""
    return " ".join(said.replace("*", " ").split())[:_SHORT] or f"HTTP {answer.status_code}"
