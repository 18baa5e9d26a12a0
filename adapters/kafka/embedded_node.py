"""One node of an embedded cluster: broker and controller in one Java process, in a directory.

A node's directory holds `server.properties`, `data`, `server.log`, `pid`, and `node.lock`, which
the Java process inherits: held, the node lives; free, nothing of it is left.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.kafka import embedded_keeper as keeper

_CROWDED_BYTES = 64 << 10
_IN_SYNC = 2
_REPLICAS = 3
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
# Bounded: a broker of one topic needs little, and several share a machine with the tests.
_JVM = (
    "-Xms64m",
    "-Xmx384m",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
)
_LOG4J = """Configuration:
  Appenders:
    Console: {name: STDERR, target: SYSTEM_ERR, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDERR}]}
"""
_GRAVE = ("No space left", "OutOfMemory", "Address already in use", "Exception: ", "FATAL", "ERROR")


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a node listens: for clients and nodes, and as a controller."""

    id: int
    host: str
    port: int
    control: int


@dataclass(frozen=True, slots=True)
class Java:
    """A Java, and the directory of the jars it is to run."""

    program: str
    jars: Path

    def command(self, node: Path, *arguments: str) -> list[str]:
        """Return the command line of one of Kafka's programs, for a node's directory."""
        told = [f"-Dlog4j2.configurationFile={node / 'log4j2.yaml'}", "-cp", f"{self.jars}/*"]
        return [self.program, *_JVM, *told, *arguments]


@dataclass(frozen=True, slots=True)
class Node:
    """One node's directory, and what can be done with the process that lives in it."""

    home: Path

    @property
    def properties(self) -> Path:
        """The broker's settings, written before each start of the whole cluster."""
        return self.home / "server.properties"

    @property
    def log(self) -> Path:
        """What the broker says; for operators, and without a record's bytes."""
        return self.home / "server.log"

    @property
    def is_up(self) -> bool:
        """Whether its process lives."""
        return keeper.is_up(self.home)

    @property
    def log_size(self) -> int:
        """How many bytes it has said so far."""
        return self.log.stat().st_size if self.log.exists() else 0

    @property
    def port(self) -> int:
        """Where it listens for clients."""
        return self.ports[0]

    @property
    def ports(self) -> list[int]:
        """Where it listens, for clients and as a controller."""
        return [int(listener.rpartition(":")[2]) for listener in self._listeners]

    @property
    def host(self) -> str:
        """The address it listens at."""
        return self.address.rpartition(":")[0]

    @property
    def address(self) -> str:
        """Where clients reach it: HOST:PORT."""
        return self._listeners[0].partition("//")[2]

    @property
    def _listeners(self) -> list[str]:
        lines = self.properties.read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)["listeners"].split(",")

    def write(self, peers: Sequence[Peer], settings: Mapping[str, str]) -> None:
        """Write its settings; the peers are all nodes, this one included."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        (self.home / "log4j2.yaml").write_text(_LOG4J, "utf-8")
        lines = [f"{name}={value}" for name, value in _settings(self.home, peers, settings).items()]
        self.properties.write_text("\n".join(lines) + "\n", "utf-8")

    def format(self, java: Java, cluster: str) -> "subprocess.Popen[bytes] | None":
        """Begin to make its data directory, where there is none; the caller waits for it."""
        if (self.home / "data" / "meta.properties").exists():
            return None
        command = java.command(self.home, "kafka.tools.StorageTool", "format", "--ignore-formatted")
        command += ["--cluster-id", cluster, "--config", str(self.properties)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_ENVIRONMENT
            )

    def launch(self, java: Java) -> None:
        """Start its process, unless it lives; it goes on living when the caller ends."""
        held = keeper.open_lock(self.home / "node.lock")
        try:
            if not keeper.lock(held, fcntl.LOCK_EX):
                return
            (self.home / "pid").write_bytes(b"")
            command = java.command(self.home, "kafka.Kafka", str(self.properties))
            interpreter = [sys.executable, "-I", "-S", keeper.__file__, "launch", str(self.home)]
            with self.log.open("ab") as log:
                subprocess.run(
                    [*interpreter, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[held],
                    cwd=self.home,
                    env=_ENVIRONMENT,
                    start_new_session=True,
                    check=True,
                )
        finally:
            os.close(held)

    def signal(self, what: signal.Signals) -> None:
        """Send its process a signal."""
        keeper.signal_to(self.home, what)

    def complaint(self, start: int) -> str:
        """Return the gravest thing that its programs said after a place in the log."""
        if shutil.disk_usage(self.home).free < _CROWDED_BYTES:
            return "No space left"  # then the log has no room for the complaint either
        with self.log.open("rb") as log:
            log.seek(start)
            said = log.read().decode("utf-8", "replace").splitlines()
        for word in _GRAVE:
            if found := [line for line in said if word in line]:
                return found[-1].strip()
        return (said or ["it said nothing"])[-1].strip()


def _settings(home: Path, peers: Sequence[Peer], own: Mapping[str, str]) -> dict[str, str]:
    number = int(home.name.removeprefix("node-"))
    me = peers[number - 1]
    replicas, in_sync = min(_REPLICAS, len(peers)), min(_IN_SYNC, len(peers))
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": ",".join(f"{p.id}@{p.host}:{p.control}" for p in peers),
        "listeners": f"PLAINTEXT://{me.host}:{me.port},CONTROLLER://{me.host}:{me.control}",
        "advertised.listeners": f"PLAINTEXT://{me.host}:{me.port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(home / "data"),
        # What is safe must be the default of every topic, and of Kafka's own.
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        "unclean.leader.election.enable": "false",
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        # A killed leader is missed after 3 s, not 9: writes must be back within 15.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "log.index.size.max.bytes": "1048576",
        **own,
    }
