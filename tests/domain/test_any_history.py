"""Whatever is asked, in whatever order: what must be true of every history."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates import agreement as agreements
from domain.aggregates import consent as consents
from domain.aggregates import leaving
from domain.aggregates.account import Account
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import Origin
from domain.errors import Refused
from domain.events import Change, Event
from domain.events.account import ErasureIdentityChecked
from domain.events.consent import ConsentExtended, ConsentGranted
from domain.policies.account import order_destruction
from domain.policies.collection import (
    Start,
    resume_collection,
    start_collection,
    stop_collection,
    suspend_collection,
)
from domain.policies.consent import (
    Extension,
    Grant,
    Refusal,
    expire,
    extend,
    grant,
    refuse,
    withdraw,
)
from domain.policies.meter import Departure, move_out
from domain.values import Category, Channel, civil_day, years_after
from tests.domain.samples import sample
from tests.domain.world import (
    ACCOUNT,
    AGREEMENT,
    EVIDENCE,
    MEMBER,
    METER,
    REQUEST,
    Streams,
    ready,
)

CONSENTS = [UUID(int=0xF0 + n) for n in range(3)]
COLLECTIONS = [UUID(int=0xFA)]
Command = Callable[[Streams], tuple[Change, ...]]

consent_ids = st.sampled_from(CONSENTS)
collection_ids = st.sampled_from(COLLECTIONS)
scopes = st.sampled_from([("metropolis", "follow-up"), ("agency", "advice")])
# A few instants, so that acts meet: leap day, both changes of time, midnights of Paris.
instants = st.sampled_from(
    [
        datetime(2024, 2, 28, 23, 30, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC),
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        datetime(2025, 2, 28, 22, 59, 59, tzinfo=UTC),
        datetime(2025, 2, 28, 23, tzinfo=UTC),
        datetime(2027, 2, 28, 23, tzinfo=UTC),
    ]
)
early = instants.filter(lambda at: at.year == 2024)
years = st.integers(1, 4)


def _grant(consent: UUID, scope: tuple[str, str], at: datetime, lasting: int) -> Command:
    wanted = Grant(
        cites="bGVhZg",
        category=Category.DAILY_INDEX,
        recipient=scope[0],
        purpose=scope[1],
        granted_at=at,
        evidence=EVIDENCE,
        holder="Camille Durand",
        years=lasting,
    )
    return lambda s: grant(s.consent(consent), s.ground(), wanted)


def _extend(consent: UUID, at: datetime, lasting: int) -> Command:
    wanted = Extension(extended_at=at, evidence=EVIDENCE, years=lasting)
    return lambda s: extend(s.consent(consent), s.ground(), wanted)


def _refuse(consent: UUID, scope: tuple[str, str], at: datetime) -> Command:
    wanted = Refusal(
        category=Category.DAILY_INDEX,
        recipient=scope[0],
        purpose=scope[1],
        refused_at=at,
        evidence=EVIDENCE,
    )
    return lambda s: refuse(s.consent(consent), s.account(), s.meter(), s.terms(), wanted)


def _withdraw(consent: UUID, at: datetime, origin: Origin) -> Command:
    return lambda s: withdraw(s.consent(consent), s.meter(), withdrawn_at=at, origin=origin)


def _expire(consent: UUID, at: datetime) -> Command:
    return lambda s: expire(s.consent(consent), s.meter(), on=civil_day(at))


def _move_out(at: datetime) -> Command:
    departure = Departure(last_day=civil_day(at), told_at=at, told_by=Origin.RESIDENT)

    def decide(streams: Streams) -> tuple[Change, ...]:
        living = [streams.consent(known.consent) for known in streams.meter().state.attached]
        return move_out(streams.meter(), living, departure)

    return decide


def _start(collection: UUID, consent: UUID, at: datetime) -> Command:
    wanted = Start(channel=Channel.SGE, started_at=at)
    return lambda s: start_collection(
        s.collection(collection), s.consent(consent), s.agreement(), s.meter(), wanted
    )


def _suspend(collection: UUID, at: datetime) -> Command:
    return lambda s: suspend_collection(
        s.collection(collection), code="X", suspended_at=at, subject=ACCOUNT
    )


def _resume(collection: UUID, consent: UUID, at: datetime) -> Command:
    return lambda s: resume_collection(s.collection(collection), s.consent(consent), resumed_at=at)


def _stop(collection: UUID, at: datetime) -> Command:
    return lambda s: stop_collection(
        s.collection(collection), reason=StopReason.WITHDRAWN, stopped_at=at, subject=ACCOUNT
    )


def _erasure_step(state: Account, step: int) -> tuple[Event, ...]:
    match step:
        case 0:
            return leaving.request_erasure(state, request=REQUEST, requested_at=DAY_ZERO)
        case 1:
            return leaving.validate_erasure(state, request=REQUEST, validated_by=MEMBER)
        case 3:
            return leaving.check_identity(state, sample(ErasureIdentityChecked))
        case 4:
            return leaving.hold_erasure(state, request=REQUEST, reason="x")
        case 5:
            return leaving.lift_hold(state, request=REQUEST)
        case _:
            return leaving.take_erasure_back(state, request=REQUEST)


def _erasure(step: int) -> Command:
    def decide(streams: Streams) -> tuple[Change, ...]:
        account = streams.account()
        if step == 2:
            living = [streams.consent(consent).state for consent in CONSENTS]
            asked = [state for state in living if state != consents.INITIAL]
            return order_destruction(account, asked, keys=2, root="cm9vdA")
        return tuple(
            Change(stream=ACCOUNT, event=event, subject=ACCOUNT)
            for event in _erasure_step(account.state, step)
        )

    return decide


def _end_agreement() -> Command:
    return lambda s: tuple(
        Change(stream=AGREEMENT, event=event)
        for event in agreements.end(s.agreement().state, reason="terminated")
    )


DAY_ZERO = datetime(2024, 1, 1, tzinfo=UTC)
granting = st.builds(_grant, consent_ids, scopes, early, years)
collecting = st.one_of(
    st.builds(_start, collection_ids, consent_ids, instants),
    st.builds(_suspend, collection_ids, instants),
    st.builds(_resume, collection_ids, consent_ids, instants),
    st.builds(_stop, collection_ids, instants),
)
consenting = st.one_of(
    granting,
    st.builds(_extend, consent_ids, instants, years),
    st.builds(_refuse, consent_ids, scopes, instants),
    st.builds(_withdraw, consent_ids, instants, st.sampled_from(Origin)),
    st.builds(_expire, consent_ids, instants),
)
departing = st.one_of(
    st.builds(_move_out, instants),
    st.builds(_erasure, st.integers(0, 6)),
    st.builds(_end_agreement),
)
# What ends everything comes late, or most commands would meet a dead world.
histories = st.tuples(
    st.lists(granting, min_size=2, max_size=5),
    st.lists(st.one_of(consenting, collecting), min_size=5, max_size=20),
    st.lists(st.one_of(consenting, collecting, departing), max_size=10),
).map(lambda parts: [command for part in parts for command in part])


@given(histories)
def test_whatever_is_asked_in_whatever_order(history: list[Command]) -> None:
    streams = ready()
    for command in history:
        before = dict(streams.states)
        try:
            changes = command(streams)
        except Refused:
            continue
        streams.append(changes)  # evolve never raises on what was decided
        assert command(streams) == (), "a command that is sent again changes nothing"
        _nothing_happens_to_an_ended_stream(before, changes)
        _nothing_lengthens_a_consent_but_an_act(before, streams, changes)
        _at_most_one_consent_lives_for_each_thing(streams)


def _nothing_happens_to_an_ended_stream(
    before: dict[UUID, object], changes: tuple[Change, ...]
) -> None:
    ended = {stream for stream, state in before.items() if getattr(state, "status", "") in ENDED}
    assert not ended & {change.stream for change in changes}
    last = {change.stream: change.event for change in changes}
    assert all(not change.event.ENDS or last[change.stream] is change.event for change in changes)


ENDED = {"ended", "withdrawn", "refused", "expired", "moved out", "stopped", "erased"}


def _nothing_lengthens_a_consent_but_an_act(
    before: dict[UUID, object], streams: Streams, changes: tuple[Change, ...]
) -> None:
    acts = {
        change.stream: change.event
        for change in changes
        if isinstance(change.event, ConsentGranted | ConsentExtended)
    }
    for consent in CONSENTS:
        old = _last_day(before.get(consent))
        new = streams.consent(consent).state.last_day
        if consent not in acts:
            assert new == old
            continue
        act = acts[consent]
        assert act.evidence == EVIDENCE
        at = act.granted_at if isinstance(act, ConsentGranted) else act.extended_at
        assert new == act.last_day <= years_after(civil_day(at), 3)
        assert old is None or new > old


def _last_day(state: object) -> date | None:
    return state.last_day if isinstance(state, consents.Consent) else None


def _at_most_one_consent_lives_for_each_thing(streams: Streams) -> None:
    living = {}
    for consent in CONSENTS:
        state = streams.consent(consent).state
        if state.status is consents.ConsentStatus.GRANTED and state.granted is not None:
            thing = (state.granted.category, state.granted.recipient, state.granted.purpose)
            assert thing not in living
            living[thing] = consent
    attached = {known.consent for known in streams.meter(METER).state.attached}
    assert attached == set(living.values()), "the meter knows what lives on it"


@given(instants, years.filter(lambda n: n <= 3), st.integers(-400, 1_500))
def test_a_consent_is_in_force_on_exactly_the_days_of_its_dates(
    at: datetime, lasting: int, days: int
) -> None:
    streams = ready()
    streams.append(_grant(CONSENTS[0], ("metropolis", "follow-up"), at, lasting)(streams))
    state = streams.consent(CONSENTS[0]).state
    assert state.last_day is not None
    then = at + timedelta(days=days)
    expected = days >= 0 and date.min < civil_day(then) <= state.last_day
    assert consents.in_force(state, then) is expected
