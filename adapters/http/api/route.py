"""What every address of the API has in common: strict bodies, and errors as problems.

A body is read as bytes and validated as JSON in one step, so nothing is taken for something
else on the way, and no fault that is told repeats a value: the field's name where it is one
of ours, and the reason in our words.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from typing_extensions import override

from adapters.http.api import problems
from application.telling import tell
from domain.errors import MetroledgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping

    from fastapi.dependencies.models import Dependant

Model = TypeVar("Model", bound=BaseModel)

_REASONS: Final = {
    "missing": "this is needed",
    "extra_forbidden": "a field that is not known here",
    "json_invalid": "this is not JSON",
    "string_pattern_mismatch": "this is not written as this field is",
    "string_too_long": "this is too long",
    "string_too_short": "this is too short",
    "literal_error": "this is none of the words that are known here",
    "enum": "this is none of the words that are known here",
    "value_error": "this is not written as this field is",
}
_OTHER: Final = "this is not of the kind, or not in the range, of this field"
_OURS: Final = 500
_PLACES: Final = frozenset({"body", "query", "path", "header", "cookie"})


class ApiRoute(APIRoute):
    """A route whose errors are answered as problem documents."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                names = set(_names(self.dependant))
                return problems.answer_to(problems.Invalid(faults_of(error.errors(), names)))
            except MetroledgerError as error:
                if error.status >= _OURS:
                    tell("request-failed", logging.ERROR, error=error)
                return problems.answer_to(error)

        return answer


def _names(taken: Dependant) -> Iterator[str]:
    """Yield the names of what a route takes from path, query and headers, its dependencies' too."""
    for one in (*taken.path_params, *taken.query_params, *taken.header_params):
        yield one.alias
    for dependency in taken.dependencies:
        yield from _names(dependency)


def faults_of(
    errors: Iterable[Mapping[str, Any]], names: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Return field and reason of each fault; a name that is not ours is not repeated."""
    ours = set(names)
    return tuple(
        (_field(error["loc"], ours), _REASONS.get(error["type"], _OTHER)) for error in errors
    )


def _field(place: tuple[str | int, ...], ours: set[str]) -> str:
    named = [str(part) for part in place if part not in _PLACES]
    return named[0] if named and named[0] in ours else "(the request)"


async def read(request: Request, model: type[Model]) -> tuple[Model, bytes]:
    """Return a body as its model, and in its one spelling.

    Raises `MediaTypeUnknown`, and `Invalid` with the fields that are wrong.
    """
    media_type = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise problems.MediaTypeUnknown
    try:
        told = model.model_validate_json(await request.body())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise problems.Invalid(faults_of(faults, model.model_fields)) from None
    return told, told.model_dump_json().encode()
