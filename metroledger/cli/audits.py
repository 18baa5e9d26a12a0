"""Commands that re-check: audit the log, replay it and compare, as of any tree size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from domain.errors import Corrupt
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, print_json
from proofs.check import check_tiles
from proofs.checkpoint import Checkpoint, open_checkpoint
from proofs.journal import Journal
from proofs.merkle import EMPTY_ROOT
from proofs.tiles import ENTRIES, TILE_WIDTH, read_entries, tile_at
from replay.as_of import state_as_of, states_as_of
from replay.rebuild import rebuild
from replay.report import Report, Subject, audit_closed, audit_open

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings
    from replay.findings import Covered


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    audit = command(commands, "audit", _audit, "Was every reading covered by a consent in force?")
    audit.add_argument("--open", action="store_true", help="with keys: point, perimeter, day too")
    audit.add_argument("--json", action="store_true", help="one JSON line a reading, then the sum")
    replay = command(commands, "replay", _replay, "Fold the log again and compare.")
    of = replay.add_mutually_exclusive_group()
    of.add_argument("--as-of", type=int, metavar="SIZE", help="instead: the state at a tree size")
    of.add_argument("--checkpoints", action="store_true", help="instead: at each signed checkpoint")


def subject_of(installation: Installation) -> Subject:
    """Return what is audited: the log, and what was published of it."""
    signed = installation.publisher.published()
    origin = installation.identity.origin
    published = signed.checkpoint if signed else Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)
    return Subject(
        log=installation.log,
        origin=origin,
        published=published,
        entry=entry_reader(installation.settings, published.size),
    )


def entry_reader(settings: Settings, size: int) -> Callable[[int], bytes]:
    """Return how to read a published entry by its index, a bundle at a time."""

    @lru_cache(maxsize=4)
    def bundle(number: int) -> tuple[bytes, ...]:
        return read_entries(settings.tiles, tile_at(ENTRIES, number, size))

    def entry(index: int) -> bytes:
        number, place = divmod(index, TILE_WIDTH)
        return bundle(number)[place]

    return entry


def _audit(settings: Settings, arguments: argparse.Namespace) -> int:
    each = _print_verdict if arguments.json else None
    with open_ledger(settings) as installation:
        subject = subject_of(installation)
        if arguments.open:
            report = audit_open(subject, installation.keys.fetch, each)
        else:
            report = audit_closed(subject, each)
        damaged = _published_damage(installation)
    if arguments.json:
        print_json({**_summary(report), "published_files": damaged or "in order"})
    else:
        _print_report(report)
        print(f"  published files and checkpoints: {damaged or 'in order'}")
    return 0 if report.passed and damaged is None else 1


def _published_damage(installation: Installation) -> str | None:
    """Return what is wrong with the published files, None when every byte is in order."""
    settings = installation.settings
    try:
        check_tiles(settings.tiles, [installation.verifier], journal=settings.checkpoints)
    except Corrupt as error:
        return str(error)
    return None


def _print_verdict(verdict: Covered) -> None:
    print_json(
        {
            "delivery": verdict.leaf,
            "reading": verdict.place,
            "consent": verdict.consent,
            "grant": verdict.grant,
            "agreement": verdict.agreement,
            "ending": verdict.ending,
            "verdict": "covered" if verdict.breach is None else "not covered",
            "breach": verdict.breach,
        }
    )


def _summary(report: Report) -> dict[str, object]:
    return {
        "audit": report.mode,
        "tree_size": report.size,
        "commits": report.commits,
        "void_records": report.voids,
        "readings": report.readings,
        "covered": report.covered,
        "opened": report.opened,
        "erased": report.erased,
        "findings": [str(finding) for finding in report.findings],
    }


def _print_report(report: Report) -> None:
    print(f"{report.mode} audit of {report.size} leaves, {report.commits} commits:")
    print(f"  covered by a consent in force: {report.covered} of {report.readings} readings")
    if report.mode == "open":
        print(f"  opened with keys, and point, perimeter and day checked: {report.opened}")
        print(f"  erased on order, so not openable: {report.erased}")
    else:
        print("  nothing was opened; point, perimeter and day are tested by 'audit --open'")
    print("  expiry by date was tested against the leaves' hours: the ledger's own word, until")
    print("    witnesses have cosigned them")
    print(f"  breaches: {len(report.findings) or 'none'}")
    for finding in report.findings:
        print(f"  BREACH {finding}")


def _replay(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        if arguments.checkpoints:
            return _print_checkpoints(installation)
        if arguments.as_of is not None:
            subject = subject_of(installation)
            for line in state_as_of(subject, arguments.as_of).lines():
                print(line)
            return 0
        result = rebuild(installation.log, installation.store, installation.identity.origin)
    for line in result.lines():
        print(line)
    return 0 if result.same else 1


def _print_checkpoints(installation: Installation) -> int:
    notes = Journal(installation.settings.checkpoints).notes()
    verifiers = [installation.verifier]
    signed = {
        one.size: one.root for one in (open_checkpoint(n, verifiers).checkpoint for n in notes)
    }
    print("  size  hour (claimed)  agreements  consents  ended  readings  root")
    same = True
    for state in states_as_of(subject_of(installation), sorted(signed)):
        agrees = state.root == signed[state.size]
        same = same and agrees
        print(
            f"{state.size:>6}  {state.hour or '-':14}  {len(state.agreements_in_force):>10}  "
            f"{len(state.consents_live):>8}  {len(state.consents_ended):>5}  {state.readings:>8}  "
            f"{'as signed' if agrees else 'NOT AS SIGNED'}"
        )
    return 0 if same else 1
