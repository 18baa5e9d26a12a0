"""What a process is told from outside, read once into one frozen value.

The environment names the home directory and, where it is not embedded, the database;
what belongs to one ledger for ever (its origin, its random territory id) is in the
file that `metroledger init` wrote. Nothing else reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from typing_extensions import override

from domain.errors import Refused
from domain.policies.retention import Periods
from metroledger import keeping, kept
from metroledger.correspondents import NOTICES, read_correspondents
from metroledger.periods import RETENTION, read_periods
from metroledger.reach import read_networks, read_public_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network

HOME: Final = "METROLEDGER_HOME"
DATABASE: Final = "METROLEDGER_DATABASE_URL"
KEY_BACKUP: Final = "METROLEDGER_KEY_BACKUP"
OPERATIONS: Final = "METROLEDGER_OPERATIONS"
WEB: Final = "METROLEDGER_WEB"
WORKERS: Final = "METROLEDGER_WORKERS"
PUBLIC_URL: Final = "METROLEDGER_PUBLIC_URL"
METROPOLIS: Final = "METROLEDGER_METROPOLIS"
PRIVACY_CONTACT: Final = "METROLEDGER_PRIVACY_CONTACT"
TRUSTED_PROXIES: Final = "METROLEDGER_TRUSTED_PROXIES"
THEME: Final = "METROLEDGER_THEME"
SMTP_URL: Final = "METROLEDGER_SMTP_URL"
MAIL_FROM: Final = "METROLEDGER_MAIL_FROM"
FOUR_EYES: Final = "METROLEDGER_FOUR_EYES"
DROPBOX: Final = "METROLEDGER_DROPBOX"
SFTP: Final = "METROLEDGER_SFTP"
QUIET_SECONDS: Final = "METROLEDGER_QUIET_SECONDS"
KEPT_DAYS: Final = "METROLEDGER_KEPT_DAYS"
_DELIVERIES: Final = frozenset({DROPBOX, SFTP, QUIET_SECONDS, KEPT_DAYS})
_REACHED: Final = frozenset({WEB, WORKERS, PUBLIC_URL, TRUSTED_PROXIES})
_PORTAL: Final = _REACHED | {METROPOLIS, PRIVACY_CONTACT, THEME}
_LEDGER: Final = frozenset(
    {HOME, DATABASE, KEY_BACKUP, OPERATIONS, SMTP_URL, MAIL_FROM, FOUR_EYES, RETENTION, NOTICES},
)
_KNOWN: Final = _LEDGER | _PORTAL | _DELIVERIES | kept.KNOWN | keeping.KNOWN
PORT_MAX: Final = 65_535
_WORKERS_MAX: Final = 64
_PREFIX: Final = "METROLEDGER_"


class UnknownSetting(Refused):
    """The environment sets something this program does not know."""

    def __init__(self, names: list[str]) -> None:
        """Take the variables' names, never their values."""
        super().__init__(
            f"unknown settings: {', '.join(names)}; known are {', '.join(sorted(_KNOWN))}; "
            "correct the name or unset it"
        )


class NoAddress(Refused):
    """A setting that names an address does not."""

    def __init__(self, name: str) -> None:
        """Take the setting's name."""
        super().__init__(
            f"{name} is not an address; write HOST:PORT, for instance 127.0.0.1:9464, and keep it "
            "where only those who watch this machine can reach it"
        )


class NoNumber(Refused):
    """A setting that is a number is not, or is out of bounds."""

    def __init__(self, name: str, most: int) -> None:
        """Take the setting's name and the largest number it may be."""
        super().__init__(f"{name} is a whole number from 1 to {most}; correct it or unset it")


class NoLedger(Refused):
    """There is no ledger in the home directory."""

    def __init__(self, home: Path) -> None:
        """Take the home directory."""
        super().__init__(
            f"there is no ledger in {home}; open one with 'metroledger init --origin NAME', or "
            f"set {HOME} to where it is"
        )


