"""Where the time of one delivery goes: its own calls, timed where they are made.

Each stage is a function of the product, and none calls another. Alone, so that nothing
runs beside it; the fold and the publication run in the committer's threads.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from application import collecting, deliveries
from ledger.fold import Folder
from metroledger import operators
from metroledger.cli import files
from projections.store import Part
from proofs.publication import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adapters.dso.enedis.crypto import Keyring
    from metroledger.bootstrap import Installation

STAGES: Final[tuple[tuple[str, Any, str], ...]] = (
    ("decrypt, unzip, validate", operators, "read"),
    ("look up the points", deliveries, "find_points"),
    ("decide: covers, keys, the rule", collecting.Collector, "sort"),
    ("commit to and seal the readings", deliveries, "seal_readings"),
    ("make the record", deliveries, "propose_delivery"),
    ("fold", Folder, "fold_through"),
    ("sign and publish", Publisher, "publish"),
)


def stages(installation: Installation, path: Path, keyring: Keyring) -> Iterator[tuple[str, float]]:
    """Yield each stage's seconds for one file, what the others leave, and showing it."""
    clock = _Clock()
    with contextlib.ExitStack() as stack:
        for name, owner, attribute in STAGES:
            stack.enter_context(clock.on(name, owner, attribute))
        log = installation.log
        stack.enter_context(clock.on("append, fsynced", type(log), "append"))
        begin = time.perf_counter()
        files.ingest_file(installation.services, keyring, path)
        whole = time.perf_counter() - begin
    assert all(clock.spent.values()), f"a stage was not met: {clock.spent}"
    yield from clock.spent.items()
    yield "everything else: pack, cut, wait", whole - sum(clock.spent.values())
    begin = time.perf_counter()
    installation.shown.catch_up(Part.READINGS)
    yield "copy to where the page reads", time.perf_counter() - begin


class _Clock:
    """Adds up the time spent in functions; none of the stages calls another."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextlib.contextmanager
    def on(self, name: str, owner: object, attribute: str) -> Iterator[None]:
        """Time a function for as long as the block lasts."""
        plain: Callable[..., Any] = getattr(owner, attribute)
        self.spent[name] = 0.0

        def timed(*arguments: object, **named: object) -> object:
            begin = time.perf_counter()
            try:
                return plain(*arguments, **named)
            finally:
                self.spent[name] += time.perf_counter() - begin

        setattr(owner, attribute, timed)
        try:
            yield
        finally:
            setattr(owner, attribute, plain)
