"""JSON Schema of every event version, and of the leaf, for readers that are not ours.

Draft 2020-12, generated from the classes and committed in `schemas/json`: a test holds
both together, so no class changes without the change being seen as one of a published
format. `python -m schemas.json_schema --write` writes the files.

A schema describes an event's members as one object. Where each of them lies is in its
keyword `zones`, an annotation that validators pass over:

- `leaf`: members of the Merkle leaf itself, left out of it when null;
- `groups`: disclosure groups in the order of the commitment; the value of the disclosure
  is an object of these members;
- `payload`: members of the leaf's `payload`;
- `key`: what the key that seals the groups is for, null for a public event;
- `ends_stream`: whether the stream takes no event after this one.
"""

from __future__ import annotations

import argparse
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas import leaf
from schemas.registry import EVENT_TYPES, zones_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.events import Event

DIRECTORY: Final = Path(__file__).parent / "json"
"""Where the committed schemas are, one file a topic."""

LEAF: Final = "Leaf.v1"
"""The name of the leaf's own schema."""

Schema = dict[str, Any]

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_INTEGER_MAX: Final = (1 << 53) - 1
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time", "pattern": "Z$"}
_HASH: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
_LEAF_MEMBERS: Final[dict[str, Schema]] = {
    "v": {"const": 1},
    "type": {"type": "string", "pattern": r"^[A-Za-z]+\.v[1-9][0-9]*$"},
    "hour": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}Z$"},
    "rest": _HASH,
    "commitment": _HASH,
    "cites": _HASH,
    "payload": {"type": "object"},
    "category": {"type": "string"},
    "last_day": {"type": "string", "format": "date"},
}
"""What the leaf's types do not say: sizes and forms of its texts."""


def schema_of(event: type[Event]) -> Schema:
    """Return the JSON Schema of one event version."""
    zones = zones_of(event)
    return {
        **_document(event, event.TOPIC),
        "zones": {
            "leaf": list(zones.leaf),
            "groups": {name: list(members) for name, members in zones.groups.items()},
            "payload": list(zones.payload),
            "key": event.KEY,
            "ends_stream": event.ENDS,
        },
    }


def leaf_schema() -> Schema:
    """Return the JSON Schema of an event's leaf: a commitment or a payload, nothing null."""
    schema = _document(leaf.Leaf, LEAF)
    for name, member in schema["properties"].items():
        schema["properties"][name] = _LEAF_MEMBERS.get(name) or _without_null(member)
    schema["description"] = inspect.getdoc(leaf)
    schema["oneOf"] = [{"required": ["commitment"]}, {"required": ["payload"]}]
    return schema


def generated() -> dict[str, str]:
    """Return the text of every schema's file, by the file's name."""
    schemas = {topic: schema_of(event) for topic, event in EVENT_TYPES.items()}
    schemas[LEAF] = leaf_schema()
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def committed() -> dict[str, str]:
    """Return the text of every committed file, by its name."""
    return {path.name: path.read_text("utf-8") for path in sorted(DIRECTORY.glob("*.json"))}


def _document(struct: type[msgspec.Struct], name: str) -> Schema:
    (reference,), parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    for part, found in zip(_structs(struct), _defined(struct, parts), strict=True):
        _make_exact(part, found)
    for definition in parts.values():
        _tidy(definition)
    root = parts.pop(reference["$ref"].rpartition("/")[2])
    document = {"$schema": _DRAFT, "$id": f"urn:metroledger:schema:{name}", **root, "title": name}
    return {**document, "$defs": parts} if parts else document


def _structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Yield a struct class, and those that are members of it however deep."""
    yield struct
    for field in msgspec.structs.fields(struct):
        for part in _struct_types(msgspec.inspect.type_info(field.type)):
            yield from _structs(part)


def _struct_types(info: msgspec.inspect.Type) -> Iterator[type[msgspec.Struct]]:
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
    elif isinstance(info, msgspec.inspect.VarTupleType):
        yield from _struct_types(info.item_type)
    elif isinstance(info, msgspec.inspect.UnionType):
        for choice in info.types:
            yield from _struct_types(choice)


def _defined(struct: type[msgspec.Struct], parts: dict[str, Schema]) -> Iterator[Schema]:
    for part in _structs(struct):
        yield parts[part.__name__]


def _make_exact(struct: type[msgspec.Struct], definition: Schema) -> None:
    """Refuse members of other versions, and say which texts are instants (msgspec does not)."""
    definition["additionalProperties"] = False
    for field in msgspec.structs.fields(struct):
        info = msgspec.inspect.type_info(field.type)
        member = definition["properties"][field.encode_name]
        if isinstance(info, msgspec.inspect.DateTimeType):
            member.update(_INSTANT)
        elif isinstance(info, msgspec.inspect.UnionType):
            for choice, its in zip(info.types, member.get("anyOf", ()), strict=False):
                if isinstance(choice, msgspec.inspect.DateTimeType):
                    its.update(_INSTANT)


def _tidy(schema: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Bound integers as canonical JSON does, and take docstrings' indentation away."""
    if isinstance(schema, list):
        for part in schema:
            _tidy(part)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "integer":
        schema.update(minimum=-_INTEGER_MAX, maximum=_INTEGER_MAX)
    if isinstance(schema.get("description"), str):
        schema["description"] = inspect.cleandoc(schema["description"])
    for part in schema.values():
        _tidy(part)


def _without_null(member: Schema) -> Schema:
    choices: list[Schema] = member.get("anyOf", [member])
    (only,) = (choice for choice in choices if choice != {"type": "null"})
    return only


def main() -> None:
    """Write the committed files anew; a file of no schema is removed."""
    parser = argparse.ArgumentParser(prog="python -m schemas.json_schema", description=__doc__)
    parser.add_argument("--write", action="store_true", required=True, help="write schemas/json")
    parser.parse_args()
    DIRECTORY.mkdir(exist_ok=True)
    texts = generated()
    for stale in committed().keys() - texts.keys():
        (DIRECTORY / stale).unlink()
    for name, text in texts.items():
        (DIRECTORY / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
