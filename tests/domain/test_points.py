"""The number of a point: a format, and never a word in a message."""

from uuid import UUID

import pytest

from domain.policies.meter import declare
from domain.policies.points import NumberMalformed
from domain.values import Fluid, Point
from tests.domain.world import (
    ENTRY_DAY,
    ready,
)


@pytest.mark.parametrize(
    ("fluid", "number", "accepted"),
    [
        (Fluid.ELECTRICITY, "01234567890123", True),
        (Fluid.ELECTRICITY, "GI123456", False),
        (Fluid.ELECTRICITY, "0123456789012", False),
        (Fluid.ELECTRICITY, "0123456789012٣", False),
        (Fluid.ELECTRICITY, "01234567890123\n", False),
        (Fluid.GAS, "01234567890123", True),
        (Fluid.GAS, "GI123456", True),
        (Fluid.GAS, "GI12345", False),
        (Fluid.HEAT, "CC42", True),
        (Fluid.WATER, "", False),
    ],
)
def test_a_number_has_the_form_of_its_fluid_and_is_never_repeated_in_a_refusal(
    fluid: Fluid, number: str, *, accepted: bool
) -> None:
    streams = ready()
    point = Point(operator="any", fluid=fluid, number=number)
    new = streams.meter(UUID(int=0xB5))
    if accepted:
        assert declare(streams.account(), new, point=point, entry_day=ENTRY_DAY, power_kva=None)
        return
    with pytest.raises(NumberMalformed) as refused:
        declare(streams.account(), new, point=point, entry_day=ENTRY_DAY, power_kva=None)
    assert not number or number not in str(refused.value)
