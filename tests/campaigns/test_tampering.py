"""Every bit of a hundred records, and forgeries of the whole log, also through the command."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.tampering import (
    CLOSED,
    ERASED,
    OPEN,
    evidence_of,
    flip,
    flip_all,
    inhabit,
    mutations,
    overwrite,
    zones,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Place, Site
    from tests.scenarios.tampering import Evidence

pytestmark = pytest.mark.campaign
THROUGH_THE_COMMAND = 200


@pytest.fixture(scope="module")
def inhabited(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Evidence]]:
    place = site.copy(founded)
    with place.open() as installation:
        inhabit(installation, tmp_path_factory.mktemp("nights"))
        found = evidence_of(installation)
    yield place, found
    site.drop(place)


def test_every_bit_of_100_records(inhabited: tuple[Place, Evidence]) -> None:
    _, evidence = inhabited
    done = flip_all(evidence, evidence.commits[-100:], range(8))
    seen: Counter[str] = Counter()
    for (_, who), count in done.made.items():
        seen[who] += count
    print(
        f"\n100 records, every bit flipped: {done.made.total():,} flips; seen by the closed audit "
        f"{seen[CLOSED]:,}, by the open one {seen[OPEN]:,}, by nobody (ciphertext of the erased) "
        f"{seen[ERASED]:,}; otherwise than expected {len(done.unexpected)}"
    )
    assert done.unexpected == []


def test_1000_flips_and_2000_forgeries_before_the_whole_audit(
    inhabited: tuple[Place, Evidence],
) -> None:
    _, evidence = inhabited
    chance, seen = Random(1), Counter[str]()
    for _ in range(1_000):
        number = chance.choice(evidence.commits)
        record = evidence.records[number]
        at = chance.randrange(len(record))
        _, who = list(zones(record, evidence.ordered))[at]
        altered = evidence.with_one(number, flip(record, at, chance.randrange(8)))
        closed, opened = evidence.closed(altered).passed, evidence.opened(altered).passed
        assert (closed, opened) == (who != CLOSED, who == ERASED), (number, at)
        seen[who] += 1
    forged, kinds = mutations(evidence, Random(2)), Counter[str]()
    for _ in range(2_000):
        what, records = next(forged)
        assert not evidence.closed(records).passed, what
        kinds[what] += 1
    print(f"\nwhole audits of flipped logs: {dict(seen)}, as expected; of forged ones, all found:")
    for what, count in kinds.most_common():
        print(f"  {count:>5} {what}")


@pytest.mark.chaos
def test_200_mutations_through_the_command(inhabited: tuple[Place, Evidence]) -> None:
    place, evidence = inhabited
    chance, kinds, ends = Random(3), Counter[str](), Counter[str]()
    forged = mutations(evidence, chance)
    for turn in range(THROUGH_THE_COMMAND):
        what, records = _sealed(evidence, chance) if turn % 10 == 0 else next(forged)
        overwrite(place, records)
        said = place.run("audit", "--open")
        assert said.code == 1, (what, said)
        assert "BREACH" in said.out or said.err.startswith("metroledger: "), (what, said)
        assert "Traceback" not in said.err, said.err
        kinds[what] += 1
        ends["breaches named" if "BREACH" in said.out else "refused at start"] += 1
    overwrite(place, evidence.records)
    assert place.run("audit", "--open").code == 0
    print(
        f"\n{THROUGH_THE_COMMAND} mutations of the database, 'metroledger audit' each: {dict(ends)}"
    )
    for what, count in kinds.most_common():
        print(f"  {count:>5} {what}")


def _sealed(evidence: Evidence, chance: Random) -> tuple[str, list[bytes]]:
    """Flip a bit of a ciphertext that somebody's key still opens."""
    while True:
        number = chance.choice(evidence.commits)
        record = evidence.records[number]
        places = [n for n, (_, who) in enumerate(zones(record, evidence.ordered)) if who == OPEN]
        if places:
            altered = flip(record, chance.choice(places), chance.randrange(8))
            return "flip a bit of a ciphertext", evidence.with_one(number, altered)
