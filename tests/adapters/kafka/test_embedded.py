"""The embedded brokers against real kills: each test counts what is left."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from adapters.kafka.embedded import EmbeddedKafka, KafkaNotStarted
from adapters.kafka.embedded_greeting import brokers_known_at
from adapters.kafka.embedded_ports import LOOPBACK, KafkaPortTaken, Ports
from adapters.kafka.embedded_site import (
    JarsMissing,
    JavaMissing,
    KafkaDirectoryUnusable,
    find_jars,
    find_java,
)

ROOT = Path(__file__).resolve().parents[3]
USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from adapters.kafka.embedded import EmbeddedKafka
with EmbeddedKafka(Path(sys.argv[1])) as kafka:
    print("ready", flush=True)
    sys.stdin.read()
"""
PATIENCE_MS = 20_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc")


@pytest.fixture
def home(tmp_path: Path, kafka_place: Path) -> Iterator[Path]:
    """Where a test's brokers live; whatever it leaves running fails the test, and is ended."""
    assert kafka_place.is_dir()
    yield (directory := tmp_path / "kafka")
    left = processes_of(directory)
    for process in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert not left


def processes_of(directory: Path) -> list[int]:
    """Every process of a directory's brokers."""
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and of(p, directory)]


def of(process: Path, directory: Path) -> bool:
    try:
        return os.fsencode(f"{directory}/node-") in (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def remember(kafka: EmbeddedKafka, topic: str, *words: bytes) -> None:
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap.split(","), acks="all", max_block_ms=PATIENCE_MS
    )
    with contextlib.closing(producer):
        for word in words:
            producer.send(topic, word, partition=0).get(PATIENCE_MS / 1000)


def remembered(kafka: EmbeddedKafka, topic: str) -> list[bytes]:
    place = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap.split(","), group_id=None)
    with contextlib.closing(consumer):
        consumer.assign([place])
        consumer.seek(place, 0)
        end = consumer.end_offsets([place])[place]
        words: list[bytes] = []
        while consumer.position(place) < end:
            for records in consumer.poll(500).values():
                words += [record.value for record in records]
        return words


def make_topic(kafka: EmbeddedKafka, topic: str, replicas: int) -> None:
    with contextlib.closing(
        KafkaAdminClient(bootstrap_servers=kafka.bootstrap.split(","))
    ) as admin:
        admin.create_topics([NewTopic(topic, 1, replicas)])


def test_users_share_one_broker_and_the_last_one_out_stops_it(home: Path, topic: str) -> None:
    with EmbeddedKafka(home) as first:
        make_topic(first, topic, 1)
        remember(first, topic, b"one")
        with EmbeddedKafka(home) as second:
            assert second.bootstrap == first.bootstrap
            assert len(processes_of(home)) == 1
        assert remembered(first, topic) == [b"one"]
        address = first.bootstrap
    assert not processes_of(home)
    with EmbeddedKafka(home) as again:
        assert again.bootstrap == address
        again.kill(1)
        assert not processes_of(home)
        again.restart()
        assert remembered(again, topic) == [b"one"]


def test_a_user_that_is_killed_leaves_no_broker_behind(home: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", USE_UNTIL_TOLD, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        cwd=ROOT,
    )
    assert user.stdin is not None
    assert user.stdout is not None
    with user.stdin, user.stdout:
        assert user.stdout.readline() == b"ready\n"
        assert processes_of(home)
        user.kill()
        user.wait()
    deadline = time.monotonic() + 30
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_of(home)
    with pytest.raises(KafkaDirectoryUnusable, match="it holds 1 nodes and 3 are asked for"):
        EmbeddedKafka(home, nodes=3).start()


def test_a_node_that_is_killed_stays_down_and_the_others_go_on(
    cluster: EmbeddedKafka, topic: str
) -> None:
    make_topic(cluster, topic, 3)
    remember(cluster, topic, b"before")
    cluster.kill(2)
    remember(cluster, topic, b"without it")
    assert [node.is_up for node in cluster.nodes] == [True, False, True]
    cluster.restart(2)
    cluster.stop(1)
    remember(cluster, topic, b"without another")
    cluster.restart()
    assert remembered(cluster, topic) == [b"before", b"without it", b"without another"]


