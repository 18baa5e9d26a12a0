"""What a metering point may look like, and what may be asked of it, by fluid.

Numbers have a format and nothing more: no check digit is published for PRM or PCE,
and none was found on real ones. They are texts: leading zeros are common.
"""

import re
from typing import Final

from domain.errors import Refused
from domain.values import Category, Channel, Fluid, Point

NUMBER_FORMATS: Final[dict[Fluid, re.Pattern[str]]] = {
    Fluid.ELECTRICITY: re.compile(r"[0-9]{14}"),  # PRM, also called PDL
    Fluid.GAS: re.compile(r"[0-9]{14}|GI[0-9]{6}"),  # PCE
    Fluid.HEAT: re.compile(r"[0-9A-Z]{1,20}"),  # nothing published: what a form can hold
    Fluid.WATER: re.compile(r"[0-9A-Z]{1,20}"),
}
"""The format of a point's number, for every operator that names none of its own."""

OPERATOR_FORMATS: Final[dict[tuple[str, Fluid], re.Pattern[str]]] = {}
"""The exceptions: an operator's own format for a fluid."""

CATEGORIES: Final[dict[Fluid, frozenset[Category]]] = {
    Fluid.ELECTRICITY: frozenset(Category),
    Fluid.GAS: frozenset({Category.DAILY_INDEX, Category.CONTRACT}),
    Fluid.HEAT: frozenset({Category.DAILY_INDEX, Category.CONTRACT}),
    Fluid.WATER: frozenset({Category.DAILY_INDEX, Category.CONTRACT}),
}
"""What can be consented to; a maximum power exists for electricity only."""

POWER_KVA_MAX: Final[dict[Channel, int]] = {Channel.SGE: 36}
"""The highest subscribed power a channel takes; SGE's daily files are for low powers only."""


class NumberMalformed(Refused):
    """A point's number does not have the format of its fluid."""

    status = 400

    def __init__(self, fluid: Fluid, length: int) -> None:
        """Take the fluid and how long the number is; never the number itself."""
        super().__init__(
            f"A number of {length} characters is not the number of a point for {fluid.value}. "
            "Copy it from the meter or a bill: 14 digits for electricity; 14 digits, or GI and 6 "
            "digits, for gas; up to 20 digits and capitals for heat and water."
        )
        self.fluid = fluid
        self.length = length


class CategoryNotForFluid(Refused):
    """There is no such data for this fluid."""

    def __init__(self, category: Category, fluid: Fluid) -> None:
        """Take the category and the fluid."""
        super().__init__(
            f"There is no {category.value} for {fluid.value}: nothing can be consented to. "
            "Choose another category."
        )
        self.category = category
        self.fluid = fluid


class PowerAboveChannelLimit(Refused):
    """The point's subscribed power is above what the channel takes."""

    def __init__(self, channel: Channel, limit_kva: int) -> None:
        """Take the channel and its limit in kVA."""
        super().__init__(
            f"Points above {limit_kva} kVA are not collected over {channel.value}. "
            "Collect this one over another channel, or correct its subscribed power."
        )
        self.channel = channel
        self.limit_kva = limit_kva


def require_number(point: Point) -> None:
    """Raise `NumberMalformed` unless a point's number has its fluid's format."""
    own = OPERATOR_FORMATS.get((point.operator, point.fluid))
    expected = own or NUMBER_FORMATS[point.fluid]
    if expected.fullmatch(point.number) is None:
        raise NumberMalformed(point.fluid, len(point.number))


def require_category(category: Category, fluid: Fluid) -> None:
    """Raise `CategoryNotForFluid` unless the fluid has such data."""
    if category not in CATEGORIES[fluid]:
        raise CategoryNotForFluid(category, fluid)


def is_above_limit(channel: Channel, power_kva: int | None) -> bool:
    """Tell whether a channel does not take a point of this power; unknown is not above."""
    limit_kva = POWER_KVA_MAX.get(channel)
    return limit_kva is not None and power_kva is not None and power_kva > limit_kva


def require_power(channel: Channel, power_kva: int | None) -> None:
    """Raise `PowerAboveChannelLimit` for a point that the channel does not take."""
    if is_above_limit(channel, power_kva):
        raise PowerAboveChannelLimit(channel, POWER_KVA_MAX[channel])
