"""What the search for traces takes out of files before it looks through them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.scenarios.unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

FACT = b"Zephyrine QUATREPOINT 09870123456789 "
NOISE = bytes(range(256)) * 5


def zipped(content: bytes) -> bytes:
    with zipfile.ZipFile(made := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.xml", content)
    return made.getvalue()


PACKERS = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_a_stream_is_taken_out_wherever_it_begins(pack: Callable[[bytes], bytes]) -> None:
    content = NOISE[:77] + pack(FACT * 40) + NOISE
    assert any(one == FACT * 40 for one in unpacked(content, pages=False))


def test_a_stream_that_was_cut_gives_what_it_held_until_there() -> None:
    packed = zlib.compress(b"".join(FACT + bytes([n, 255 - n]) for n in range(200)))
    assert any(FACT in one for one in unpacked(packed[: len(packed) // 2], pages=False))


def test_a_stream_in_a_stream_is_taken_out() -> None:
    inner = gzip.compress(FACT * 40)
    assert any(one == FACT * 40 for one in unpacked(zlib.compress(inner), pages=False))


@pytest.mark.parametrize("repeated", [80, 40_000])
def test_what_postgresql_compressed_is_taken_out_of_the_bytes_of_its_pages(
    database: str, repeated: int
) -> None:
    """In the row where it is short; chunk by chunk beside the table where it is long."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table told (value text)")
        connection.execute(
            "insert into told values (%s)",
            ("".join(f"{FACT.decode()}{n}" for n in range(repeated)),),
        )
        row = connection.execute(
            "select pg_column_compression(value), pg_relation_filepath('told'),"
            " pg_relation_filepath(reltoastrelid) from told, pg_class where relname = 'told'"
        ).fetchone()
        connection.execute("checkpoint")
        assert row is not None
        assert row[0] == "pglz"
        pages = b"".join(
            bytes(read[0])
            for path in row[1:]
            if (read := connection.execute("select pg_read_binary_file(%s)", (path,)).fetchone())
        )
    assert pages.count(FACT) < 5, "as it lies there it would be missed"
    assert any(FACT + b"79" in one for one in unpacked(pages, pages=True))
