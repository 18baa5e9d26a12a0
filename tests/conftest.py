"""What every test may ask for: a real PostgreSQL, a fresh database in it, the shared shelf."""

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.kafka import embedded_site
from adapters.kafka.embedded import EmbeddedKafka
from adapters.postgres.embedded import EmbeddedPostgres
from domain.errors import Unavailable

ROOT = Path(__file__).resolve().parent.parent
_numbers = itertools.count(1)

# Two shared cores: a deadline per example would test the neighbours. The campaign draws more.
hypothesis.settings.register_profile("sample", deadline=None, max_examples=100, print_blob=True)
hypothesis.settings.register_profile("campaign", deadline=None, max_examples=5_000, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Draw more examples when the campaigns were asked for."""
    campaign = config.getoption("markexpr") == "campaign"
    hypothesis.settings.load_profile("campaign" if campaign else "sample")


@pytest.fixture
def open_tmp_path() -> Iterator[Path]:
    """A directory that the server's account can pass through, also when the tests run as root.

    pytest's own tmp_path lies in a 0700 directory of the caller.
    """
    with _open_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One real server for each worker of the run, gone with it.

    It does not sync: these tests kill processes, never the power. test_embedded.py makes its own
    servers, which do.
    """
    with _open_directory() as directory:
        unsynced = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        with EmbeddedPostgres(directory / "postgres", settings=unsynced) as server:
            yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The conninfo of a fresh, empty database, dropped afterwards with whoever is still in it."""
    name = sql.Identifier(number := f"test_{next(_numbers)}")
    with psycopg.connect(postgres.conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(name))
        yield make_conninfo(postgres.conninfo, dbname=number)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def kafka_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's brokers live, one for all workers; a skip where no broker can be started."""
    try:
        embedded_site.find_java()
        embedded_site.find_jars()
    except Unavailable as error:
        pytest.skip(f"no real Kafka here: {error}")
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bootstrap address of a real Kafka: one broker, shared by all; nobody stops or kills it.

    KAFKA_BOOTSTRAP names one that runs already. A topic of one's own: the fixture `topic`.
    """
    if named := os.environ.get("KAFKA_BOOTSTRAP"):
        yield named
        return
    place: Path = request.getfixturevalue("kafka_place")
    with EmbeddedKafka(place / "broker") as kafka:
        yield kafka.bootstrap


@pytest.fixture
def topic() -> str:
    """A topic's name that nobody else in any run has."""
    return f"metroledger-test-{os.urandom(8).hex()}"


@pytest.fixture(scope="session")
def _cluster(kafka_place: Path) -> Iterator[EmbeddedKafka]:
    kafka = EmbeddedKafka(kafka_place / "cluster", nodes=3)
    yield kafka
    kafka.close()


@pytest.fixture
def cluster(_cluster: EmbeddedKafka, kafka_place: Path) -> Iterator[EmbeddedKafka]:
    """A real Kafka of three brokers, all up, for this test alone: it may kill and freeze them."""
    with (kafka_place / "cluster.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # other workers of this run wait
        _cluster.start()
        _cluster.restart()
        yield _cluster
        for number in (1, 2, 3):
            _cluster.thaw(number)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shelf of documents, real payloads and vectors beside the clone; without it, a skip."""
    shelf = ROOT.parent / "shared"
    if not shelf.is_dir():
        pytest.skip("the shared shelf is not beside this clone: its files cannot be compared with")
    return shelf


@contextlib.contextmanager
def _open_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="metroledger-test-"))
    os.chmod(directory, 0o711)  # noqa: PTH101, S103 - ours, made on the line above
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