def test_a_frozen_node_answers_nobody_until_it_is_thawed(cluster: EmbeddedKafka) -> None:
    port = cluster.nodes[0].port
    cluster.freeze(1)
    assert cluster.nodes[0].is_up
    until = time.monotonic() + 5
    while brokers_known_at(port):  # the stop comes to each of its threads in its own time
        assert time.monotonic() < until
    cluster.thaw(1)
    cluster.restart()
    assert brokers_known_at(port) == {node.port for node in cluster.nodes}


@pytest.fixture
def ports() -> Iterator[Ports]:
    with contextlib.closing(Ports()) as found:
        yield found


def test_a_port_that_is_taken_is_named(ports: Ports) -> None:
    with contextlib.closing(socket.create_server((LOOPBACK, 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(KafkaPortTaken, match=f"Port {port} "):
            ports.claim([port, port + 1])
    ports.claim([port])
    assert len(set(ports.find(6))) == 6


def test_ports_are_not_those_that_the_kernel_gives_to_clients(ports: Ports) -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()
    first, last = map(int, given)
    assert not [port for port in ports.find(100) if first <= port <= last]


def test_a_node_that_is_down_keeps_its_ports(home: Path) -> None:
    with EmbeddedKafka(home) as kafka:
        (node,) = kafka.nodes
        before = node.ports
        kafka.kill(1)
        for port in before:
            with (
                contextlib.closing(socket.socket()) as another,
                pytest.raises(OSError, match="in use"),
            ):
                another.bind((LOOPBACK, port))
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port))
        kafka.restart()
        assert node.ports == before
        kafka.stop(1)
    with contextlib.closing(socket.create_server((LOOPBACK, before[0]))):
        assert not kafka.nodes[0].is_up


def test_an_address_that_is_not_this_machines_is_named(home: Path) -> None:
    with pytest.raises(KafkaDirectoryUnusable, match="Cannot assign requested address"):
        EmbeddedKafka(home, host="192.0.2.1").start()


def test_a_node_that_does_not_start_says_why_in_kafkas_words(home: Path) -> None:
    with EmbeddedKafka(home):
        pass
    known = home / "node-1" / "data" / "meta.properties"
    known.write_text(known.read_text("utf-8").replace("node.id=1", "node.id=7"), "utf-8")
    with pytest.raises(KafkaNotStarted, match="Stored node id 7 doesn't match previous node id 1"):
        EmbeddedKafka(home).start()


def test_a_machine_without_java_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaMissing, match="there is none on the path"):
        find_java()
    old = tmp_path / "java"
    old.write_text("""#!/bin/sh\necho 'openjdk version "11.0.2" 2019-01-15' >&2\n""")
    old.chmod(0o755)
    with pytest.raises(JavaMissing, match=r"is 11\. Install a JRE of 17"):
        find_java()


def test_a_machine_without_maven_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(JarsMissing, match="Maven, which brings it, is not installed"):
        find_jars(tmp_path / "cache")


def test_a_repository_that_does_not_answer_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kafka_place: Path
) -> None:
    assert kafka_place.is_dir()
    away = "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 -Dhttps.proxyHost=127.0.0.1"
    empty = f"-Dmaven.repo.local={tmp_path / 'empty'}"
    monkeypatch.setenv("MAVEN_OPTS", f"{away} -Dhttps.proxyPort=9 {empty}")
    with pytest.raises(JarsMissing, match="Maven does not reach its repository"):
        find_jars(tmp_path / "cache")
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["kafka.lock"]


def test_a_directory_of_other_things_is_refused(tmp_path: Path, kafka_place: Path) -> None:
    assert kafka_place.is_dir()
    (tmp_path / "letter").write_text("not a broker's")
    with pytest.raises(KafkaDirectoryUnusable, match="it holds other things"):
        EmbeddedKafka(tmp_path).start()


def test_a_broker_that_cannot_start_says_why_in_its_own_words(home: Path) -> None:
    with pytest.raises(KafkaNotStarted, match=r"(?s)min\.insync\.replicas.*node-1/server\.log"):
        EmbeddedKafka(home, settings={"min.insync.replicas": "many"}).start()


def test_a_full_disk_is_told_so(home: Path) -> None:
    home.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k,mode=0700", "tmpfs", str(home)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        with pytest.raises(
            (KafkaNotStarted, KafkaDirectoryUnusable), match=r"disk is full|No space left"
        ):
            EmbeddedKafka(home).start()
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)
