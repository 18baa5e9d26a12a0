"""Problems: every error has one, nothing of a request is in it, and each is told in words."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest

from adapters.http.api import problems
from adapters.http.api.route import faults_of
from application.driving import OutcomeOpen
from application.offices import NoAgreement
from domain.aggregates.account import AccountInactive
from domain.errors import MetroledgerError
from domain.policies.account import TermsNotCurrent
from domain.policies.evidence import WordingNotPublished
from domain.policies.points import NumberMalformed
from domain.values import Fluid
from keys.index import EntryBroken
from tests.adapters.http.hostile import MARK

if TYPE_CHECKING:
    from tests.adapters.http.api.conftest import World

SAID = f"<b>{MARK}</b>"


@pytest.mark.parametrize(
    "error", [NoAgreement(SAID), TermsNotCurrent(SAID, SAID), WordingNotPublished(SAID, SAID)]
)
def test_an_error_that_may_repeat_a_text_is_told_by_its_title(error: MetroledgerError) -> None:
    assert MARK in str(error)
    document = problems.document_of(error)
    assert "detail" not in document
    assert MARK not in str(document)


@pytest.mark.parametrize("error", [AccountInactive(), NumberMalformed(Fluid.WATER, 3)])
def test_an_error_that_takes_facts_says_what_to_do(error: MetroledgerError) -> None:
    assert problems.document_of(error)["detail"] == str(error)


def test_of_a_fault_of_ours_nothing_is_told(world: World) -> None:
    document = problems.document_of(EntryBroken(7))
    assert document["type"] == "/problems/corrupt"
    assert "detail" not in document
    assert document["status"] == 500
    assert world.nobody.client.get("/problems/corrupt").status_code == 200


def test_what_does_not_answer_says_when_to_ask_again() -> None:
    answer = problems.answer_to(OutcomeOpen())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_every_problem_has_a_name_of_its_own_and_a_page(world: World) -> None:
    known = problems.catalogue()
    kinds = [kind for kind in known.values() if issubclass(kind, MetroledgerError)]
    assert len(set(kinds)) == len(known) > 60
    for name, kind in known.items():
        assert re.fullmatch("[a-z]+(-[a-z]+)*", name)
        page = world.nobody.client.get(f"/problems/{name}")
        assert (page.status_code, page.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
        assert inspect.getdoc(kind) is not None
        assert page.text.startswith(problems.title_of(kind))
    assert world.nobody.client.get("/problems/nothing-of-ours").status_code == 404


def test_no_two_errors_share_a_name() -> None:
    def leaves(kind: type[MetroledgerError]) -> list[type[MetroledgerError]]:
        return [kind, *(one for each in kind.__subclasses__() for one in leaves(each))]

    ours = [kind for kind in leaves(MetroledgerError) if not kind.__module__.startswith("tests")]
    names = [problems.name_of(kind) for kind in dict.fromkeys(ours)]
    assert sorted(names) == sorted(set(names))


def test_a_fields_name_is_told_only_where_it_is_one_of_ours() -> None:
    errors = [
        {"loc": ("body", SAID), "type": "extra_forbidden"},
        {"loc": ("query", "limit"), "type": "int_parsing"},
        {"loc": (), "type": "json_invalid"},
    ]
    told = faults_of(errors, {"limit"})
    assert [field for field, _ in told] == ["(the request)", "limit", "(the request)"]
    assert MARK not in str(told)
