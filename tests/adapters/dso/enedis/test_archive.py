"""One document in a zip, and the archives that are something else."""

import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from datetime import date

import pytest

from adapters.dso.enedis.archive import LARGEST_BYTES, ArchiveRefused, chunks, open_archive
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, packed, r151

DOCUMENT = r151(Night(seed=1, day=date(2026, 6, 10), meters=town(1, 20)))
PLAIN = packed("a.xml", DOCUMENT)


def inflate(content: bytes) -> bytes:
    return b"".join(chunks(open_archive(content)))


def exhaust(content: bytes) -> int:
    """Inflate without keeping anything."""
    return sum(len(chunk) for chunk in chunks(open_archive(content)))


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], method: int = 8) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def patched(content: bytes, changes: dict[int, bytes]) -> bytes:
    """Overwrite bytes at offsets; negative ones count from the end, where the end record is."""
    target = bytearray(content)
    for at, new in changes.items():
        start = at if at >= 0 else len(target) + at
        target[start : start + len(new)] = new
    return bytes(target)


def central_at(content: bytes) -> int:
    return int(struct.unpack_from("<L", content, len(content) - 6)[0])


def in_central(content: bytes, at: int, new: bytes) -> bytes:
    return patched(content, {central_at(content) + at: new})


def lying_bomb(*, size: int, says: int) -> bytes:
    """A document that inflates to `size` and says `says`."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflater.compress(bytes(size)) + deflater.flush()
    return raw_zip(data, says, zlib.crc32(bytes(says)))


def raw_zip(data: bytes, size: int, crc: int, *, name: bytes = b"a.xml") -> bytes:
    sizes = (crc, len(data), size)
    local = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 8, 0, 33, *sizes, len(name), 0)
    central = struct.pack(
        "<4sHHHHHHLLLHHHHHLL",
        *(b"PK\x01\x02", 20, 20, 0, 8, 0, 33, *sizes, len(name), 0, 0, 0, 0, 0, 0),
    )
    start = len(local) + len(name) + len(data)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(name), start, 0)
    return local + name + data + central + name + end


def symlink() -> bytes:
    entry = zipfile.ZipInfo("a.xml")
    entry.create_system = 3
    entry.external_attr = 0o120777 << 16
    return zipped((entry, b"/etc/passwd"))


def nested(depth: int) -> bytes:
    content = DOCUMENT
    for _ in range(depth):
        content = zipped(("a.zip", content))
    return content


def overlapping() -> bytes:
    """Two directory entries over one document, as in the bombs that overlap."""
    one = PLAIN
    start = central_at(one)
    entry = one[start:-22]
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), start, 0)
    return one[:start] + entry * 2 + end


def hidden_entry() -> bytes:
    """A second document before the directory, which the directory does not name."""
    start = central_at(PLAIN)
    hidden = PLAIN[:start]
    body = hidden + hidden + PLAIN[start:-22]
    return body + patched(PLAIN[-22:], {16: struct.pack("<L", 2 * start)})


def zip64() -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", 8) as archive,
        archive.open("a.xml", "w", force_zip64=True) as entry,
    ):
        entry.write(DOCUMENT)
    return target.getvalue()


def many() -> bytes:
    return zipped(*((f"{n}.xml", b"") for n in range(3_000)), method=0)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "inflates a thousandfold": (lambda: zipped(("a.xml", bytes(40_000_000))), "bomb"),
    "says less than it inflates to": (lambda: lying_bomb(size=30_000_000, says=4_000_000), "bomb"),
    "says that it is too large": (
        lambda: raw_zip(bytes(1_000_000), LARGEST_BYTES + 1, 0),
        "bomb",
    ),
    "nested ten deep": (lambda: nested(10), "a.zip"),
    "three thousand entries": (many, "zip_entries"),
    "a hundred thousand entries": (
        lambda: patched(PLAIN, {-14: b"\xff\xff\xff\xff"}),
        "zip64",
    ),
    "no entry": (zipped, "zip_entries"),
    "a path upwards": (lambda: zipped(("../../a.xml", DOCUMENT)), "entry_name"),
    "an absolute path": (lambda: raw_zip(b"\x03\x00", 0, 0, name=b"/etc/x"), "entry_name"),
    "a path of another system": (lambda: raw_zip(b"\x03\x00", 0, 0, name=b"C:\\x"), "entry_name"),
    "a name with a NUL": (lambda: raw_zip(b"\x03\x00", 0, 0, name=b"a.xml\0.exe"), "entry_name"),
    "a symbolic link": (symlink, "entry_kind"),
    "overlapping entries": (overlapping, "zip_entries"),
    "a hidden entry": (hidden_entry, "zip_layout"),
    "two names": (lambda: patched(PLAIN, {30: b"b"}), "entry_name"),
    "two sizes": (lambda: patched(PLAIN, {22: b"\x01\x00\x00\x00"}), "zip_layout"),
    "the 64-bit form": (zip64, "zip64"),
    "a password": (
        lambda: in_central(patched(PLAIN, {6: b"\x01"}), 8, b"\x01"),
        "zip_encrypted",
    ),
    "another compression": (
        lambda: zipped(("a.xml", DOCUMENT), method=zipfile.ZIP_BZIP2),
        "zip_method",
    ),
    "another volume": (lambda: in_central(PLAIN, 34, b"\x01"), "zip_layout"),
    "a comment": (lambda: patched(PLAIN + b"x", {-3: b"\x01\x00"}), "trailing_bytes"),
    "trailing bytes": (lambda: PLAIN + b"\x00", "trailing_bytes"),
    "leading bytes": (lambda: b"PK\x03\x04" + PLAIN, "zip_layout"),
    "a wrong checksum": (
        lambda: in_central(patched(PLAIN, {14: b"abcd"}), 16, b"abcd"),
        "crc",
    ),
    "bytes behind the document": (
        lambda: raw_zip(b"\x4b\x04\x00" + b"hidden", 1, zlib.crc32(b"a")),
        "zip_layout",
    ),
    "a document that is longer on disk": (
        lambda: raw_zip(b"\x4b\x04\x00", 2, zlib.crc32(b"a")),
        "truncated_zip",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_within_its_bounds(what: str) -> None:
    make, code = HOSTILE[what]
    content = make()
    tracemalloc.start()
    begun = time.process_time()
    try:
        if what == "nested ten deep":
            assert open_archive(content).name == code
            return  # for the codec to refuse: it holds neither XML nor CSV
        with pytest.raises(ArchiveRefused) as refused:
            exhaust(content)
        assert refused.value.code == code
        assert time.process_time() - begun < 1
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_plain_archive_gives_its_document() -> None:
    assert open_archive(PLAIN).name == "a.xml"
    assert inflate(PLAIN) == DOCUMENT
    assert inflate(zipped(("a.xml", DOCUMENT), method=0)) == DOCUMENT


def test_an_archive_written_as_a_stream_gives_its_document() -> None:
    class Pipe(io.BytesIO):
        """What cannot go back: zip writers then put the sizes behind the data, as Java does."""

        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    target = Pipe()
    with zipfile.ZipFile(target, "w", 8) as archive:
        archive.writestr("a.xml", DOCUMENT)
    content = target.getvalue()
    assert content[6] & 0x08
    assert inflate(content) == DOCUMENT


CUTS = [*range(4, len(PLAIN) - 70, len(PLAIN) // 50), *range(len(PLAIN) - 70, len(PLAIN))]


@pytest.mark.parametrize("cut", CUTS)
def test_an_archive_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(ArchiveRefused) as refused:
        inflate(PLAIN[:cut])
    assert refused.value.code == "truncated_zip"


def test_an_archive_with_any_byte_changed_gives_the_document_or_is_refused() -> None:
    small = packed("a.xml", b"<R151>" + b"0123456789" * 8 + b"</R151>")
    expected = inflate(small)
    for at in range(len(small)):
        for flip in (0x01, 0x80, 0xFF):
            try:
                assert inflate(patched(small, {at: bytes([small[at] ^ flip])})) == expected
            except ArchiveRefused:
                continue


def test_memory_is_bounded_by_the_chunk() -> None:
    content = zipped(("a.xml", DOCUMENT * 100))
    tracemalloc.start()
    try:
        total = exhaust(content)
        assert total == 100 * len(DOCUMENT)
        assert tracemalloc.get_traced_memory()[1] < 400_000
    finally:
        tracemalloc.stop()
