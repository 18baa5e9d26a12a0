"""What the OpenAPI document says of each address beyond its types: bodies, answers, headers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from adapters.http.api.models import Problem
from adapters.http.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from starlette.routing import BaseRoute

_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
_EVERYWHERE: Final = (422, 429, 500, 503)
_OF_READS: Final = (304, *_EVERYWHERE)
_OF_WRITES: Final = (202, 400, 404, 409, 410, 412, 413, 415, *_EVERYWHERE)
_SIGNED_IN: Final = (401, 403)


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return what the document says of a body that `route.read` reads."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def reads(*more: int, public: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a read may be answered with, beside what it shows."""
    return _answers(*_OF_READS, *(() if public else _SIGNED_IN), *more)


def writes(*more: int) -> dict[int | str, dict[str, Any]]:
    """Return what a write may be answered with, beside that it is done."""
    return _answers(*_OF_WRITES, *_SIGNED_IN, *more)


def _answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _answer(status) for status in sorted(set(statuses))}


def _answer(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status >= HTTPStatus.BAD_REQUEST:
        described["content"] = {MEDIA_TYPE: {"schema": _SCHEMA}}
    elif status == HTTPStatus.ACCEPTED:
        doubt = {"$ref": "#/components/schemas/Doubt"}
        described["content"] = {"application/json": {"schema": doubt}}
        described["description"] = "The outcome is open; ask at the status address."
    return described


def files(*media_types: str) -> dict[str, Any]:
    """Return what the document says of an answer that is a file."""
    content = {
        each: {"schema": {"type": "object" if each == "application/json" else "string"}}
        for each in media_types
    }
    return {"content": content, "description": "A file."}


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of some routes."""
    told = get_openapi(
        title="metroledger",
        version="1",
        openapi_version="3.1.0",
        summary="Consents, meters and consumption of residents; and what everybody may check.",
        routes=routes,
    )
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schemas["Problem"].pop("$defs", {}))
    return told
