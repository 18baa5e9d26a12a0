"""What an embedded broker is made of, and where it lives: Java, Kafka's jars, directory.

The jars come from Maven, which checks them against its checksums, once for each version, into the
caller's cache. Nothing of a registry's address is here: where Maven finds artifacts is the
machine's own setting.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from adapters.kafka.embedded_keeper import open_lock
from domain.errors import Unavailable

VERSION = "4.3.1"
"""Apache Kafka's: the current 4.x (KRaft alone, no ZooKeeper), of which speeds were measured."""

JAVA_OLDEST = 17

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
_LOG4J = "2.25.4"  # Kafka's own log4j; without its bridge a broker that dies says nothing
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>metroledger</groupId>
  <artifactId>embedded-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J}</version>
    </dependency>
  </dependencies>
</project>
"""
_DOWNLOAD_S = 600.0
_OURS = re.compile(r"node-\d+|cluster(\.new)?|(users|keeper|start|use)\.lock")


class JavaMissing(Unavailable):
    """There is no Java that can run a broker."""

    def __init__(self, found: str) -> None:
        """Take what was found instead."""
        super().__init__(
            f"An embedded Kafka needs Java {JAVA_OLDEST} or newer, and {found}. Install a JRE of "
            f"{JAVA_OLDEST} or newer (Debian: openjdk-17-jre-headless), or name a broker that runs."
        )


class JarsMissing(Unavailable):
    """Kafka's jars are not on this machine and could not be brought."""

    def __init__(self, reason: str) -> None:
        """Take why not, as a clause."""
        super().__init__(
            f"Kafka {VERSION} is not on this machine yet and could not be brought: {reason}. "
            "Try again, or name a broker that runs."
        )


class KafkaDirectoryUnusable(Unavailable):
    """The directory cannot hold embedded brokers."""

    def __init__(self, directory: Path, reason: str) -> None:
        """Name the directory and what is wrong with it."""
        super().__init__(f"{directory} cannot hold the embedded Kafka: {reason}.")


def find_java() -> str:
    """Return the path of a Java that is new enough. Raises `JavaMissing`."""
    java = shutil.which("java")
    if java is None:
        raise JavaMissing("there is none on the path")
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    told = re.search(r'version "(\d+)', done.stderr)
    if told is None:
        raise JavaMissing(f"{java} does not say its version")
    if int(told[1]) < JAVA_OLDEST:
        raise JavaMissing(f"{java} is {told[1]}")
    return java


def find_jars(cache: Path | None = None) -> Path:
    """Return the directory of Kafka's jars, bringing them the first time. Raises `JarsMissing`.

    `cache` is the caller's own by default. Several processes may ask at once: one brings them.
    """
    place = (cache or Path.home() / ".cache" / "metroledger") / f"kafka-{VERSION}-log4j"
    if not place.is_dir():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            guard = open_lock(place.with_name("kafka.lock"))
            try:
                fcntl.flock(guard, fcntl.LOCK_EX)
                if not place.is_dir():
                    _bring(place)
            finally:
                os.close(guard)
        except OSError as error:
            raise JarsMissing(str(error)) from error
    return place


def _bring(place: Path) -> None:
    # Into a draft beside it, renamed when whole: an interrupted download leaves no half of a Kafka.
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsMissing("Maven, which brings it, is not installed (Debian: maven)")
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="kafka-") as draft:
        (jars := Path(draft, "jars")).mkdir()
        Path(draft, "pom.xml").write_text(_POM, "utf-8")
        command = [maven, "--batch-mode", "--quiet", "--strict-checksums", _COPY]
        command += [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(
                command, cwd=draft, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise JarsMissing(f"Maven did not end within {_DOWNLOAD_S:.0f} s") from None
        if done.returncode != 0:
            raise JarsMissing(_advice(done.stdout + done.stderr))
        jars.rename(place)


def _advice(said: str) -> str:
    if "No space left" in said:
        return "the disk is full; free some space"
    unreachable = (
        "Unknown host",
        "Connection refused",
        "timed out",
        "Could not transfer",
        "offline",
    )
    if any(word in said for word in unreachable):
        return "Maven does not reach its repository; see to the network or to Maven's settings"
    complaints = [line for line in said.splitlines() if "ERROR" in line]
    return f"Maven says {(complaints or ['nothing'])[0].strip()!r}"


def claim_directory(directory: Path, nodes: int) -> None:
    """Make the brokers' directory, 0700 and the caller's; refuse another's or other brokers'."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(not _OURS.fullmatch(entry.name) for entry in directory.iterdir()):
        raise KafkaDirectoryUnusable(directory, "it holds other things; name an empty or a new one")
    if directory.stat().st_uid != os.geteuid():
        owner = directory.owner()
        raise KafkaDirectoryUnusable(directory, f"it is {owner}'s; run as {owner}, or name another")
    if (made := len(list(directory.glob("node-*")))) not in {0, nodes}:
        raise KafkaDirectoryUnusable(directory, f"it holds {made} nodes and {nodes} are asked for")
    directory.chmod(0o700)
