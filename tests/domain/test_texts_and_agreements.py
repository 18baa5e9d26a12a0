"""Agreements and published texts: what everybody else's decisions rest on."""

from datetime import timedelta

import pytest

from domain.aggregates import agreement, terms
from domain.aggregates.agreement import (
    AgreementCoversNothing,
    AgreementSignedOtherwise,
    NoSuchAgreement,
)
from domain.aggregates.terms import (
    TEXT_BYTES_MAX,
    AnotherKindOfText,
    TextEmpty,
    TextTooLong,
    VersionPublishedOtherwise,
)
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.events.terms import TermsPublished, TextKind
from domain.values import midnight, next_day
from tests.domain.world import SIGNED, given


def _signed_with(**facts: object) -> AgreementSigned:
    return AgreementSigned(**({name: getattr(SIGNED, name) for name in _FACTS} | facts))


_FACTS = ("operator", "reference", "channels", "categories", "first_day", "last_day")


def test_an_agreement_is_signed_once_and_kept_as_signed() -> None:
    situation = given(agreement).when(lambda state: agreement.sign(state, SIGNED)).then(SIGNED)
    other = _signed_with(reference="2025/1")
    situation.refuses(AgreementSignedOtherwise, lambda state: agreement.sign(state, other))


@pytest.mark.parametrize(
    "facts",
    [{"channels": ()}, {"categories": ()}, {"last_day": SIGNED.first_day - timedelta(days=1)}],
)
def test_an_agreement_that_covers_nothing_is_not_signed(facts: dict[str, object]) -> None:
    wanted = _signed_with(**facts)
    given(agreement).refuses(AgreementCoversNothing, lambda state: agreement.sign(state, wanted))


def test_an_agreement_ends_once_for_the_first_reason() -> None:
    ended = AgreementEnded(reason="terminated")
    situation = given(agreement, SIGNED).when(lambda s: agreement.end(s, reason="terminated"))
    situation.then(ended).when(lambda s: agreement.end(s, reason="again")).then_nothing()
    given(agreement).refuses(NoSuchAgreement, lambda s: agreement.end(s, reason="early"))


def test_an_agreement_is_in_force_on_its_days_to_the_last_second_in_paris() -> None:
    state = given(agreement, SIGNED).state
    second = timedelta(seconds=1)
    opening, closing = midnight(SIGNED.first_day), midnight(next_day(SIGNED.last_day))
    assert not agreement.in_force(state, opening - second)
    assert agreement.in_force(state, opening)
    assert agreement.in_force(state, closing - second)
    assert not agreement.in_force(state, closing)


def test_an_agreement_that_ended_is_in_force_at_no_time() -> None:
    state = given(agreement, SIGNED, AgreementEnded(reason="terminated")).state
    assert not agreement.in_force(state, midnight(SIGNED.first_day))
    assert not agreement.in_force(agreement.INITIAL, midnight(SIGNED.first_day))


def _publish(
    state: terms.Terms,
    text: str = "Bonjour",
    *,
    version: str = "1",
    kind: TextKind = TextKind.TERMS_OF_USE,
) -> tuple[TermsPublished, ...]:
    return terms.publish(state, kind=kind, version=version, language="fr", text=text)


def test_a_published_version_never_changes() -> None:
    situation = given(terms).when(_publish)
    situation.refuses(VersionPublishedOtherwise, lambda state: _publish(state, "Bonsoir"))
    second = situation.when(lambda state: _publish(state, "Bonsoir", version="2"))
    assert terms.current_version(second.state) == "2"
    first = terms.find(second.state, version="1", language="fr")
    assert first is not None
    assert first.sha256 == "9172e8eec99f144f72eca9a568759580edadb2cfd154857f07e657569493bc44"


def test_a_text_is_published_for_one_thing_only() -> None:
    situation = given(terms).when(_publish)
    situation.refuses(
        AnotherKindOfText, lambda state: _publish(state, version="2", kind=TextKind.PAPER_FORM)
    )


def test_a_text_fits_in_its_leaf_counted_in_bytes() -> None:
    longest = "é" * (TEXT_BYTES_MAX // 2)
    given(terms).when(lambda state: _publish(state, longest))
    given(terms).refuses(TextTooLong, lambda state: _publish(state, longest + "e"))


def test_a_text_that_says_nothing_is_not_published() -> None:
    given(terms).refuses(TextEmpty, lambda state: _publish(state, " \n"))
    given(terms).refuses(TextEmpty, lambda state: _publish(state, version=""))
