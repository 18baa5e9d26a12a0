"""How the brokers are spoken to: in clear or over TLS, and as whom.

Over TLS a broker's certificate and its name are always checked, against the authorities given
or the system's. A password is sent over TLS alone, and is read from its file when a process
begins: neither it nor a private key is ever a setting's value.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
"""How a name and a password are shown; the first two never send the password itself."""

_HANDSHAKE_S: Final = 1.0


class AccessUnusable(Refused):
    """A file that says who we are, or whom we trust, cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        """Take the file and what is wrong with it, never what it holds."""
        super().__init__(f"{path} cannot be used to reach Kafka: {why} (manual: kafka)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """In clear, unless `tls`; as nobody, unless `user` or `certificate` says as whom.

    `authorities` is a PEM file of the certificates that brokers' are checked against, the system's
    where there is none; `certificate` one with our own certificate and its private key;
    `password` the file that holds the user's. `user` needs `tls`.
    """

    tls: bool = False
    authorities: Path | None = None
    certificate: Path | None = None
    user: str | None = None
    password: Path | None = None
    mechanism: str = MECHANISMS[0]


CLEAR: Final = Access()
"""What a private network between brokers and ledger can take, and loopback."""


def client_settings(access: Access) -> dict[str, Any]:
    """Return the client's own settings, its files read now. Raises `AccessUnusable`."""
    settings: dict[str, Any] = {}
    if access.tls:
        settings = {"security_protocol": "SSL", "ssl_context": _context(access)}
    if access.user is not None and access.password is not None:
        settings |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.user,
            "sasl_plain_password": _password(access.password),
        }
    return settings


def shake_hands(settings: Mapping[str, Any], servers: Sequence[str]) -> str | None:
    """Shake hands with the first of the brokers that answers, before the client does.

    Returns why TLS fails, "" where it does not, None where nobody answers or all is in clear. The
    client cannot tell these apart: it asks again until its time is up.
    """
    context = settings.get("ssl_context")
    if context is None:
        return None
    for server in servers:
        host, _, port = server.rpartition(":")
        said = _shake(context, host.strip("[]"), int(port))
        if said is not None:
            return said
    return None


def _shake(context: ssl.SSLContext, host: str, port: int) -> str | None:
    try:
        with (
            socket.create_connection((host, port), _HANDSHAKE_S) as made,
            context.wrap_socket(made, server_hostname=host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted ({error.verify_message})"
    except ssl.SSLError:
        return "it does not speak TLS with us"
    except OSError:
        return None


def _context(access: Access) -> ssl.SSLContext:
    path = access.authorities
    try:
        context = ssl.create_default_context(cafile=path)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        path = access.certificate
        if path is not None:
            context.load_cert_chain(path)
    except (OSError, ssl.SSLError) as error:
        why = (
            "it is no PEM file of certificates" if isinstance(error, ssl.SSLError) else _why(error)
        )
        raise AccessUnusable(path or Path("the system's certificates"), why) from error
    return context


def _password(path: Path) -> str:
    try:
        password = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise AccessUnusable(path, _why(error)) from error
    except UnicodeDecodeError:
        raise AccessUnusable(path, "it is no text") from None
    if not password:
        raise AccessUnusable(path, "it is empty")
    return password


def _why(error: OSError) -> str:
    return (error.strerror or "it cannot be read").lower()
