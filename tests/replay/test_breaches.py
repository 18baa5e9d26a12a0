"""The closed audit names every breach at its reading, and nothing in an honest log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.values import Category, Channel
from replay.findings import SENTENCES, Breach, Covered, Finding
from replay.report import Report, audit_closed
from tests.replay.forging import (
    LAST_DAY,
    NOON,
    Forger,
    Held,
    curve,
    index,
    maximum,
)


def audit(forger: Forger) -> Report:
    return audit_closed(forger.published())


def stranger(forger: Forger) -> Held:
    """A consent that nobody ever gave."""
    return Held(forger.new_id(), "1" * 14, forger.new_key(), forger.new_key())


def test_an_honest_log_is_covered_whole_and_shows_the_leaves() -> None:
    forger = Forger()
    agreement = forger.sign()
    one, two = forger.grant(agreement), forger.grant(agreement)
    power = forger.grant(agreement, category=Category.MAXIMUM_POWER)
    forger.deliver(agreement, [(one, index(one)), (two, index(two)), (power, maximum(power))])
    forger.withdraw(one)
    forger.deliver(agreement, [(two, index(two))])
    forger.extend(two, date(2028, 12, 31))
    forger.expire(two)
    forger.end_agreement(agreement)
    seen: list[Covered] = []
    report = audit_closed(forger.published(), seen.append)
    assert (report.readings, report.covered, report.findings) == (4, 4, [])
    assert report.passed
    assert seen[0] == Covered(4, 0, one.id.bytes, 1, 0, None, None)
    assert [(v.leaf, v.place, v.grant, v.agreement) for v in seen[1:]] == [
        (4, 1, 2, 0),
        (4, 2, 3, 0),
        (6, 0, 2, 0),
    ]
    assert seen[0].consent == str(one.id)


def test_an_empty_log_is_in_order() -> None:
    report = audit(Forger())
    assert (report.size, report.readings, report.passed) == (0, 0, True)


def test_a_reading_without_any_consent_is_named() -> None:
    forger = Forger()
    agreement = forger.sign()
    one, nobody = forger.grant(agreement), stranger(forger)
    leaf = forger.deliver(agreement, [(one, index(one)), (nobody, index(nobody))])
    report = audit(forger)
    assert report.findings == [Finding(breach=Breach.NO_CONSENT, leaf=leaf, place=1)]
    assert (report.readings, report.covered) == (2, 1)


def test_a_reading_before_its_grant_is_named() -> None:
    forger = Forger()
    agreement = forger.sign()
    early = stranger(forger)
    leaf = forger.deliver(agreement, [(early, index(early))])
    forger.grant(agreement, consent=early.id)
    assert audit(forger).findings == [Finding(breach=Breach.NO_CONSENT, leaf=leaf, place=0)]


@pytest.mark.parametrize("said", [curve, maximum])
def test_a_consent_of_another_category_covers_nothing(said: type) -> None:
    forger = Forger()
    agreement = forger.sign(categories=tuple(Category))
    one = forger.grant(agreement)
    leaf = forger.deliver(agreement, [(one, index(one)), (one, said(one))])
    assert audit(forger).findings == [Finding(breach=Breach.OTHER_CATEGORY, leaf=leaf, place=1)]


@pytest.mark.parametrize("end", ["withdraw", "expire"])
def test_a_reading_after_the_ending_is_named_though_the_fold_took_it(end: str) -> None:
    forger = Forger()
    agreement = forger.sign()
    one, two = forger.grant(agreement), forger.grant(agreement)
    ending = getattr(forger, end)(one)
    leaf = forger.deliver(agreement, [(two, index(two)), (one, index(one))])
    seen: list[Covered] = []
    report = audit_closed(forger.published(), seen.append)
    assert report.findings == [Finding(breach=Breach.AFTER_ENDING, leaf=leaf, place=1)]
    assert (seen[1].grant, seen[1].ending) == (1, ending)


def test_granting_an_ended_consent_again_revives_nothing() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement)
    forger.withdraw(one)
    forger.grant(agreement, consent=one.id)  # in another stream, which has not ended
    leaf = forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [Finding(breach=Breach.AFTER_ENDING, leaf=leaf, place=0)]


def test_a_reading_after_the_last_day_is_named_by_its_hour() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement, last_day=date(2026, 11, 25))
    forger.at = datetime(2026, 11, 25, 22, 59, tzinfo=UTC)  # 23:59 in Paris
    forger.deliver(agreement, [(one, index(one))])
    forger.at = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)  # the next day in Paris
    late = forger.deliver(agreement, [(one, index(one))])
    forger.extend(one, date(2026, 11, 26))
    forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [Finding(breach=Breach.AFTER_LAST_DAY, leaf=late, place=0)]


def test_a_delivery_that_cites_nothing_or_a_later_agreement_is_named() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement)
    nothing = forger.deliver(None, [(one, index(one))])
    unknown = forger.deliver(agreement, [(one, index(one))], cites="A" * 43)
    assert audit(forger).findings == [
        Finding(breach=Breach.NO_AGREEMENT, leaf=nothing, place=0),
        Finding(breach=Breach.NO_AGREEMENT, leaf=unknown, place=0),
    ]


def test_an_ended_agreement_covers_nothing_more() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement)
    forger.deliver(agreement, [(one, index(one))])
    forger.end_agreement(agreement)
    leaf = forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [Finding(breach=Breach.AGREEMENT_ENDED, leaf=leaf, place=0)]


def test_an_agreement_covers_only_its_channels_categories_and_days() -> None:
    forger = Forger()
    agreement = forger.sign(categories=(Category.DAILY_INDEX,))
    one = forger.grant(agreement)
    power = forger.grant(agreement, category=Category.MAXIMUM_POWER)
    channel = forger.deliver(agreement, [(one, index(one))], channel=Channel.ADICT)
    category = forger.deliver(agreement, [(one, index(one)), (power, maximum(power))])
    forger.at = NOON - timedelta(days=365)
    early = forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [
        Finding(breach=Breach.AGREEMENT_NOT_COVERING, leaf=channel, place=0),
        Finding(breach=Breach.AGREEMENT_NOT_COVERING, leaf=category, place=1),
        Finding(breach=Breach.AGREEMENT_NOT_COVERING, leaf=early, place=0),
    ]


def test_an_agreement_covers_nothing_after_its_last_day() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement, last_day=LAST_DAY + timedelta(days=366))
    forger.at = datetime(2028, 1, 1, tzinfo=UTC)
    leaf = forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [
        Finding(breach=Breach.AGREEMENT_NOT_COVERING, leaf=leaf, place=0)
    ]


def test_a_consent_for_one_operator_covers_no_other() -> None:
    forger = Forger()
    enedis, grdf = forger.sign(), forger.sign(operator="grdf")
    one = forger.grant(enedis)
    wrong_name = forger.deliver(enedis, [(one, index(one))], operator="grdf")
    other = forger.deliver(grdf, [(one, index(one))], operator="grdf")
    assert audit(forger).findings == [
        Finding(breach=Breach.AGREEMENT_NOT_COVERING, leaf=wrong_name, place=0),
        Finding(breach=Breach.OTHER_OPERATOR, leaf=other, place=0),
    ]


def test_a_renewed_agreement_carries_the_consents_of_the_one_before() -> None:
    forger = Forger()
    first = forger.sign()
    one = forger.grant(first)
    second = forger.sign(reference="the next convention")
    forger.deliver(second, [(one, index(one))])
    assert audit(forger).findings == []


def test_a_grant_that_cites_no_agreement_covers_nothing() -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement, cites="B" * 43)
    leaf = forger.deliver(agreement, [(one, index(one))])
    assert audit(forger).findings == [Finding(breach=Breach.OTHER_OPERATOR, leaf=leaf, place=0)]


def test_every_breach_of_one_delivery_is_named_at_its_own_place() -> None:
    forger = Forger()
    agreement = forger.sign()
    fine, ended, nobody = forger.grant(agreement), forger.grant(agreement), stranger(forger)
    forger.withdraw(ended)
    rows = [(fine, index(fine)), (ended, index(ended)), (nobody, index(nobody))]
    leaf = forger.deliver(agreement, [*rows, (fine, curve(fine)), (fine, index(fine))])
    found = audit(forger).findings
    assert [(f.breach, f.leaf, f.place) for f in found] == [
        (Breach.AFTER_ENDING, leaf, 1),
        (Breach.NO_CONSENT, leaf, 2),
        (Breach.OTHER_CATEGORY, leaf, 3),
    ]


def test_every_breach_has_its_sentence_and_a_finding_says_where() -> None:
    assert SENTENCES.keys() == set(Breach)
    finding = Finding(breach=Breach.NO_CONSENT, leaf=4, place=2)
    assert str(finding).startswith("no_consent: leaf 4, reading 2: ")
    assert "reading" not in str(replace(finding, place=None)).split(":")[1]
