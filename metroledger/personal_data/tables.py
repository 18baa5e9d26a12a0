"""Every column of the ledger's database and of the key store."""

from __future__ import annotations

from typing import Final

from metroledger.personal_data.entry import Category, Entry, Keeping, Place, Why


def _of(holder: str, category: Category, why: Why, keeping: Keeping, fields: str) -> Entry:
    """Return an entry for columns of a table; a dot in its name says that it is a projection's."""
    return Entry(Place.DATABASE, holder, tuple(fields.split()), category, why, keeping)


def _key(holder: str, keeping: Keeping, fields: str) -> Entry:
    return Entry(
        Place.KEY_STORE, holder, tuple(fields.split()), Category.PSEUDONYM, Why.KEYS, keeping
    )


_IDS, _NONE = Category.PSEUDONYM, Category.NONE

_LOG: Final = (
    _of("log", _IDS, Why.ORDER, Keeping.FOR_EVER, "offset record"),
    _of("log_identity", _NONE, Why.ORDER, Keeping.INSTALLED, "single identity"),
    _of(
        "cursor",
        _NONE,
        Why.ORDER,
        Keeping.INSTALLED,
        "single offset offset_last last genesis identity rule position accepted frontier",
    ),
    _of("heads", _IDS, Why.ORDER, Keeping.FOR_EVER, "stream version ended"),
    _of("fates", _IDS, Why.ORDER, Keeping.FOR_EVER, "command accepted"),
    _of("commits", _IDS, Why.ORDER, Keeping.FOR_EVER, "offset command position events leaf leaves"),
    _of("segments", _IDS, Why.ORDER, Keeping.FOR_EVER, "stream first events offset"),
    _of("leaves", _IDS, Why.ORDER, Keeping.FOR_EVER, "leaf entry"),
    _of("registered", _IDS, Why.ORDER, Keeping.FOR_EVER, "leaf header frame"),
    _of("readings", _IDS, Why.PROOF, Keeping.FOR_EVER, "consent offset frame place"),
    _of("projection", _NONE, Why.RUNNING, Keeping.INSTALLED, "single generation"),
    _of("reactions", _NONE, Why.RUNNING, Keeping.INSTALLED, "name next"),
)
_SHOWN: Final = (
    _of("projection.cursors", _NONE, Why.RUNNING, Keeping.INSTALLED, "part next received_at"),
    _of(
        "projection.standing",
        Category.CONSENT,
        Why.SHOWING,
        Keeping.ERASURE,
        "account key consents covers sealed",
    ),
    _of("projection.lasting", _IDS, Why.COLLECTION, Keeping.ERASURE, "consent last_day"),
    _of(
        "projection.requests",
        Category.PSEUDONYM,
        Why.RIGHTS,
        Keeping.FOR_EVER,
        "account requested_at identified_at held_at validated_at ordered_at closed_at outcome",
    ),
    _of(
        "projection.slips",
        Category.DAILY_INDEX,
        Why.SHOWING,
        Keeping.READINGS,
        "consent leaf place received_at key reading_leaf sealed",
    ),
    _of(
        "projection.pages",
        Category.DAILY_INDEX,
        Why.SHOWING,
        Keeping.READINGS,
        "consent month key sealed figures",
    ),
    _of("projection.unread", _NONE, Why.RUNNING, Keeping.INSTALLED, "position reason"),
)
_DOOR: Final = (
    _of("credentials", Category.SIGN_IN, Why.SIGN_IN, Keeping.ERASURE, "owner sealed"),
    _of(
        "sessions",
        Category.SIGN_IN,
        Why.SIGN_IN,
        Keeping.SESSION,
        "digest account member began_at seen_at",
    ),
    _of("counters", Category.SIGN_IN, Why.SIGN_IN, Keeping.COUNTER, "bucket since count"),
    _of(
        "staff",
        Category.STAFF,
        Why.STAFF,
        Keeping.REVOKED,
        "profile invitation factor step",
    ),
    _of("staff", Category.STAFF, Why.STAFF, Keeping.FOR_EVER, "number id role since revoked_at"),
    _of("recovery_codes", Category.STAFF, Why.STAFF, Keeping.REVOKED, "member digest"),
)
_WORK: Final = (
    _of(
        "asked",
        _IDS,
        Why.RUNNING,
        Keeping.ASKED,
        "command owner kind digest about status body at",
    ),
    _of(
        "inbox",
        Category.REQUEST,
        Why.RIGHTS,
        Keeping.INBOX,
        "place command about at key sealed fortune",
    ),
    _of(
        "arrivals",
        _NONE,
        Why.RUNNING,
        Keeping.ARRIVAL,
        "id number operator delivery size_bytes at again state reason flow subscription made"
        " sequence part parts",
    ),
)
_KEYS: Final = (
    _key("meta", Keeping.INSTALLED, "format journal applied epoch generation former"),
    _key("persons", Keeping.ERASURE, "number owner key_id wrapped"),
    _key("keys", Keeping.ERASURE, "person id tag purpose consent year wrapped"),
    _key("tombstones", Keeping.FOR_EVER, "id tag fingerprint destroyed"),
    _key("closed", Keeping.FOR_EVER, "tag"),
    Entry(
        Place.KEY_STORE,
        "entries",
        ("number", "tag", "owner", "command", "confirmed", "sealed"),
        Category.IDENTITY,
        Why.KEYS,
        Keeping.ERASURE,
        "the lookup index: e-mails and meter numbers, keyed and sealed under the epoch's key; those"
        " of a notice go with it",
    ),
)

TABLES: Final[tuple[Entry, ...]] = (*_LOG, *_SHOWN, *_DOOR, *_WORK, *_KEYS)
"""Every column; `projection.TABLE` is of the generation that is read."""
