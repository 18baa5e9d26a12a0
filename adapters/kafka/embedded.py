"""A real Kafka beside the program: one broker or three, kept on disk, gone with the last user.

For demonstrations and tests. It listens on loopback alone, and asks nobody who they are: whoever
has an account on the machine can write to it. A metropolis names its own cluster instead.

Theory of operation. Kafka's own jars run in Java, a process a node; the lifecycle is kernel locks
in the directory and nothing else, which a kill -9 cannot leave stale:

`users.lock`   held *shared* by every process that uses the brokers, from start() to close(); taken
               *exclusively* by the keeper: granted when the last user is gone, and held until the
               last node is, so that nobody joins what stops.
`keeper.lock`  held by the keeper (embedded_keeper.py), which waits for that and stops the nodes.
`start.lock`   held while somebody brings nodes up, so that two never format one directory.
`node.lock`    one a node, held by its Java. Free: nothing of that node is left.

Whoever starts brings up every node that is down. A node that is killed stays down until then, or
until `restart`: which is what tests of outages are about. Two users of one directory therefore
agree between themselves on who kills and who restarts.
"""

import base64
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from adapters.kafka import embedded_keeper as keeper
from adapters.kafka import embedded_site as site
from adapters.kafka.embedded_greeting import brokers_known_at
from adapters.kafka.embedded_node import Java, Node, Peer
from adapters.kafka.embedded_ports import LOOPBACK, KafkaPortTaken, Ports
from domain.errors import Unavailable

_POLL_S: Final = 0.02
_PATIENCE_S: Final = 60.0


class KafkaNotStarted(Unavailable):
    """The brokers did not come up."""

    def __init__(self, directory: Path, node: Node, reason: str) -> None:
        """Say why, in the broker's words unless better ones are known, and what to do."""
        super().__init__(
            f"The embedded Kafka in {directory} did not start: {_advice(reason)} "
            f"The log is {node.log}."
        )


class KafkaStillRunning(Unavailable):
    """A node has not stopped in the time given."""

    def __init__(self, directory: Path) -> None:
        """Name the directory whose brokers stay."""
        super().__init__(
            f"The embedded Kafka in {directory} is still stopping; it will end by itself. "
            f"Its logs are {directory}/node-*/server.log."
        )


