"""What is shown can be looked at and built anew from the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.dso.enedis.series import town
from domain.values import civil_day
from tests.application.conftest import founded, place, site
from tests.application.world import SEED, settle_all, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place

__all__ = ["founded", "place", "site"]


def test_the_command_line_says_what_is_late_and_builds_the_same_pages_again(
    place: Place, tmp_path: Path
) -> None:
    with place.open() as installation:
        meters = town(SEED, 2)
        homes = settle_all(installation, meters)
        today = civil_day(installation.clock())
        for path in write_nights(tmp_path / "old", meters[:1], [today - timedelta(days=9)]):
            take(installation, path)
        for path in write_nights(tmp_path / "new", meters[1:], [today - timedelta(days=2)]):
            take(installation, path)
    late = place.run("freshness")
    assert late.code == 0
    assert str(homes[0].meter) in late.out
    assert str(homes[1].meter) not in late.out
    assert "1 fresh, 1 late" in late.out
    assert meters[0].number not in late.out
    assert str(homes[1].meter) in place.run("freshness", "--all").out
    before = place.run("projections", "status")
    rebuilt = place.run("projections", "rebuild")
    assert (rebuilt.code, rebuilt.last) == (0, "same")
    assert place.run("projections", "status").out == before.out
