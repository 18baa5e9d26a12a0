"""Canonical JSON (RFC 8785) without floating-point numbers: one value, one spelling.

What is hashed and signed must be spelled alike by every program, for ever. RFC
8785 says how: no spaces, members sorted by the UTF-16 code units of their names,
the shortest string escapes. Its hard part is the spelling of floating-point
numbers, so there are none here: quantities are integers of a small unit.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from domain.errors import Malformed

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""What canonical JSON can hold; integers are within ±(2⁵³ - 1)."""

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps whole (RFC 8785 §3.2.2.3)."""
MAX_DEPTH = 64
"""The deepest nesting; deeper is an attack on the reader's stack, not a document."""


class JsonMalformed(Malformed):
    """A value has no canonical JSON, or bytes are not the canonical JSON of a value."""

    def __init__(self, reason: str) -> None:
        """Say what stands in the way; never show the value, which may be personal."""
        super().__init__(f"this has no canonical JSON: {reason}; nothing was signed or hashed")
        self.reason = reason


def canonical_json(value: Json) -> bytes:
    """Return the canonical bytes of a value (UTF-8), raising `JsonMalformed` if it has none.

    Floats, names that are not strings, integers beyond ±(2⁵³ - 1), lone
    surrogates and anything that is not JSON are refused.
    """
    ordered = _ordered(value, MAX_DEPTH)
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        reason = "a string holds half of a surrogate pair"
        raise JsonMalformed(reason) from None


def parse_canonical(data: bytes) -> Json:
    """Return the value whose canonical JSON is `data`; `JsonMalformed` for any other spelling.

    Repeated members, spaces, floats and other orders are refused because the
    value, written again, has other bytes.
    """
    try:
        value: Json = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        reason = "it is not JSON in UTF-8"
        raise JsonMalformed(reason) from None
    if canonical_json(value) != data:
        reason = "it is spelled in another way than RFC 8785 does"
        raise JsonMalformed(reason)
    return value


def _ordered(value: object, depth: int) -> object:
    """Return the value with members in canonical order, having checked every part."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            reason = "an integer is beyond 2⁵³ - 1"
            raise JsonMalformed(reason)
        return value
    if depth == 0:
        reason = f"it is nested deeper than {MAX_DEPTH}"
        raise JsonMalformed(reason)
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, Mapping):
        return {name: _ordered(value[name], depth - 1) for name in sorted(value, key=_name_order)}
    reason = f"{type(value).__name__} is not one of its types"
    raise JsonMalformed(reason)


def _name_order(name: object) -> bytes:
    """Order names by UTF-16 code units (RFC 8785 §3.2.3): emoji before U+FB33, as in Java."""
    if not isinstance(name, str):
        reason = "a member's name is not a string"
        raise JsonMalformed(reason)
    return name.encode("utf-16-be", "surrogatepass")
