"""Commands about what is shown: how fresh collections are, and building the pages anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from application.freshness import Freshness, freshness
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, group, print_json
from projections.store import Part

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from application.freshness import MeterFreshness
    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    fresh = command(commands, "freshness", _freshness, "Say of each collection how fresh it is.")
    fresh.add_argument("--all", action="store_true", help="those that go well, too")
    fresh.add_argument("--json", action="store_true", help="one JSON line a collection")
    shown = group(commands, "projections", "What is shown, as built from the log.")
    command(shown, "rebuild", _rebuild, "Build everything shown anew, while it is read.")
    command(shown, "status", _status, "Say how far it is, its digest, and what it could not show.")


def _freshness(settings: Settings, arguments: argparse.Namespace) -> int:
    counts: Counter[Freshness] = Counter()
    with open_ledger(settings) as installation:
        installation.shown.catch_up()
        for one in _collections(installation):
            counts[one.state] += 1
            if arguments.json:
                print_json(asdict(one))
            elif arguments.all or one.state not in {Freshness.FRESH, Freshness.AWAITED}:
                print(_line(one))
    if not arguments.json:
        told = ", ".join(f"{count} {state.value}" for state, count in sorted(counts.items()))
        print(f"collections: {told or 'none'}")
    return 0


def _collections(installation: Installation) -> Iterator[MeterFreshness]:
    after = None
    while True:
        batch = freshness(installation.services, after=after)
        yield from batch.collections
        if (after := batch.following) is None:
            return


def _line(one: MeterFreshness) -> str:
    last = f"last day {one.last_day}" if one.last_day else f"nothing since {one.since}"
    why = f": {one.why.value.replace('_', ' ')}" if one.why else ""
    return (
        f"meter {one.meter}  {one.operator}  {one.category.value}  {one.state.value}, {last}{why}"
    )


def _rebuild(settings: Settings, _: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        installation.shown.catch_up()
        before = installation.shown.digest()
        after = installation.shown.rebuild().digest()
    print(f"before  {before}\nanew    {after}")
    print("the same" if before == after else "NOT THE SAME: run 'metroledger audit'")
    return 0 if before == after else 1


def _status(settings: Settings, _: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        for part in Part:
            print(f"{part.value}: {installation.shown.lag(part)} commits to be shown")
        print(f"digest {installation.shown.digest()}")
        unread = installation.shown.store.unread()
    for one in unread:
        print(f"event {one.position} could not be shown: {one.reason}")
    return 1 if unread else 0
