"""Files by the setting that places them, metrics by label, log lines by field, browsers."""

from __future__ import annotations

from typing import Final

from metroledger.personal_data.entry import Category, Entry, Keeping, Place, Why


def _file(setting: str, category: Category, why: Why, keeping: Keeping, note: str) -> Entry:
    """Return an entry for the files at or below what a setting names."""
    return Entry(Place.FILE, setting, ("*",), category, why, keeping, note)


def _plain(place: Place, holder: str, fields: str) -> Entry:
    return Entry(place, holder, tuple(fields.split()), Category.NONE, Why.RUNNING, Keeping.READ)


_IDS, _NONE = Category.PSEUDONYM, Category.NONE

_FILES: Final = (
    _file(
        "identity_file",
        _NONE,
        Why.RUNNING,
        Keeping.INSTALLED,
        "origin and random ids of the ledger",
    ),
    _file("postgres", _IDS, Why.ORDER, Keeping.FOR_EVER, "the database's files: its columns"),
    _file("kafka", _IDS, Why.ORDER, Keeping.FOR_EVER, "an embedded Kafka's files: the log"),
    _file("tiles", _IDS, Why.PROOF, Keeping.FOR_EVER, "the public record: leaves and their tree"),
    _file("checkpoints", _NONE, Why.PROOF, Keeping.FOR_EVER, "every checkpoint ever signed"),
    _file("keys", _IDS, Why.KEYS, Keeping.INSTALLED, "the key store's file: its columns"),
    _file(
        "key_backup", _IDS, Why.KEYS, Keeping.EPOCH, "a copy of the key store, worthless thereafter"
    ),
    _file("keyring", _NONE, Why.KEYS, Keeping.EPOCH, "the epoch's key: opens nothing by itself"),
    _file(
        "wrapped_epochs", _NONE, Why.KEYS, Keeping.EPOCH, "the epoch's key, as OpenBao wrapped it"
    ),
    _file(
        "destroyed", _IDS, Why.KEYS, Keeping.FOR_EVER, "ids of destroyed keys, and their instants"
    ),
    _file("signing_key", _NONE, Why.PROOF, Keeping.INSTALLED, "the log's signing key"),
    _file("verifying_key", _NONE, Why.PROOF, Keeping.FOR_EVER, "its public half"),
    _file("operator_keys", _NONE, Why.COLLECTION, Keeping.INSTALLED, "operators' decryption keys"),
    _file(
        "parked",
        Category.DELIVERED,
        Why.RUNNING,
        Keeping.PARKED,
        "an operator's file that could not be read, sealed under a key of its own",
    ),
    _file(
        "notices",
        Category.DWELLING,
        Why.RIGHTS,
        Keeping.NOTICE,
        "what an operator or a recipient is told of an erasure, sealed under a key of its own",
    ),
    _file(
        "incoming",
        Category.DELIVERED,
        Why.COLLECTION,
        Keeping.DELIVERED,
        "operators' files as they came, mostly encrypted by them: meter numbers and readings",
    ),
    _file(
        "dropbox/kept",
        Category.DELIVERED,
        Why.COLLECTION,
        Keeping.DELIVERED,
        "the same once they were taken in, by a random id in place of their name",
    ),
    _file("fetched", _NONE, Why.RUNNING, Keeping.INSTALLED, "names of files that were fetched"),
    _file("accounts", _NONE, Why.COLLECTION, Keeping.INSTALLED, "operators' public keys"),
    _file("counts", _NONE, Why.RUNNING, Keeping.INSTALLED, "what an operator brought today"),
    _file("host_key", _NONE, Why.RUNNING, Keeping.INSTALLED, "the key of our SFTP server"),
    _file(
        "outbox",
        Category.LETTER,
        Why.LETTERS,
        Keeping.OUTBOX,
        "letters that no mail server has taken, in clear, for their owner's eyes",
    )._replace(fields=("From", "To", "Subject", "Auto-Submitted", "X-Lasts-Seconds", "body")),
    _file("theme", _NONE, Why.RUNNING, Keeping.INSTALLED, "a style sheet of the metropolis's own"),
)
_FIGURES: Final = (
    _plain(Place.METRIC, "metroledger_http_requests", "method route status"),
    _plain(Place.METRIC, "metroledger_http_request_seconds", "method route le"),
    _plain(Place.METRIC, "metroledger_key_store_seconds", "kind le"),
    _plain(Place.METRIC, "metroledger_shown_lag_commits", "part"),
    _plain(Place.METRIC, "metroledger_check_state", "check"),
    _plain(Place.METRIC, "metroledger_notices", "state"),
    _plain(Place.METRIC, "metroledger_events", "type"),
    _plain(Place.METRIC, "metroledger_readings_refused", "reason"),
    _plain(Place.METRIC, "metroledger_deliveries_parked", "reason"),
)
_LINES: Final = (
    _plain(
        Place.LOG_LINE,
        "every line",
        "time level event error where says withheld logger line",
    ),
    _plain(Place.LOG_LINE, "http-request", "method route status ms"),
    _plain(Place.LOG_LINE, "file-collected", "delivery result bytes taken"),
    _plain(Place.LOG_LINE, "sftp-file-arrived", "bytes"),
    _plain(Place.LOG_LINE, "sftp-too-many-sessions", "sessions"),
    _plain(Place.LOG_LINE, "sftp-upload-cut", "files"),
    _plain(Place.LOG_LINE, "operations-started", "port"),
    _plain(Place.LOG_LINE, "sftp-listens", "port"),
    _plain(Place.LOG_LINE, "portal-started", "port"),
    _plain(Place.LOG_LINE, "letters-sent-late", "letters"),
    Entry(Place.LOG_LINE, "erasure-incomplete", ("account",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(Place.LOG_LINE, "past-erasure-incomplete", ("request",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(Place.LOG_LINE, "notice-not-kept", ("notice",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(
        Place.LOG_LINE,
        "data-after-erasure-not-noted",
        ("notice",),
        _IDS,
        Why.RUNNING,
        Keeping.READ,
    ),
    Entry(Place.LOG_LINE, "notice-not-taken", ("notice",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(Place.LOG_LINE, "letter-owed", ("account",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(Place.LOG_LINE, "letter-not-noted", ("account",), _IDS, Why.RUNNING, Keeping.READ),
    Entry(Place.LOG_LINE, "letters-not-dropped", ("account",), _IDS, Why.RUNNING, Keeping.READ),
)
_BROWSERS: Final = tuple(
    Entry(
        Place.BROWSER,
        cookie,
        ("token",),
        Category.SIGN_IN,
        Why.SIGN_IN,
        Keeping.SESSION,
        "a random token in the person's own browser; here only its digest is kept",
    )
    for cookie in ("session_cookie", "staff_cookie")
)

ELSEWHERE: Final[tuple[Entry, ...]] = (*_FILES, *_FIGURES, *_LINES, *_BROWSERS)
"""Every place of a file, every label of a metric, every field of a log line, every cookie."""
