"""A strategy for every stored event, drawn from the types of its members."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from domain.events import Event
from schemas.registry import STORED


def events() -> st.SearchStrategy[Event]:
    """Any value of any stored type."""
    return st.one_of(*map(structs, STORED))


def structs(struct: type[Any]) -> st.SearchStrategy[Any]:
    members = {
        field.name: _values(inspect.type_info(field.type))
        for field in msgspec.structs.fields(struct)
    }
    return st.builds(struct, **members)


def _values(info: inspect.Type) -> st.SearchStrategy[Any]:
    if isinstance(info, inspect.StructType):
        return structs(info.cls)
    if isinstance(info, inspect.EnumType):
        return st.sampled_from(info.cls)
    if isinstance(info, inspect.VarTupleType):
        return st.lists(_values(info.item_type), max_size=3).map(tuple)
    if isinstance(info, inspect.DictType):
        return st.dictionaries(_values(info.key_type), _values(info.value_type), max_size=3)
    if isinstance(info, inspect.UnionType):
        return st.one_of(*map(_values, info.types))
    return SCALARS[type(info)]


SCALARS: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.NoneType: st.none(),
    inspect.StrType: st.text(max_size=20),
    inspect.IntType: st.integers(-(2**53) + 1, 2**53 - 1),
    inspect.UUIDType: st.uuids(),
    inspect.DateType: st.dates(),
    inspect.DateTimeType: st.datetimes(timezones=st.just(UTC)),
}
