"""Staff: enrolled by a link that works once, in by password and code, out with a revocation."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from pyotp import TOTP

from application.access import members, passwords, sessions
from application.access.door import NotSignedIn
from application.access.members import INVITATION_LASTS, NoSuchMember, Profile
from application.access.passwords import PasswordUnfit
from application.access.roles import GIVEN, StaffRole
from application.access.sessions import STAFF_IDLE, new_token
from application.access.staff import CodeWrong
from application.access.throttle import STAFF_SIGN_IN_OF_EMAIL, TooOften
from application.access.tickets import Errand, Ticket, TicketWorthless, issue
from application.residents import open_account
from application.services import new_id
from keys.index import AlreadyTaken, Entry
from metroledger.bootstrap import open_ledger
from tests.application.hiring import STAFF_PASSWORD, add, code_of, hire, staff_door
from tests.application.test_door import HERE, in_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from metroledger.bootstrap import Installation
    from tests.application.hiring import Hired
    from tests.application.world import Place


def sign_in(installation: Installation, member: Hired, code: str) -> str:
    door = staff_door(installation)
    return door.sign_in(member.email, STAFF_PASSWORD, code, address=HERE).token


@pytest.mark.parametrize("role", GIVEN)
def test_who_enrols_is_in_with_the_role_they_were_added_for(
    ledger: Installation, role: StaffRole
) -> None:
    member = hire(ledger, role)
    session = sessions.find(ledger.services, ledger.access, member.token)
    assert session is not None
    assert (session.account, session.member, session.role) == (None, member.id, role)
    again = sessions.find(
        ledger.services, ledger.access, sign_in(ledger, member, code_of(ledger, member.secret, 1))
    )
    assert again is not None
    assert (again.member, again.role) == (member.id, role)


def test_a_code_that_was_used_is_refused_the_second_time(ledger: Installation) -> None:
    member = hire(ledger, StaffRole.AUDITOR)
    with pytest.raises(NotSignedIn):
        sign_in(ledger, member, code_of(ledger, member.secret))  # the enrolment used it
    later = code_of(ledger, member.secret, 1)
    sign_in(ledger, member, later)
    for used in (later, code_of(ledger, member.secret), code_of(ledger, member.secret, -1)):
        with pytest.raises(NotSignedIn):
            sign_in(ledger, member, used)


def test_a_recovery_code_stands_for_the_phone_once(ledger: Installation) -> None:
    member = hire(ledger, StaffRole.AUDITOR)
    first, second, *_ = member.recovery
    sign_in(ledger, member, first.lower())
    with pytest.raises(NotSignedIn):
        sign_in(ledger, member, first)
    sign_in(ledger, member, second)


def test_a_code_is_not_used_up_beside_a_wrong_password(ledger: Installation) -> None:
    member, door = hire(ledger, StaffRole.AUDITOR), staff_door(ledger)
    code = member.recovery[0]
    with pytest.raises(NotSignedIn):
        door.sign_in(member.email, "not this password", code, address=HERE)
    sign_in(ledger, member, code)


def test_what_was_wrong_is_not_said_nor_whether_anybody_has_the_e_mail(
    ledger: Installation,
) -> None:
    member, door = hire(ledger, StaffRole.AUDITOR), staff_door(ledger)
    invited, profile = add(ledger, StaffRole.AUDITOR)
    members.invite(ledger.services, ledger.staff, invited)
    said = set()
    for who, password, code in (
        ("nobody@metropole.example", STAFF_PASSWORD, member.recovery[0]),
        (member.email, "not this password", member.recovery[0]),
        (member.email, STAFF_PASSWORD, "000000"),
        (member.email, STAFF_PASSWORD, ""),
        (profile.email, "", ""),
    ):
        with pytest.raises(NotSignedIn) as refused:
            door.sign_in(who, password, code, address=HERE)
        said.add(str(refused.value))
    assert len(said) == 1


def test_guessing_is_throttled_by_e_mail_whether_it_is_anybodys_or_not(
    ledger: Installation,
) -> None:
    member, door = hire(ledger, StaffRole.AUDITOR), staff_door(ledger)
    for who in (member.email, "nobody@metropole.example"):
        for _ in range(STAFF_SIGN_IN_OF_EMAIL.most):
            with pytest.raises(NotSignedIn):
                door.sign_in(who, STAFF_PASSWORD, "000000", address=HERE)
        with pytest.raises(TooOften):
            door.sign_in(who, STAFF_PASSWORD, member.recovery[0], address=HERE)


def test_a_link_enrols_once(ledger: Installation) -> None:
    member, _ = add(ledger, StaffRole.AUDITOR)
    ticket = members.invite(ledger.services, ledger.staff, member)
    door, browser = staff_door(ledger), new_token()
    code = code_of(ledger, door.enrolment(ticket, browser).secret)
    door.enrol(ticket, browser, password=STAFF_PASSWORD, code=code)
    with pytest.raises(TicketWorthless):
        door.enrolment(ticket, browser)
    with pytest.raises(TicketWorthless):
        door.enrol(ticket, browser, password=STAFF_PASSWORD, code=code)


def test_whoever_only_looked_at_a_link_learnt_no_secret_of_its_owners(
    ledger: Installation,
) -> None:
    member, _ = add(ledger, StaffRole.AUDITOR)
    ticket = members.invite(ledger.services, ledger.staff, member)
    door, browser, other = staff_door(ledger), new_token(), new_token()
    assert door.enrolment(ticket, browser).secret == door.enrolment(ticket, browser).secret
    seen = door.enrolment(ticket, other).secret
    assert seen != door.enrolment(ticket, browser).secret
    with pytest.raises(CodeWrong):
        door.enrol(ticket, browser, password=STAFF_PASSWORD, code=code_of(ledger, seen))


def test_a_wrong_code_or_a_short_password_uses_nothing_up(ledger: Installation) -> None:
    member, _ = add(ledger, StaffRole.AUDITOR)
    ticket = members.invite(ledger.services, ledger.staff, member)
    door, browser = staff_door(ledger), new_token()
    code = code_of(ledger, door.enrolment(ticket, browser).secret)
    with pytest.raises(PasswordUnfit):
        door.enrol(ticket, browser, password="short", code=code)
    with pytest.raises(CodeWrong):
        door.enrol(ticket, browser, password=STAFF_PASSWORD, code="000000")
    assert ledger.access.credential(member) is None
    door.enrol(ticket, browser, password=STAFF_PASSWORD, code=code)


def test_a_new_link_makes_what_was_before_it_worthless(ledger: Installation) -> None:
    member = hire(ledger, StaffRole.AUDITOR)
    first = members.invite(ledger.services, ledger.staff, member.id)
    assert sessions.find(ledger.services, ledger.access, member.token) is None
    with pytest.raises(NotSignedIn):
        sign_in(ledger, member, member.recovery[0])
    second = members.invite(ledger.services, ledger.staff, member.id)
    door, browser = staff_door(ledger), new_token()
    with pytest.raises(TicketWorthless):
        door.enrolment(first, browser)
    secret = door.enrolment(second, browser).secret
    door.enrol(second, browser, password=STAFF_PASSWORD, code=code_of(ledger, secret))
    with pytest.raises(NotSignedIn):
        sign_in(ledger, member, member.recovery[1])


def test_a_link_is_worthless_after_a_day(place: Place) -> None:
    with place.open() as installation:
        member, _ = add(installation, StaffRole.ADMINISTRATOR)
        ticket = members.invite(installation.services, installation.staff, member)
        now = installation.clock()
    late = now + INVITATION_LASTS + timedelta(seconds=1)
    with open_ledger(place.settings, clock=lambda: late) as later, pytest.raises(TicketWorthless):
        staff_door(later).enrolment(ticket, new_token())


def test_no_other_ticket_enrols_anybody(ledger: Installation) -> None:
    member, _ = add(ledger, StaffRole.ADMINISTRATOR)
    members.invite(ledger.services, ledger.staff, member)
    until = int(ledger.clock().timestamp()) + 600
    tickets = [Ticket(errand, str(member), until) for errand in Errand]
    tickets.append(Ticket(Errand.STAFF, str(member), until, b"a guess at 16 by"))
    tickets.append(Ticket(Errand.STAFF, str(new_id()), until, b"a guess at 16 by"))
    for one in tickets:
        with pytest.raises(TicketWorthless):
            staff_door(ledger).enrolment(issue(ledger.services, one), new_token())


def test_who_is_revoked_is_out_at_once_and_nobody_can_read_who_they_were(
    ledger: Installation,
) -> None:
    member, other = hire(ledger, StaffRole.ADMINISTRATOR), hire(ledger, StaffRole.AUDITOR)
    for _ in range(2):
        members.revoke(ledger.services, ledger.staff, member.id)
    assert sessions.find(ledger.services, ledger.access, member.token) is None
    assert sessions.find(ledger.services, ledger.access, other.token) is not None
    with pytest.raises(NotSignedIn):
        sign_in(ledger, member, member.recovery[0])
    with pytest.raises(NoSuchMember):
        members.invite(ledger.services, ledger.staff, member.id)
    told = {one.id: one for one in members.members(ledger.services, ledger.staff)}
    assert told[member.id].profile is None
    assert told[member.id].revoked_at is not None
    assert told[member.id].role is StaffRole.ADMINISTRATOR
    assert told[other.id].profile == Profile(other.name, other.email)
    assert ledger.keys.keys_of(member.id) == {}


def test_a_session_of_the_staff_is_short(place: Place) -> None:
    with place.open() as installation:
        member = hire(installation, StaffRole.AUDITOR)
        now = installation.clock()
    soon, late = now + STAFF_IDLE - timedelta(seconds=9), now + STAFF_IDLE + timedelta(seconds=9)
    with open_ledger(place.settings, clock=lambda: late) as later:
        assert sessions.find(later.services, later.access, member.token) is None
    with place.open() as installation:
        token = sessions.begin(installation.services, installation.access, member=member.id)
    with open_ledger(place.settings, clock=lambda: soon) as later:
        assert sessions.find(later.services, later.access, token) is not None


def test_an_e_mail_has_one_member_and_may_have_a_resident_too(ledger: Installation) -> None:
    _, profile = add(ledger, StaffRole.AUDITOR)
    shouted = Profile("Somebody", f" {profile.email.upper()} ")
    with pytest.raises(AlreadyTaken):
        members.add(ledger.services, ledger.staff, shouted, StaffRole.AUDITOR)
    assert [one.profile for one in members.members(ledger.services, ledger.staff)] == [profile]
    open_account(ledger.services, name="Same Person", email=profile.email, language="fr")


def test_what_a_killed_command_left_reserved_keeps_no_e_mail(ledger: Installation) -> None:
    profile, dead = Profile("Somebody", "somebody@metropole.example"), new_id()
    ledger.keys.index.reserve(members.staff_lookup(profile.email), Entry(dead, dead), dead)
    member = members.add(ledger.services, ledger.staff, profile, StaffRole.AUDITOR)
    (entry,) = ledger.keys.index.find(members.staff_lookup(profile.email))
    assert entry == Entry(member, member)


def test_nothing_of_a_member_is_in_clear_at_rest(ledger: Installation) -> None:
    member = hire(ledger, StaffRole.AUDITOR)
    sign_in(ledger, member, code_of(ledger, member.secret, 1))
    raw = base64.b32decode(member.secret)
    secrets = [member.email, member.name, STAFF_PASSWORD, member.secret, member.token, "$argon2id"]
    secrets += [*member.recovery, *(one.replace("-", "") for one in member.recovery)]
    assert in_database(ledger, [raw, *(one.encode() for one in secrets)]) == []
    store = b"".join(path.read_bytes() for path in ledger.settings.keys.iterdir())
    for needle in (member.email, member.name, member.secret):
        assert needle.encode() not in store


def test_what_the_phone_is_given_is_what_it_computes_codes_from(ledger: Installation) -> None:
    member, profile = add(ledger, StaffRole.AUDITOR)
    ticket = members.invite(ledger.services, ledger.staff, member)
    shown = staff_door(ledger).enrolment(ticket, new_token())
    assert shown.profile == profile
    assert shown.address == TOTP(shown.secret).provisioning_uri(
        name=profile.email, issuer_name="metroledger"
    )


@pytest.mark.parametrize("moment", ["before the code", "before the session", "after both"])
def test_a_new_link_ends_a_sign_in_under_way(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    member, door = hire(ledger, StaffRole.ADMINISTRATOR), staff_door(ledger)
    code = code_of(ledger, member.secret, 1)

    def then(module: ModuleType, name: str, *, first: bool) -> None:
        """Give out a new link just before, or just after, a step of the sign-in."""
        step: Callable[..., object] = getattr(module, name)

        def raced(*given: object, **named: object) -> object:
            if first:
                members.invite(ledger.services, ledger.staff, member.id)
            done = step(*given, **named)
            if not first:
                members.invite(ledger.services, ledger.staff, member.id)
            return done

        monkeypatch.setattr(module, name, raced)

    match moment:
        case "before the code":
            then(passwords, "matches", first=False)
        case "before the session":
            then(sessions, "begin", first=True)
        case _:
            then(sessions, "begin", first=False)
    with pytest.raises(NotSignedIn):
        door.sign_in(member.email, STAFF_PASSWORD, code, address=HERE)
    with psycopg.connect(ledger.settings.database_url or "") as connection:
        row = connection.execute("select count(*) from sessions").fetchone()
    assert row == (0,)


def test_a_code_of_a_factor_that_was_replaced_uses_up_none_of_the_new_ones(
    ledger: Installation,
) -> None:
    member = hire(ledger, StaffRole.ADMINISTRATOR)
    before = ledger.staff.member(member.id)
    assert before is not None
    assert before.factor is not None
    assert ledger.staff.use_step(member.id, before.factor, 1 << 40)
    assert not ledger.staff.use_step(member.id, b"another", 1 << 41)
    members.invite(ledger.services, ledger.staff, member.id)
    assert not ledger.staff.use_step(member.id, before.factor, 1 << 41)
