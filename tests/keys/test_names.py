import dataclasses
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.names import KeyName, MisshapenName, Purpose, consent_tag, owner_tag, tag

OWNER = UUID("11111111-1111-4111-8111-111111111111")
CONSENT = UUID("22222222-2222-4222-8222-222222222222")


@pytest.mark.parametrize(
    ("purpose", "consent", "year"),
    [
        (Purpose.PROFILE, CONSENT, None),
        (Purpose.PROFILE, None, 2026),
        (Purpose.EVIDENCE, None, None),
        (Purpose.READINGS, CONSENT, None),
        (Purpose.READINGS, None, 2026),
        (Purpose.READINGS, CONSENT, 0),
        (Purpose.READINGS, CONSENT, 10_000),
        (Purpose.ACCESS, None, None),
    ],
)
def test_a_name_has_what_its_purpose_asks_for_and_no_more(
    purpose: Purpose, consent: UUID | None, year: int | None
) -> None:
    with pytest.raises(MisshapenName):
        KeyName(owner=OWNER, purpose=purpose, consent=consent, year=year)


def test_the_bytes_of_tags_never_change() -> None:
    name = KeyName(owner=OWNER, purpose=Purpose.READINGS, consent=CONSENT, year=2026)
    assert tag(name).hex() == "0129a8942ea8af9f368a74a091158681"
    assert owner_tag(OWNER).hex() == "de9685612aabb215caa320266ec2d977"
    assert consent_tag(OWNER, CONSENT).hex() == "5ac8319acc891eac9f19c341cf4db4bd"


names = st.builds(
    KeyName,
    owner=st.uuids(),
    purpose=st.just(Purpose.READINGS),
    consent=st.uuids(),
    year=st.integers(1, 9999),
)


@given(names, names)
def test_two_names_have_two_tags(one: KeyName, other: KeyName) -> None:
    assert (tag(one) == tag(other)) == (one == other)


@given(names)
def test_a_name_that_differs_in_one_part_has_another_tag(name: KeyName) -> None:
    others = [
        dataclasses.replace(name, owner=CONSENT),
        dataclasses.replace(name, consent=OWNER),
        dataclasses.replace(name, year=name.year and name.year % 9999 + 1),
        KeyName(owner=name.owner, purpose=Purpose.EVIDENCE, consent=name.consent),
    ]
    assert len({tag(name), *map(tag, others)}) == 5