class EmbeddedKafka:
    """One process's use of the brokers in a directory: start, or join; leave, and stop if last."""

    def __init__(
        self,
        directory: Path,
        *,
        nodes: int = 1,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        host: str = LOOPBACK,
    ) -> None:
        """Name the directory and the number of nodes; nothing is touched before start().

        A node takes two ports on loopback, or on another address of this machine: from `port` on,
        or any that are free. `settings` are Kafka's, for all nodes; they and the address count for
        whoever starts the first one.
        """
        self.directory = directory.absolute()
        self.nodes = [Node(self.directory / f"node-{n}") for n in range(1, nodes + 1)]
        self._port = port
        self._settings = dict(settings or {})
        self._host = host
        self._held = Ports(host)
        self._use: int | None = None  # the descriptor that holds our share of users.lock

    @property
    def bootstrap(self) -> str:
        """Where the brokers answer: HOST:PORT, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Self:
        """Return once every node answers, whoever started it.

        Raises:
            Unavailable: a leaf that says why not, and what to do.
        """
        if self._use is not None:
            return self
        java = Java(site.find_java(), site.find_jars())
        deadline = time.monotonic() + _PATIENCE_S
        try:
            site.claim_directory(self.directory, len(self.nodes))
            self._use = keeper.open_lock(self.directory / "users.lock")
            self._wait_for(self._use, fcntl.LOCK_SH, deadline)  # one that stops is let go first
            self._start_keeper()
            with self._starting(deadline):
                self._launch(java, self.nodes, deadline)
        except OSError as error:
            self.close()
            raise site.KafkaDirectoryUnusable(self.directory, str(error)) from error
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Give up our use; as the last user, return when no process of a node is left."""
        self._held.close()
        if self._use is None:
            return
        self._start_keeper()  # should it have been killed, somebody must stop the nodes
        os.close(self._use)  # closed, not unlocked: a forked child that has it goes on holding it
        self._use = None
        deadline = time.monotonic() + _PATIENCE_S
        while not self._others_stay() and any(node.is_up for node in self.nodes):
            if time.monotonic() > deadline:
                raise KafkaStillRunning(self.directory)
            time.sleep(_POLL_S)

    def kill(self, number: int) -> None:
        """End node 1, 2 … at once, as a power cut would end its process (SIGKILL)."""
        self._end(number, signal.SIGKILL)

    def stop(self, number: int) -> None:
        """Let a node hand over what it leads, and end (SIGTERM)."""
        self._end(number, signal.SIGTERM)

    def freeze(self, number: int) -> None:
        """Let a node stand still: its connections stay, and nothing answers (SIGSTOP)."""
        self.nodes[number - 1].signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """Let a frozen node go on."""
        self.nodes[number - 1].signal(signal.SIGCONT)

    def restart(self, *numbers: int) -> None:
        """Start the nodes named (all, unless told which) where they are down, until they answer.

        A node of a cluster answers once most of its nodes live.
        """
        deadline = time.monotonic() + _PATIENCE_S
        chosen = [self.nodes[number - 1] for number in numbers] or self.nodes
        with self._starting(deadline):
            self._launch(Java(site.find_java(), site.find_jars()), chosen, deadline)

    def _end(self, number: int, how: signal.Signals) -> None:
        node = self.nodes[number - 1]
        node.signal(how)
        if not keeper.wait_until_down([node.home], _PATIENCE_S):
            raise KafkaStillRunning(self.directory)

    @contextlib.contextmanager
    def _starting(self, deadline: float) -> Iterator[None]:
        held = keeper.open_lock(self.directory / "start.lock")
        try:
            self._wait_for(held, fcntl.LOCK_EX, deadline)
            yield
        finally:
            os.close(held)

    def _wait_for(self, descriptor: int, kind: int, deadline: float) -> None:
        while not keeper.lock(descriptor, kind):
            if time.monotonic() > deadline:
                raise KafkaStillRunning(self.directory)
            time.sleep(_POLL_S)

    def _others_stay(self) -> bool:
        probe = keeper.open_lock(self.directory / "users.lock")
        try:
            nobody = keeper.lock(probe, fcntl.LOCK_EX)
            # A keeper that stops holds it alone; a user would let us share.
            return not nobody and keeper.lock(probe, fcntl.LOCK_SH)
        finally:
            os.close(probe)

    def _start_keeper(self) -> None:
        """Start the keeper, which ends at once where there is one."""
        subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, "keep", str(self.directory)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            check=True,
        )

    def _launch(self, java: Java, chosen: Sequence[Node], deadline: float) -> None:
        """Bring up those of the chosen nodes that are down, and wait until all chosen answer."""
        if not any(node.is_up for node in self.nodes):
            self._prepare(java)
        begins = {node: node.log_size for node in chosen}
        for node in chosen:
            node.launch(java)
        while not self._answer(chosen):
            for node in chosen:
                if not node.is_up:
                    raise KafkaNotStarted(self.directory, node, node.complaint(begins[node]))
            if time.monotonic() > deadline:
                raise KafkaNotStarted(self.directory, chosen[0], "it does not answer yet")
            time.sleep(_POLL_S)

    def _prepare(self, java: Java) -> None:
        """Write the settings of nodes that are all down, and make their data the first time."""
        ports = self._ports()
        numbers = range(1, len(self.nodes) + 1)
        peers = [Peer(n, self._host, *ports[2 * n - 2 : 2 * n]) for n in numbers]
        for node in self.nodes:
            node.write(peers, self._settings)
        begins = [node.log_size for node in self.nodes]
        cluster = self._cluster()
        formatting = [node.format(java, cluster) for node in self.nodes]
        for node, process, begin in zip(self.nodes, formatting, begins, strict=True):
            if process is not None and process.wait() != 0:
                raise KafkaNotStarted(self.directory, node, node.complaint(begin))

    def _ports(self) -> list[int]:
        """Return the ports they had before, as long as these are free, else others."""
        if self._port is not None:
            named = list(range(self._port, self._port + 2 * len(self.nodes)))
            self._held.claim(named)
            return named
        if all(node.properties.exists() for node in self.nodes):
            before = [port for node in self.nodes for port in node.ports]
            with contextlib.suppress(KafkaPortTaken):
                self._held.claim(before)
                return before
        return self._held.find(2 * len(self.nodes))

    def _cluster(self) -> str:
        """Return the cluster's id, drawn the first time: every node is made with the same."""
        file = self.directory / "cluster"
        if not file.exists():
            drawn = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode()
            draft = self.directory / "cluster.new"
            draft.write_text(drawn.rstrip("="), "ascii")
            draft.rename(file)
        return file.read_text("ascii")

    def _answer(self, chosen: Sequence[Node]) -> bool:
        """Whether each of these nodes answers, and knows all of them to be in service."""
        ports = {node.port for node in chosen}
        return all(ports <= brokers_known_at(node.port, node.host) for node in chosen)


def _advice(reason: str) -> str:
    if "No space left" in reason:
        return "the disk is full. Free some space and start again."
    if "Address already in use" in reason:
        return "another program took one of its ports. Start again: then others are found."
    if "OutOfMemory" in reason or "Cannot allocate memory" in reason:
        return f"there is not enough memory ({reason}). Close something and start again."
    return f"{reason}."