class NoYesOrNo(Refused):
    """A setting that is yes or no is neither."""

    def __init__(self, name: str) -> None:
        """Take the setting's name."""
        super().__init__(f"{name} is 'yes' or 'no'; correct it or unset it")


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a ledger is for ever: written once, when it is opened.

    `origin` names the log in every checkpoint; `territory` owns the keys that belong
    to no person; `system` is the random id of the system as an actor.
    """

    origin: str
    territory: UUID
    system: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """How the portal is reached and called.

    `web` is where it listens, host and port; `public_url` where browsers find it, https unless
    that is this machine; `trusted_proxies` those whose word on a client counts; `theme` a
    CSS file of the metropolis's own; `smtp_url` takes the letters, else they are files in the
    home directory. The mail server's address may hold a password and is not printed.
    `workers` is how many processes answer at `web`, the system handing out the connections.
    """

    web: tuple[str, int] = ("127.0.0.1", 8000)
    workers: int = 2
    public_url: str = "http://127.0.0.1:8000"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    metropolis: str = "Métropole"
    privacy_contact: str = "dpo@metropole.example"
    theme: Path | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str = "ne-pas-repondre@metropole.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropBox:
    """Where operators' files arrive, and how long each thing takes.

    `place` holds `incoming/OPERATOR/`; `sftp` is where our own server listens; a file has
    arrived when it was still for `quiet_s` seconds, and is kept for `kept_days` afterwards.
    """

    place: Path
    sftp: tuple[str, int] = ("127.0.0.1", 2222)
    quiet_s: int = 30
    kept_days: int = 7

    @property
    def accounts(self) -> Path:
        """Who may deliver: `OPERATOR.pub`, the public keys of one account each."""
        return self.place / "accounts"

    @property
    def counts(self) -> Path:
        """What each operator's account brought today."""
        return self.place / "counts"

    @property
    def host_key(self) -> Path:
        """The key by which operators know our server; made once."""
        return self.place / "host_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where everything lies. The database's address is a secret and is not printed.

    `key_backup` is the file that each epoch's end copies the key store to, on another disk
    and never beside the keyring; `keeper` is the OpenBao that keeps the epoch key where no
    file does; `topic` is the log where it is Kafka's, and `described` a Kafka's that need not be
    the ledger's, to look at or to copy to; `operations` is where health and metrics are answered,
    host and port, on loopback unless told otherwise. With `four_eyes` an erasure takes two people.
    `periods` is how many civil years data is kept; `correspondents` are the addresses that notices
    of erasures go to, by the name of an operator or a recipient.
    """

    home: Path
    database_url: str | None = None
    key_backup: Path | None = None
    keeper: keeping.Keeper | None = None
    topic: kept.Topic | None = None
    described: kept.Topic | None = None
    operations: tuple[str, int] = ("127.0.0.1", 9464)
    four_eyes: bool = False
    periods: Periods = field(default_factory=Periods)
    correspondents: Mapping[str, str] = field(default_factory=dict)
    portal: Portal = field(default_factory=Portal)
    deliveries: DropBox | None = None

    @override
    def __repr__(self) -> str:
        """Show no secret."""
        database = "<secret>" if self.database_url else "embedded"
        log = kept.KAFKA if self.topic else kept.POSTGRES
        return f"Settings(home={str(self.home)!r}, database={database}, log={log})"

    @property
    def dropbox(self) -> DropBox:
        """Where operators' files arrive: in the home directory unless told otherwise."""
        return self.deliveries or DropBox(place=self.home / "dropbox")

    @property
    def outbox(self) -> Path:
        """Where letters go when no mail server takes them."""
        return self.home / "outbox"

    def operations_of_portal(self, worker: int = 1) -> tuple[str, int]:
        """Where a worker of the portal answers for itself: so many ports after `operations`."""
        host, port = self.operations
        return host, port + worker if port else 0

    @property
    def identity_file(self) -> Path:
        """What `init` writes: its presence means that a ledger is here."""
        return self.home / "ledger.json"

    @property
    def postgres(self) -> Path:
        """The embedded server's data."""
        return self.home / "postgres"

    @property
    def kafka(self) -> Path:
        """An embedded Kafka's data, where the log is one."""
        return self.home / "kafka"

    @property
    def tiles(self) -> Path:
        """The public files: any web server may serve this directory."""
        return self.home / "public"

    @property
    def checkpoints(self) -> Path:
        """The kept journal of every signed checkpoint."""
        return self.home / "checkpoints.journal"

    @property
    def keys(self) -> Path:
        """The key store; never in one backup with the keyring."""
        return self.home / "keys"

    @property
    def keyring(self) -> Path:
        """The epoch key; never in one backup with the key store."""
        return self.home / "keyring" / "epochs"

    @property
    def wrapped_epochs(self) -> Path:
        """The epoch keys as OpenBao wrapped them: needed to open, and alone of no use."""
        return self.home / "keyring" / "wrapped"

    @property
    def destroyed(self) -> Path:
        """The journal of destroyed key ids, kept apart from both."""
        return self.home / "destroyed" / "journal"

    @property
    def signing_key(self) -> Path:
        """The log's signing key: a secret."""
        return self.home / "signing" / "log.key"

    @property
    def verifying_key(self) -> Path:
        """The log's public key: to be handed to everyone."""
        return self.home / "log.vkey"

    @property
    def operator_keys(self) -> Path:
        """The operators' decryption keys, one file an operator."""
        return self.home / "operators"

    @property
    def parked(self) -> Path:
        """Files that could not be read, sealed."""
        return self.home / "parked"

    @property
    def notices(self) -> Path:
        """Notices of erasures that are not acknowledged, sealed."""
        return self.home / "notices"

    @property
    def incoming(self) -> Path:
        """Where operators' files arrive, a directory an operator."""
        return self.dropbox.place / "incoming"

    @property
    def fetched(self) -> Path:
        """What was fetched from operators that do not push, a journal an operator."""
        return self.dropbox.place / "fetched"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment states; refuse names that are not known."""
    ours = {name for name in environment if name.startswith(_PREFIX)}
    if unknown := sorted(ours - _KNOWN):
        raise UnknownSetting(unknown)
    home = Path(environment.get(HOME, "var")).absolute()
    backup = environment.get(KEY_BACKUP)
    return Settings(
        home=home,
        database_url=environment.get(DATABASE),
        key_backup=Path(backup).absolute() if backup else None,
        keeper=keeping.read_keeper(environment),
        topic=kept.read_topic(environment),
        described=kept.read_described(environment),
        operations=_address(environment.get(OPERATIONS, "127.0.0.1:9464"), OPERATIONS),
        four_eyes=_yes_or_no(environment.get(FOUR_EYES, "no"), FOUR_EYES),
        periods=read_periods(environment),
        correspondents=read_correspondents(environment),
        portal=_portal(environment),
        deliveries=_dropbox(environment, home),
    )


def _dropbox(environment: Mapping[str, str], home: Path) -> DropBox:
    return DropBox(
        place=Path(environment.get(DROPBOX, home / "dropbox")).absolute(),
        sftp=_address(environment.get(SFTP, "127.0.0.1:2222"), SFTP),
        quiet_s=_number(environment.get(QUIET_SECONDS, "30"), QUIET_SECONDS, 3600),
        kept_days=_number(environment.get(KEPT_DAYS, "7"), KEPT_DAYS, 365),
    )


def _number(text: str, name: str, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise NoNumber(name, most)
    return int(text)


def _yes_or_no(text: str, name: str) -> bool:
    if text not in {"yes", "no"}:
        raise NoYesOrNo(name)
    return text == "yes"


def _portal(environment: Mapping[str, str]) -> Portal:
    plain = Portal()
    web = _address(environment.get(WEB, "127.0.0.1:8000"), WEB)
    theme = environment.get(THEME)
    return Portal(
        web=web,
        workers=_number(environment.get(WORKERS, "2"), WORKERS, _WORKERS_MAX),
        public_url=read_public_url(environment.get(PUBLIC_URL, _url_of(web)), PUBLIC_URL),
        trusted_proxies=read_networks(environment.get(TRUSTED_PROXIES, ""), TRUSTED_PROXIES),
        metropolis=environment.get(METROPOLIS, plain.metropolis),
        privacy_contact=environment.get(PRIVACY_CONTACT, plain.privacy_contact),
        theme=Path(theme).absolute() if theme else None,
        smtp_url=environment.get(SMTP_URL),
        mail_from=environment.get(MAIL_FROM, plain.mail_from),
    )


def _url_of(web: tuple[str, int]) -> str:
    host, port = web
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _address(text: str, name: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= PORT_MAX:
        raise NoAddress(name)
    return host.strip("[]"), int(port)


def read_identity(settings: Settings) -> Identity:
    """Return what the ledger in the home directory is; raise `NoLedger` where there is none."""
    try:
        content = settings.identity_file.read_bytes()
    except FileNotFoundError:
        raise NoLedger(settings.home) from None
    return msgspec.json.decode(content, type=Identity)
