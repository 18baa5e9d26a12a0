"""Every address answers as its OpenAPI document says, whatever schemathesis thinks of."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemathesis import APIOperation, Case

    from tests.adapters.http.api.conftest import World

CASES: Final = 5_000
SAMPLE: Final = 200
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations(world: World) -> list[APIOperation[Any, Any, Any, Any]]:
    """Return the operations of the document that is served."""
    document = world.nobody.get("openapi.json").json()
    assert document["openapi"].startswith("3.1")
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [one.ok() for one in found if isinstance(one, Ok)]


def exercise(world: World, count: int) -> dict[int, int]:
    """Send at least `count` cases, spread over the operations; return how often each status came.

    Of an address that takes little there are few cases, so there are rounds with other seeds.
    """
    statuses: dict[int, int] = {}
    all_of_them = operations(world)
    each = -(-count // (2 * len(all_of_them)))
    rounds = itertools.count()
    while sum(statuses.values()) < count:
        seeded = hypothesis.seed(next(rounds))
        for operation in all_of_them:
            for mode in GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                _exercise(world, seeded, cases, each, statuses)
    return statuses


def _exercise(
    world: World,
    seeded: Callable[[Callable[..., None]], Callable[..., None]],
    cases: st.SearchStrategy[Case[Any]],
    count: int,
    statuses: dict[int, int],
) -> None:
    client = world.owner.client

    @seeded
    @given(case=cases)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case[Any]) -> None:
        response = case.call(
            base_url=world.url,
            headers={"X-Form-Token": client.headers["X-Form-Token"]},
            cookies=dict(client.cookies),
        )
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        case.validate_response(response, checks=CHECKS)

    try:
        check()
    except hypothesis.errors.Unsatisfiable:
        return  # of an address that takes nothing, there is nothing wrong to say


def test_a_sample_of_cases_is_answered_as_the_document_says(world: World) -> None:
    statuses = exercise(world, SAMPLE)
    assert sum(statuses.values()) >= SAMPLE
    assert {200, 422} <= statuses.keys()


@pytest.mark.campaign
def test_many_cases_are_answered_as_the_document_says(world: World) -> None:
    statuses = exercise(world, CASES)
    print(f"schemathesis: {sum(statuses.values())} cases, answers {dict(sorted(statuses.items()))}")
    assert sum(statuses.values()) >= CASES


def test_the_document_names_every_address_and_no_other(world: World) -> None:
    document = world.nobody.get("openapi.json").json()
    described = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert len(described) == len(operations(world))
    answers = httpx.options(f"{world.url}/api/v1/account")
    assert answers.status_code == 405
