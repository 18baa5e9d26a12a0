"""One table says what each role may: an allow or a deny for every cell, and a page that tells."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

import pytest

from application.access.members import RoleOfLater
from application.access.roles import (
    GIVEN,
    LATER,
    MATRIX,
    NotForThisRole,
    Right,
    StaffRole,
    is_allowed,
    require,
)
from tests.application.hiring import add
from tests.application.world import ROOT

if TYPE_CHECKING:
    from metroledger.bootstrap import Installation

ALLOWED: Final = {
    StaffRole.ADMINISTRATOR: {
        *(Right.COLLECTION, Right.ERASURES, Right.REQUESTER, Right.IDENTITY),
        *(Right.VALIDATION, Right.REFUSAL, Right.HOLD),
    },
    StaffRole.DATA_PROTECTION_OFFICER: {
        *(Right.RECORD, Right.ERASURES, Right.REQUESTER, Right.HOLD),
    },
    StaffRole.AUDITOR: {Right.RECORD, Right.PRIVATE_ZONES},
    StaffRole.SYSTEM_OPERATOR: {Right.COLLECTION},
    StaffRole.EDITOR: set[Right](),
    StaffRole.ADVISER: set[Right](),
}


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("role", StaffRole)
def test_every_cell_allows_or_refuses(role: StaffRole, right: Right) -> None:
    if right in ALLOWED[role]:
        require(role, right)
        assert is_allowed(role, right)
    else:
        with pytest.raises(NotForThisRole):
            require(role, right)


def test_every_right_has_its_row_and_nobody_has_readings() -> None:
    assert set(MATRIX) == set(Right)
    assert MATRIX[Right.READINGS] == MATRIX[Right.METERS] == frozenset()


def test_roles_of_later_have_nothing_and_nobody_is_given_one(ledger: Installation) -> None:
    assert LATER.isdisjoint(GIVEN)
    assert not any(LATER & roles for roles in MATRIX.values())
    for role in LATER:
        with pytest.raises(RoleOfLater):
            add(ledger, role)


def test_the_manual_says_what_the_table_says() -> None:
    script = ROOT / "docs" / "make_roles.py"
    spec = importlib.util.spec_from_file_location("make_roles", script)
    assert spec is not None
    assert spec.loader is not None
    make_roles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_roles)
    page = (ROOT / "docs" / "manual" / "roles.md").read_text("utf-8")
    assert page == make_roles.render(), "run: python docs/make_roles.py"
