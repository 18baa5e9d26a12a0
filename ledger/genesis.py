"""Genesis: the first record of a log, which says whose log it is and what rule it follows.

A log without the expected genesis is not folded. A missing log is created only when
asked by name (`metroledger init`), never because it was not found.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from domain.errors import Corrupt, Refused
from ledger.record import RECORD_MAX, Header, Kind, Record, assemble, encode_header
from ledger.rule import RULE, UnknownRule
from schemas import canonical
from schemas.leaf import LEAF_MAX


class NoGenesis(Corrupt):
    """The log does not begin with a genesis, or with one of another ledger."""

    def __init__(self, expected: str, found: str) -> None:
        """Take the origin that was expected and what was found."""
        super().__init__(
            f"the log does not begin with the genesis of {expected!r} but with {found}; "
            "check that the settings name the right log (manual: foreign genesis)"
        )


class LedgerExists(Refused):
    """A ledger is there already; opening another in its place is refused."""

    def __init__(self, origin: str) -> None:
        """Take the origin of the ledger that is there."""
        super().__init__(f"a ledger of {origin!r} is here already; it was left as it is")


class Genesis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a genesis states; `created_at` is an RFC 3339 instant."""

    format: int
    rule: int
    origin: str
    created_at: str
    record_max: int
    leaf_max: int


FORMAT: Final = 1
"""The format of the log that this program writes and folds."""

_COMMAND: Final = bytes(16)


def make_genesis(origin: str, created_at: str) -> bytes:
    """Return the record that begins a log of `origin`."""
    genesis = Genesis(
        format=FORMAT,
        rule=RULE,
        origin=origin,
        created_at=created_at,
        record_max=RECORD_MAX,
        leaf_max=LEAF_MAX,
    )
    header = encode_header(Header(kind=Kind.GENESIS, command=_COMMAND))
    return assemble(header, (), canonical.encode(genesis))


def read_genesis(record: Record, origin: str) -> Genesis:
    """Return what a genesis states.

    Raises `NoGenesis` unless it is one of `origin` in the format and with the limits of
    this program, and `UnknownRule` when it asks for another rule: folding on would give
    other heads than its writers see.
    """
    if record.header.kind is not Kind.GENESIS:
        raise NoGenesis(origin, "another kind of record")
    try:
        genesis = msgspec.json.decode(record.note, type=Genesis)
    except (ValueError, RecursionError) as error:  # msgspec's own, bad UTF-8, nesting without end
        raise NoGenesis(origin, "a genesis that does not parse") from error
    if genesis.origin != origin:
        raise NoGenesis(origin, f"the genesis of {genesis.origin!r}")
    if genesis.rule != RULE:
        raise UnknownRule(genesis.rule)
    if (genesis.format, genesis.record_max, genesis.leaf_max) != (FORMAT, RECORD_MAX, LEAF_MAX):
        raise NoGenesis(origin, "a genesis of a format or limits that this program does not know")
    return genesis


def digest_of(record: bytes) -> bytes:
    """Return the digest by which a record is recognised: SHA-256 of its bytes."""
    return hashlib.sha256(record).digest()
