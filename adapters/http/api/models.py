"""What the API says, and what it is told: the shapes that stand in its OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from adapters.http.api.fields import (
    CategoryWord,
    Day,
    FluidWord,
    Language,
    Line,
    Number,
    Operator,
    PurposeWord,
    RecipientWord,
    Version,
)
from domain.aggregates.account import AccountStatus
from domain.aggregates.agreement import AgreementStatus
from domain.aggregates.consent import ConsentStatus
from domain.aggregates.consumption import HeldBack
from domain.events.terms import TextKind
from domain.values import Category, Channel
from projections.periods import Grain


class Said(BaseModel):
    """What we say; whatever is None is said as null."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Told(BaseModel):
    """What we are told; a field that is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Session(Said):
    """Who is signed in. Each write carries `form_token` in the header X-Form-Token."""

    account: UUID
    form_token: str


class Account(Said):
    """An account. While `must_accept`, no data is shown: the terms in force wait for a yes."""

    account: UUID
    name: str
    email: str
    language: str
    status: AccountStatus
    terms_accepted: str | None
    terms_current: str | None
    must_accept: bool


class Meter(Said):
    """A meter that the holder declared; `power_kva` in kVA, null when nobody said."""

    id: UUID
    operator: str
    fluid: str
    number: str
    entry_day: date
    power_kva: int | None
    attested: bool
    left_on: date | None


class Meters(Said):
    """A page of meters."""

    meters: list[Meter]
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class PastErasure(Said):
    """A request to erase what was measured at a meter; `leaf` is its certificate's, once done."""

    id: UUID
    requested_at: datetime
    ordered_at: datetime | None
    done_at: datetime | None
    leaf: int | None


class PastErasures(Said):
    """All requests about a meter, the oldest first."""

    requests: list[PastErasure]


class Consent(Said):
    """A consent or a refusal, as it stands. Days are inclusive; `last_day` null: not given.

    `withdrawn_at` is null while a withdrawal waits to be written; `status` tells it at once.
    """

    id: UUID
    meter: UUID
    status: ConsentStatus
    category: Category
    recipient: str
    purpose: str
    answered_at: datetime
    first_data_day: date | None
    last_day: date | None
    withdrawn_at: datetime | None
    wording_version: str
    language: str


class Consents(Said):
    """A page of consents."""

    consents: list[Consent]
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class Wording(Said):
    """A published text, letter by letter as it was shown."""

    kind: TextKind
    version: str
    language: str
    text: str


class Piece(Said):
    """The energy of a day, or of several that cannot be told apart; days are inclusive.

    `energy_wh` is null in a gap (`held_back` is null too: nothing was measured) and where a
    difference cannot be trusted (`held_back` says why). It is never 0 for want of a value.
    """

    first_day: date
    last_day: date
    energy_wh: int | None
    held_back: HeldBack | None
    disputed: bool


class Total(Said):
    """The energy of a period: the sum over its `measured_days`, null when there are none.

    `missing_days` were not measured; `held_days` are of differences that cannot be trusted, or
    of readings that were destroyed; `shared_days` were measured together with days of another
    period, and are in no sum.
    """

    first_day: date
    last_day: date
    energy_wh: int | None
    measured_days: int
    missing_days: int
    held_days: int
    shared_days: int
    disputed: bool


class Consumption(Said):
    """What was consumed under one consent, in pieces of the grain that was asked for."""

    consent: UUID
    first_day: date
    last_day: date
    grain: Grain
    pieces: list[Piece | Total]
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class Power(Said):
    """The highest power of a day, in its `unit` as the operator sent it; `at` where it was said.

    `power` is null in a gap, and where it was `removed`: the key of its year was destroyed. It
    is never 0 for want of a value. `disputed`: several deliveries differ, and the last one stands.
    """

    day: date
    power: int | None
    unit: str | None = Field(description="VA or W, which are not the same quantity; null in a gap.")
    at: datetime | None
    disputed: bool
    removed: bool


class Powers(Said):
    """The highest power of each day, under one consent."""

    consent: UUID
    first_day: date
    last_day: date
    days: list[Power]
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class Recipient(Said):
    """Somebody who may see my data: what, for what, since and until when."""

    consent: UUID
    meter: UUID
    recipient: str
    category: Category
    purpose: str
    status: ConsentStatus
    since: datetime
    until: date | None
    received_last: datetime | None


class Recipients(Said):
    """A page of recipients."""

    recipients: list[Recipient]
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class Receipt(Said):
    """Where the receipt of a consent is; whoever holds it can verify it without us."""

    consent: UUID
    category: Category
    answered_at: datetime
    receipt: str
    wording: str


class Receipts(Said):
    """A page of receipts, and where the public key to verify them is."""

    receipts: list[Receipt]
    public_key: str
    next: str | None = Field(description="The next page's cursor, null on the last one.")


class Agreement(Said):
    """What the metropolis and an operator agreed on. Public."""

    id: UUID
    operator: str
    reference: str
    status: AgreementStatus
    channels: list[Channel]
    categories: list[Category]
    first_day: date
    last_day: date


class Agreements(Said):
    """Every agreement that was ever signed, in their order."""

    agreements: list[Agreement]


class TextVersion(Said):
    """A version of a published text; `sha256` of its UTF-8 bytes, in hexadecimal."""

    kind: TextKind
    version: str
    language: str
    sha256: str
    current: bool
    location: str


class Texts(Said):
    """Every version of every published text."""

    texts: list[TextVersion]


class Done(Said):
    """A write that happened: the id of what it made or changed, and where that is."""

    id: UUID
    location: str


class Doubt(Said):
    """A write whose outcome is not known yet: ask at `status`, or send the same again.

    `state` is open, or kept: then it holds already, and waits for the ledger to answer.
    """

    command: UUID
    state: str
    status: str


class Command(Said):
    """What became of a write. `state` is open, kept, done or refused; `answer` as it was given."""

    command: UUID
    state: str
    status: int | None
    answer: Any = None


class Fault(Said):
    """A field, and what is wrong with it; never the value."""

    field: str
    reason: str


class Problem(Said):
    """Why something was not done (RFC 9457). `type` tells more in words."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[Fault] | None = None


class Acceptance(Told):
    """That the holder accepts a version of the terms of use."""

    version: Version
    language: Language = "fr"


class Declaration(Told):
    """A meter, as the holder reads it off the device or a bill."""

    operator: Operator
    fluid: FluidWord = "electricity"
    number: Number
    entry_day: Day = Field(description="The day they moved in.")
    power_kva: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Question(Told):
    """What a person was asked, and in which words. One act is one category and one recipient."""

    meter: UUID
    category: CategoryWord
    recipient: RecipientWord = "metropole"
    purpose: PurposeWord = "consumption_view"
    wording_version: Version
    language: Language = "fr"


class Yes(Question):
    """A consent. Give `years` or `last_day`; `holder` is the name on the operator's contract."""

    holder: Line
    years: Annotated[int, Field(ge=1, le=3)] | None = None
    last_day: Day | None = None
    first_day: Day | None = Field(None, description="The first day whose data is agreed to.")


class No(Question):
    """A refusal, kept with the same evidence as a consent."""
