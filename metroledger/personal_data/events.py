"""Every member of every event. The event's own zones say where each lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.events import (
    access,
    account,
    agreement,
    collection,
    consent,
    delivery,
    destruction,
    letter,
    meter,
    notice,
    retention,
    terms,
)
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)
from metroledger.personal_data.entry import Category, Entry, Keeping, Place, Why
from schemas.registry import zones_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.events import Event


def _of(event: type[Event], category: Category, why: Why, fields: str) -> Iterator[Entry]:
    """Yield the entries of some members: what is public for ever, and what is sealed."""
    zones = zones_of(event)
    public = {*zones.leaf, *zones.payload}
    names = tuple(fields.split())
    shown = tuple(name for name in names if name.split(".")[0] in public)
    sealed = tuple(name for name in names if name not in shown)
    if shown:
        kind = Category.PSEUDONYM if event.GROUPS or "request" in shown else Category.NONE
        yield Entry(Place.PUBLIC, event.TOPIC, shown, kind, why, Keeping.FOR_EVER)
    if sealed:
        keeping = _PERIODS.get(category, Keeping.ERASURE)
        yield Entry(Place.SEALED, event.TOPIC, sealed, category, why, keeping)


_PERIODS: Final = {
    Category.DAILY_INDEX: Keeping.DAILY_INDEX,
    Category.LOAD_CURVE: Keeping.LOAD_CURVE,
    Category.MAXIMUM_POWER: Keeping.MAXIMUM_POWER,
    Category.LOOKS: Keeping.LOOKS,
}
"""What has a period of its own; the rest is kept while the account lives."""


_EVIDENCE: Final = (
    "evidence.channel evidence.wording evidence.wording_version evidence.sha256"
    " evidence.language evidence.act"
)
_CERTIFIED: Final = (
    "request keys root fingerprints stores epoch tree_size_before tree_size_after legal_basis"
    " not_reached"
)
_MEASURED: Final = "number direction device quality"

EVENTS: Final[tuple[Entry, ...]] = (
    # ── the account ──────────────────────────────────────────────────────────────────────────
    *_of(account.AccountOpened, Category.IDENTITY, Why.ACCOUNT, "name email language"),
    *_of(account.TermsAccepted, Category.CONSENT, Why.ACCOUNT, "terms version sha256"),
    *_of(account.ErasureRequested, Category.REQUEST, Why.RIGHTS, "request requested_at"),
    *_of(account.ErasureIdentityChecked, Category.REQUEST, Why.RIGHTS, "request means checked_by"),
    *_of(account.ErasureHeld, Category.REQUEST, Why.RIGHTS, "request reason"),
    *_of(account.ErasureHoldLifted, Category.REQUEST, Why.RIGHTS, "request"),
    *_of(account.ErasureTakenBack, Category.REQUEST, Why.RIGHTS, "request"),
    *_of(account.ErasureRefused, Category.REQUEST, Why.RIGHTS, "request reason"),
    *_of(account.ErasureValidated, Category.REQUEST, Why.RIGHTS, "request"),
    *_of(account.DestructionOrdered, Category.REQUEST, Why.RIGHTS, "request keys root"),
    *_of(account.AccountErasedV1, Category.REQUEST, Why.RIGHTS, _CERTIFIED),
    *_of(
        account.AccountErased,
        Category.REQUEST,
        Why.RIGHTS,
        f"{_CERTIFIED} asked_as checked_as validated_as carried_out_as",
    ),
    *_of(
        destruction.PastErasureRequested,
        Category.REQUEST,
        Why.RIGHTS,
        "request meter requested_at",
    ),
    *_of(destruction.PastErasureAskedAgain, Category.REQUEST, Why.RIGHTS, "again request"),
    *_of(
        destruction.KeysDestroyed,
        Category.REQUEST,
        Why.RIGHTS,
        f"{_CERTIFIED} asked_as carried_out_as",
    ),
    *_of(
        notice.NoticeQueued,
        Category.REQUEST,
        Why.RIGHTS,
        "request recipient addressee queued_on kept_days",
    ),
    *_of(notice.NoticeSent, Category.NONE, Why.RIGHTS, "times occasion sent_on"),
    *_of(notice.NoticeEscalated, Category.NONE, Why.RIGHTS, "cause escalated_on"),
    *_of(notice.NoticeDisregarded, Category.NONE, Why.RIGHTS, "rows came_on"),
    *_of(notice.NoticeAcknowledged, Category.NONE, Why.RIGHTS, "acknowledged_on"),
    *_of(notice.NoticeExpired, Category.NONE, Why.RIGHTS, "expired_on"),
    *_of(letter.LetterSent, Category.REQUEST, Why.RIGHTS, "about"),
    *_of(access.DataSeen, Category.LOOKS, Why.LOOKS, "what why role seen_at"),
    # ── meters ───────────────────────────────────────────────────────────────────────────────
    *_of(
        meter.MeterDeclared,
        Category.DWELLING,
        Why.COLLECTION,
        "account operator fluid number entry_day power_kva",
    ),
    *_of(meter.MeterAttested, Category.DWELLING, Why.COLLECTION, "reference"),
    *_of(
        meter.ContractFactsReceived, Category.CONTRACT, Why.COLLECTION, "from_day power_kva tariff"
    ),
    *_of(meter.MeterMovedOut, Category.DWELLING, Why.COLLECTION, "last_day"),
    *_of(
        meter.ConsentAttached,
        Category.CONSENT,
        Why.COLLECTION,
        "consent category recipient purpose",
    ),
    *_of(meter.ConsentDetached, Category.CONSENT, Why.COLLECTION, "consent"),
    # ── consents and collections ─────────────────────────────────────────────────────────────
    *_of(
        consent.ConsentGranted,
        Category.CONSENT,
        Why.PROOF,
        "consent cites category last_day recipient purpose granted_at first_data_day"
        f" account meter agreement {_EVIDENCE}",
    ),
    *_of(consent.ConsentGranted, Category.DWELLING, Why.PROOF, "operator fluid number"),
    *_of(consent.ConsentGranted, Category.IDENTITY, Why.PROOF, "holder"),
    *_of(
        consent.ConsentExtended,
        Category.CONSENT,
        Why.PROOF,
        f"consent last_day extended_at {_EVIDENCE}",
    ),
    *_of(consent.ConsentWithdrawn, Category.CONSENT, Why.PROOF, "consent withdrawn_at origin"),
    *_of(
        consent.ConsentRefused,
        Category.CONSENT,
        Why.PROOF,
        f"consent category recipient purpose refused_at account meter {_EVIDENCE}",
    ),
    *_of(consent.ConsentExpired, Category.CONSENT, Why.PROOF, "consent expired_on"),
    *_of(collection.CollectionStarted, Category.CONSENT, Why.PROOF, "consent channel started_at"),
    *_of(collection.CollectionSuspended, Category.CONSENT, Why.PROOF, "consent code suspended_at"),
    *_of(collection.CollectionResumed, Category.CONSENT, Why.PROOF, "consent resumed_at"),
    *_of(collection.CollectionStopped, Category.CONSENT, Why.PROOF, "consent reason stopped_at"),
    # ── readings ─────────────────────────────────────────────────────────────────────────────
    *_of(
        IndexReceived,
        Category.DAILY_INDEX,
        Why.SHOWING,
        f"{_MEASURED} at reference registers.grid registers.calendar registers.slot"
        " registers.rank registers.value_wh registers.plausibility",
    ),
    *_of(
        IntervalReceived,
        Category.DAILY_INDEX,
        Why.SHOWING,
        f"{_MEASURED} start end status energy_wh volume_dm3 coefficient index_start_dm3"
        " index_end_dm3",
    ),
    *_of(
        LoadCurveDayReceived,
        Category.LOAD_CURVE,
        Why.SHOWING,
        f"{_MEASURED} day reference runs.start runs.step_s runs.power_w",
    ),
    *_of(
        MaximumPowerReceived,
        Category.MAXIMUM_POWER,
        Why.SHOWING,
        f"{_MEASURED} day at reference power unit",
    ),
    *_of(retention.RetentionOrdered, Category.NONE, Why.RIGHTS, "matter last_year keys root"),
    *_of(
        retention.RetentionCarriedOut,
        Category.NONE,
        Why.RIGHTS,
        "keys root fingerprints stores epoch tree_size_before tree_size_after legal_basis"
        " not_reached",
    ),
    # ── what is nobody's ─────────────────────────────────────────────────────────────────────
    *_of(
        agreement.AgreementSigned,
        Category.NONE,
        Why.AGREEMENTS,
        "operator reference channels categories first_day last_day",
    ),
    *_of(agreement.AgreementEnded, Category.NONE, Why.AGREEMENTS, "reason"),
    *_of(terms.TermsPublished, Category.NONE, Why.AGREEMENTS, "kind version language text sha256"),
    *_of(
        delivery.DeliveryReceived,
        Category.NONE,
        Why.PROOF,
        "cites operator channel flow part parts readings root counts",
    ),
    *_of(delivery.DeliveryCompleted, Category.NONE, Why.PROOF, "parts rows"),
    *_of(
        delivery.DeliveryParked,
        Category.NONE,
        Why.RUNNING,
        "operator channel flow reason kept_days",
    ),
)
"""Every member of every stored event, a nested one by its path."""
