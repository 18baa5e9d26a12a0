"""Who is spoken to, and as whom: TLS and accounts, against a real broker."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.kafka.access import Access, AccessUnusable, client_settings
from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, KafkaRefusesUs, KafkaUnavailable, Place
from adapters.kafka.topic import create_topic
from tests.adapters.kafka.guarded import PASSWORD, Authority, Guarded, guarded_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def broker(kafka_place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    del kafka_place  # a skip where no broker can be started
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as made:
        yield made


def place(broker: Guarded, topic: str, access: Access) -> Place:
    return Place(servers=(broker.guarded,), topic=topic, access=access)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_ledger_writes_and_reads_over_tls_as_its_account(broker: Guarded, mechanism: str) -> None:
    where = place(broker, f"of-{mechanism}", broker.access(mechanism))
    create_topic(where, ALONE)
    records = [bytes([n]) * 300 for n in range(200)] + [b"x" * 800_000]
    with contextlib.closing(KafkaLog(where, ALONE)) as log:
        assert log.append(records) == list(range(201))
        assert [entry.record for entry in log.read(0)] == records
        assert log.end() == 201
        assert log.describe().faults == ()


def refusal(broker: Guarded, access: Access) -> str:
    log = KafkaLog(place(broker, "nobody", access), ALONE, append_s=1.0)
    with contextlib.closing(log), pytest.raises(KafkaRefusesUs) as raised:
        log.end()
    assert PASSWORD not in str(raised.value)
    return str(raised.value)


def test_whoever_has_another_password_is_not_let_in(broker: Guarded, tmp_path: Path) -> None:
    (wrong := tmp_path / "wrong").write_text("another", "utf-8")
    for mechanism in ("SCRAM-SHA-512", "PLAIN"):
        told = refusal(broker, replace(broker.access(mechanism), password=wrong))
        assert "an account that it does not know" in told


def test_a_broker_whose_certificate_a_stranger_signed_is_not_spoken_to(
    broker: Guarded, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    access = replace(broker.access("PLAIN"), authorities=stranger.file)
    assert "its certificate is not trusted" in refusal(broker, access)
    log = KafkaLog(place(broker, "nobody", access), ALONE, append_s=1.0)
    with contextlib.closing(log):
        assert log.append([b"never sent"]) == [None]


def test_a_broker_that_has_another_hosts_certificate_is_not_spoken_to(broker: Guarded) -> None:
    where = replace(
        place(broker, "nobody", broker.access("PLAIN")),
        servers=(broker.guarded.replace("127.0.0.1", "localhost"),),
    )
    with (
        contextlib.closing(KafkaLog(where, ALONE)) as log,
        pytest.raises(KafkaRefusesUs, match=r"not trusted .*localhost"),
    ):
        log.end()


def test_a_broker_in_clear_is_not_spoken_to_where_tls_is_asked_for(broker: Guarded) -> None:
    where = replace(place(broker, "nobody", broker.access("PLAIN")), servers=(broker.clear,))
    with (
        contextlib.closing(KafkaLog(where, ALONE)) as log,
        pytest.raises(KafkaRefusesUs, match="does not speak TLS"),
    ):
        log.end()


def test_in_clear_nothing_is_answered_where_tls_is_spoken(broker: Guarded) -> None:
    log = KafkaLog(place(broker, "nobody", Access()), ALONE)
    with contextlib.closing(log), pytest.raises(KafkaUnavailable):
        log.end()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "no such file"), (b"", "is empty"), (b"\xff", "is no text")]
)
def test_a_password_that_cannot_be_read_is_told_before_anything_is_sent(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AccessUnusable, match=why):
        client_settings(Access(tls=True, user="ledger", password=file))


def test_certificates_that_are_none_are_told(tmp_path: Path) -> None:
    (file := tmp_path / "ca.pem").write_text("no certificate", "ascii")
    with pytest.raises(AccessUnusable, match="no PEM file"):
        client_settings(Access(tls=True, authorities=file))
    with pytest.raises(AccessUnusable, match="no PEM file"):
        client_settings(Access(tls=True, certificate=file))
    with pytest.raises(AccessUnusable, match="no such file"):
        client_settings(Access(tls=True, authorities=tmp_path / "none"))
