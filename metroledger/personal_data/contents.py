"""What the log's records hold beside events, and what sealed columns and files hold inside."""

from __future__ import annotations

from typing import Final

from metroledger.personal_data.entry import Category, Entry, Keeping, Place, Why


def _of(place: Place, holder: str, category: Category, why: Why, fields: str) -> Entry:
    keeping = Keeping.ERASURE if place is Place.CONTENT else Keeping.FOR_EVER
    if category is Category.DAILY_INDEX:
        keeping = Keeping.READINGS
    return Entry(place, holder, tuple(fields.split()), category, why, keeping)


def _ids(place: Place, holder: str, fields: str) -> Entry:
    return _of(place, holder, Category.PSEUDONYM, Why.ORDER, fields)


CONTENTS: Final[tuple[Entry, ...]] = (
    # ── the log's own forms ──────────────────────────────────────────────────────────────────
    _ids(
        Place.PUBLIC,
        "Leaf",
        "v type event hour rest commitment payload consent cites category last_day",
    ),
    _ids(Place.PUBLIC, "ReadingLeaf", "kind event consent commitment"),
    _ids(Place.PRIVATE, "Private", "salt stream version at key role actor extra"),
    _ids(Place.PRIVATE, "Header", "kind command reads writes"),
    _ids(Place.PRIVATE, "Read", "stream version"),
    _ids(Place.PRIVATE, "Write", "stream version events ends"),
    # ── pages of the projections ─────────────────────────────────────────────────────────────
    _of(
        Place.CONTENT,
        "Entry",
        Category.DAILY_INDEX,
        Why.SHOWING,
        "leaf place received_s kind packed",
    ),
    _of(Place.CONTENT, "Edge", Category.DAILY_INDEX, Why.SHOWING, "day rows disputed counting"),
    _of(Place.CONTENT, "Stretch", Category.DAILY_INDEX, Why.SHOWING, "day span disputed energies"),
    _of(Place.CONTENT, "Figures", Category.DAILY_INDEX, Why.SHOWING, "opening closing stretches"),
    _of(
        Place.CONTENT,
        "Standing",
        Category.CONSENT,
        Why.SHOWING,
        "accounts meters consents collections",
    ),
    _of(Place.CONTENT, "Placed", Category.CONSENT, Why.SHOWING, "version ended state"),
    _of(Place.CONTENT, "Account", Category.IDENTITY, Why.ACCOUNT, "opened"),
    _of(Place.CONTENT, "Account", Category.CONSENT, Why.ACCOUNT, "status accepted"),
    _of(
        Place.CONTENT,
        "Account",
        Category.REQUEST,
        Why.RIGHTS,
        "request requested_at identified held refused ordered pasts asked_again",
    ),
    _of(
        Place.CONTENT,
        "Meter",
        Category.DWELLING,
        Why.SHOWING,
        "status declared attestation last_day",
    ),
    _of(Place.CONTENT, "Meter", Category.CONTRACT, Why.SHOWING, "facts"),
    _of(Place.CONTENT, "Meter", Category.CONSENT, Why.COLLECTION, "attached"),
    _of(
        Place.CONTENT,
        "Consent",
        Category.CONSENT,
        Why.PROOF,
        "status granted refused last_day extended_at withdrawn_at",
    ),
    _of(
        Place.CONTENT,
        "Collection",
        Category.CONSENT,
        Why.PROOF,
        "status consent channel started_at changed_at",
    ),
    _of(
        Place.CONTENT,
        "Cover",
        Category.CONSENT,
        Why.COLLECTION,
        "meter consent version recipient category status granted_at first_data_day last_day"
        " collections",
    ),
    _of(Place.CONTENT, "Cover", Category.DWELLING, Why.COLLECTION, "operator number powers"),
    _of(
        Place.CONTENT,
        "Collecting",
        Category.CONSENT,
        Why.COLLECTION,
        "stream version status started_at",
    ),
    # ── other sealed columns and files ───────────────────────────────────────────────────────
    _of(Place.CONTENT, "Act", Category.REQUEST, Why.RIGHTS, "command kind account about at"),
    _of(Place.CONTENT, "Told", Category.CONSENT, Why.RIGHTS, "recipient addressee")._replace(
        keeping=Keeping.NOTICE
    ),
    _of(Place.CONTENT, "Told", Category.DWELLING, Why.RIGHTS, "points")._replace(
        keeping=Keeping.NOTICE
    ),
    _of(
        Place.CONTENT, "Named", Category.DWELLING, Why.RIGHTS, "operator fluid number shared"
    )._replace(keeping=Keeping.NOTICE),
    _of(Place.CONTENT, "Profile", Category.STAFF, Why.STAFF, "name email")._replace(
        keeping=Keeping.REVOKED
    ),
)
"""Forms of the log, and the classes whose values are sealed."""
