"""What the fields of a request may hold: narrow, and the same for every address.

No text holds a control character, a lone surrogate or a line's end; days lie in years that
people and calendars have; a body is read strictly, so that a number is never a day.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
_DAY_LENGTH: Final = len("2026-01-31")
_DAY_PATTERN: Final = "^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def _read_day(value: object) -> object:
    """Take a day as it is written, and nothing that a library would also take for one."""
    if isinstance(value, str) and len(value) == _DAY_LENGTH and value.isascii():
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    message = "a day is written YYYY-MM-DD"
    raise ValueError(message)


def _require_usual(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        message = "a day lies between 1900 and 2199"
        raise ValueError(message)
    return day


def _require_said(text: str) -> str:
    if not text.strip():
        message = "this is blank"
        raise ValueError(message)
    return text


Day = Annotated[
    date,
    BeforeValidator(_read_day),
    AfterValidator(_require_usual),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY_PATTERN}),
]
Line = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
    ),
    AfterValidator(_require_said),
]
Version = Annotated[str, StringConstraints(pattern="^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$")]
Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
Operator = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,39}$")]
Number = Annotated[str, StringConstraints(pattern="^[0-9A-Z]{1,20}$")]
FluidWord = Literal["electricity", "gas", "heat", "water"]
CategoryWord = Literal["daily_index", "load_curve", "maximum_power", "contract"]
KindWord = Literal["terms_of_use", "consent_wording", "paper_form"]
RecipientWord = Literal["metropole"]
PurposeWord = Literal["consumption_view"]
Key = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,128}$")]
Cursor = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{1,64}$")]
