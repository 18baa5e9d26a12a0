"""Reading R151: µs a meter by stage, from the encrypted file to packed readings.

The rival is lxml's own iterparse over the same document, which builds each meter's tree
and reads nothing of it; the strict road and the usual one are timed in the same rounds.
"""

from __future__ import annotations

import statistics
import time
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeVar

from lxml import etree  # type: ignore[import-untyped]  # lxml has no annotations

from adapters.dso.enedis import r151, usual
from adapters.dso.enedis.archive import chunks, open_archive
from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring, decrypt
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import MOST_METERS, Night, sent
from bench.table import Row, arguments, report
from schemas.packing import pack

if TYPE_CHECKING:
    from collections.abc import Callable


Result = TypeVar("Result")

ROUNDS: Final = 7
DAY: Final = date(2026, 6, 10)


def main() -> None:
    """Print the table."""
    asked = arguments(__doc__.splitlines()[0] if __doc__ else "")
    conditions = [
        f"one file of {MOST_METERS:,} meters; 2% of days missing, 2% with a late day beside",
        f"medians of {ROUNDS} rounds, one process; every stage once in each round",
    ]
    report(stages(), conditions, asked.json)


def stages() -> list[Row]:
    """Return µs a meter of each stage, the rival's and the strict road's among them."""
    key = FileKey(name="bench", algorithm=Algorithm.AES_256_CBC, secret=bytes(range(32)))
    meters = town(1, MOST_METERS)
    blank = frozenset(meter.number for meter in meters[::50])
    late = {meter.number: (date(2026, 6, 1),) for meter in meters[1::50]}
    _, content = sent(Night(seed=1, day=DAY, meters=meters, blank=blank, late=late), key)
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        plain = _timed(took, "decrypt", lambda: decrypt(content, Keyring((key,))).plaintext)
        pieces = _timed(took, "unzip", lambda: list(chunks(open_archive(plain))))  # noqa: B023 (called at once)
        _timed(took, "rival: lxml iterparse", lambda: _iterparse(b"".join(pieces)))  # noqa: B023 (as above)
        _timed(took, "parse, strict road", lambda: r151.parse(pieces))  # noqa: B023 (as above)
        said = _timed(took, "parse, usual road", lambda: usual.parse(pieces))  # noqa: B023 (as above)
        _timed(took, "pack", lambda: [pack(row.reading) for row in said.rows])  # noqa: B023 (as above)
    return [
        Row(what=what, value=statistics.median(times) / MOST_METERS * 1e6, unit="µs a meter")
        for what, times in took.items()
    ]


def _timed(took: dict[str, list[float]], what: str, stage: Callable[[], Result]) -> Result:
    began = time.perf_counter()
    result = stage()
    took.setdefault(what, []).append(time.perf_counter() - began)
    return result


def _iterparse(document: bytes) -> None:
    for _, meter in etree.iterparse(BytesIO(document), tag="PRM"):
        meter.clear()


if __name__ == "__main__":
    main()
