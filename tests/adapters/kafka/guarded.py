"""A real broker that lets in whom it knows, over TLS, with certificates made for the occasion."""

from __future__ import annotations

import contextlib
import ipaddress
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

from adapters.kafka.access import Access
from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.embedded_ports import LOOPBACK, Ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER: Final = "ledger"
PASSWORD: Final = "a password of the test"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN: Final = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
)


class Authority:
    """One that signs certificates, and keeps its own in a file."""

    def __init__(self, directory: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._directory = directory
        made = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, 0))
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certificate(self, host: str) -> Path:
        """A file with a certificate for a host's address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._sign(subject, key.public_key(), named)
        file = self._directory / f"{host}-{random.randrange(10**9)}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
        return file

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@dataclass(frozen=True, slots=True)
class Guarded:
    """A broker's addresses, in clear and over TLS, and who signed its certificate."""

    clear: str
    guarded: str
    authority: Authority
    password: Path

    def access(self, mechanism: str) -> Access:
        """How the ledger's account comes in."""
        return Access(
            tls=True,
            authorities=self.authority.file,
            user=USER,
            password=self.password,
            mechanism=mechanism,
        )


@contextlib.contextmanager
def guarded_broker(directory: Path) -> Iterator[Guarded]:
    """Lend a broker with one more listener: over TLS, for the ledger's account alone."""
    ports = Ports()
    first, *_ = ports.find(3)
    authority = Authority(directory, "authority")
    clear, guarded = f"{LOOPBACK}:{first}", f"{LOOPBACK}:{first + 2}"
    settings = {
        "listeners": f"PLAINTEXT://{clear},CONTROLLER://{LOOPBACK}:{first + 1},SASL_SSL://{guarded}",
        "advertised.listeners": f"PLAINTEXT://{clear},SASL_SSL://{guarded}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.certificate(LOOPBACK)),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": _SCRAM,
        "listener.name.sasl_ssl.plain.sasl.jaas.config": _PLAIN,
    }
    password = directory / "password"
    password.write_text(PASSWORD + "\n", "utf-8")
    with (
        contextlib.closing(ports),
        EmbeddedKafka(directory / "kafka", port=first, settings=settings),
    ):
        admin = KafkaAdminClient(bootstrap_servers=clear)
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD)]
        )
        admin.close()
        yield Guarded(clear, guarded, authority, password)
