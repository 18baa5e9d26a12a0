"""The ledger in figures, read when somebody asks: from the database and the files, not memory.

Several processes work on one ledger, and any of them may be killed. What they did is on the
ledger, so it is counted there: no process keeps count for another, and a restart sets
nothing back to zero. Labels are topics of events and codes of reasons, which the source
bounds; no id and nothing of a person is in a figure.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from application.doctor.finding import State
from application.tally import Tally
from domain.aggregates import notice
from domain.errors import MetroledgerError
from domain.values import civil_day
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from prometheus_client import Metric

    from application.doctor.finding import Finding
    from application.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is looked at: the use cases' services, the checkpoint's file, the doctor's checks.

    `codes` are the reasons for which files are parked; `checkpoint` returns the size of the
    published tree; `checks` makes those of the doctor's checks that cost next to nothing.
    """

    services: Services
    codes: frozenset[str]
    checkpoint: Callable[[], int]
    checkpoint_file: Path
    checks: Callable[[], Iterable[Finding]]


class LedgerFigures(Collector):
    """Reads the ledger at each scrape; what it has counted of the leaves it keeps."""

    def __init__(self, watch: Watch) -> None:
        """Take what is looked at."""
        self._watch = watch
        self._tally = Tally(watch.codes)
        self._lock = threading.Lock()

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield the figures as they are now; of a ledger that does not answer, only that."""
        try:
            figures = [*self._figures()]
        except (MetroledgerError, OSError):
            figures = []
        yield _gauge("metroledger_up", "Whether the ledger answered this scrape.", bool(figures))
        yield from figures

    def _figures(self) -> Iterator[Metric]:
        services = self._watch.services
        now = services.clock()
        with self._lock:
            self._tally.read(services.ledger.folder.store)
            yield from _tallied(self._tally, now)
        yield from self._positions()
        yield from self._ages(now)
        states = Counter(one.status for one in services.register.read().notices.values())
        yield _labelled(
            "metroledger_notices",
            "Notices of erasures that are not acknowledged, by state.",
            "state",
            {one.value: states[one] for one in notice.LIVING},
        )
        yield _labelled(
            "metroledger_check_state",
            "The doctor's checks: 0 in order, 1 to be watched, 2 broken.",
            "check",
            {one.check: list(State).index(one.state) for one in self._watch.checks()},
        )

    def _positions(self) -> Iterator[Metric]:
        services = self._watch.services
        folder = services.ledger.folder
        cursor = folder.store.cursor()
        yield _gauge(
            "metroledger_fold_lag_records",
            "Records of the log that are not folded.",
            folder.log.end() - cursor.offset,
        )
        yield _gauge("metroledger_tree_leaves", "Leaves of the main tree.", cursor.size)
        yield _gauge(
            "metroledger_checkpoint_leaves",
            "Leaves that the published checkpoint covers.",
            self._watch.checkpoint(),
        )
        yield _labelled(
            "metroledger_shown_lag_commits",
            "Commits that are accepted and not shown yet, counted to 400.",
            "part",
            {part.value: services.shown.lag(part) for part in Part},
        )
        yield _gauge(
            "metroledger_unreadable_events",
            "Accepted events that cannot be shown, counted to 1,000.",
            len(services.shown.store.unread()),
        )

    def _ages(self, now: datetime) -> Iterator[Metric]:
        epoch = self._watch.services.keys.epoch()
        yield CounterMetricFamily(
            "metroledger_epochs_ended", "Epochs of the key store that ended.", epoch.generation
        )
        yield _gauge(
            "metroledger_epoch_age_seconds",
            "How long ago the key store's epoch began.",
            (now - epoch.since).total_seconds(),
        )
        if self._watch.checkpoint_file.exists():
            age = now.timestamp() - self._watch.checkpoint_file.stat().st_mtime
            yield _gauge(
                "metroledger_checkpoint_age_seconds",
                "How long ago the published checkpoint was signed.",
                max(age, 0.0),
            )


def _tallied(tally: Tally, now: datetime) -> Iterator[Metric]:
    yield _counted("metroledger_events", "Accepted events, by type.", "type", tally.events)
    yield CounterMetricFamily(
        "metroledger_deliveries", "Deliveries taken in whole.", tally.deliveries
    )
    yield CounterMetricFamily("metroledger_readings_taken", "Readings taken in.", tally.readings)
    yield _counted(
        "metroledger_readings_refused",
        "Values delivered and not taken in, by reason.",
        "reason",
        tally.refused,
    )
    yield _counted(
        "metroledger_deliveries_parked", "Deliveries parked, by reason.", "reason", tally.parked
    )
    yield _gauge("metroledger_consents", "Consents not ended.", len(tally.lasts))
    yield _gauge(
        "metroledger_consents_lapsed",
        "Consents that are over and not recorded as expired.",
        tally.lapsed(civil_day(now)),
    )
    if tally.taken_at is not None:
        yield _gauge(
            "metroledger_delivery_age_seconds",
            "How long ago the last delivery was taken in, to the hour.",
            max((now - tally.taken_at).total_seconds(), 0.0),
        )


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value)


def _labelled(name: str, says: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counted(name: str, says: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, says, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
