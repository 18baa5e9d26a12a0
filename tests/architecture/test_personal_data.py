"""The registry of personal data names every field of the classes that are stored, and no other.

What a field is for, how long it is kept and where it lies is said in `metroledger/personal_data`:
a new one is registered there, or this fails. Columns, files and figures of a ledger at work are
compared in `tests/metroledger/test_personal_data.py`.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from adapters.http.site import Site as Portal
from adapters.mail.outbox import LASTS, message_of
from application.access.members import Profile
from application.acts import Act
from application.notices import Named, Told
from domain.aggregates.account import Account
from domain.aggregates.collection import Collection
from domain.aggregates.consent import Consent
from domain.aggregates.meter import Meter
from ledger.record import Header, Read, Write
from metroledger import logs
from metroledger.personal_data import REGISTRY
from metroledger.personal_data.entry import PERSONAL, Category, Keeping, Place, Why
from metroledger.settings import DropBox, Settings
from projections.covers import Collecting, Cover
from projections.entries import Entry
from projections.figures import Edge, Figures, Stretch
from projections.standing import Placed, Standing
from schemas import json_schema
from schemas.leaf import Leaf, ReadingLeaf
from schemas.private import Private
from schemas.registry import STORED, zones_of
from tests.adapters.mail.test_mail import LETTER, SENDER
from tests.application.conftest import founded, site
from tests.application.world import ROOT
from tests.architecture.sources import modules

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["founded", "site"]

Fields = dict[str, set[str]]

REGISTER: Final = "register it in metroledger/personal_data, then run docs/make_personal_data.py"

SEALED_BY: Final = {
    "application.access.members": {"Profile"},
    "application.access.passwords": {"credentials"},
    "application.access.staff": {"staff"},
    "application.inbox": {"Act"},
    "application.notices": {"notices"},
    "application.parking": {"parked"},
    "keys.index": {"entries"},
    "keys.sealing": set[str](),
    "ledger.frames": set[str](),
    "ledger.readings": set[str](),
    "projections.entries": {"Entry"},
    "projections.figures": {"Figures", "Edge", "Stretch"},
    "projections.projector": {"Standing", "Placed", "Cover", "Collecting"},
}
"""Which module seals what: holders of the registry. Events and readings are all enumerated."""

CONTENTS: Final[dict[str, type[Any]]] = {
    one.__name__: one
    for one in (
        *(Entry, Edge, Stretch, Figures, Standing, Placed, Cover, Collecting),
        *(Account, Meter, Consent, Collection, Act, Profile, Told, Named),
    )
}
FORMS: Final[dict[str, type[Any]]] = {
    one.__name__: one for one in (Leaf, ReadingLeaf, Private, Header, Read, Write)
}


def registered(*places: Place) -> Fields:
    """The registry's fields in some places, by holder."""
    found: Fields = defaultdict(set)
    for entry in REGISTRY:
        if entry.place in places:
            found[entry.holder].update(entry.fields)
    return dict(found)


def members(owner: type[Any]) -> set[str]:
    """The names of a class's fields, whatever kind of class it is."""
    if dataclasses.is_dataclass(owner):
        return {field.name for field in dataclasses.fields(owner)}
    return set(getattr(owner, "_fields", None) or owner.__struct_fields__)


def paths(struct: type[msgspec.Struct]) -> Iterator[str]:
    """The members of a struct, those of a nested one by their path."""
    for field in msgspec.structs.fields(struct):
        nested = list(json_schema._struct_types(msgspec.inspect.type_info(field.type)))
        if not nested:
            yield field.name
        for inner in nested:
            yield from (f"{field.name}.{name}" for name in paths(inner))


def test_no_field_is_registered_twice_and_every_word_is_used() -> None:
    named = Counter((one.place, one.holder, name) for one in REGISTRY for name in one.fields)
    assert [field for field, times in named.items() if times > 1] == []
    for words, used in (
        (Place, {one.place for one in REGISTRY}),
        (Category, {one.category for one in REGISTRY}),
        (Why, {one.why for one in REGISTRY}),
        (Keeping, {one.keeping for one in REGISTRY}),
    ):
        assert set(words) == used


def test_what_says_something_of_a_resident_is_not_kept_for_ever() -> None:
    lasting = {Keeping.FOR_EVER, Keeping.INSTALLED, Keeping.READ}
    assert [one for one in REGISTRY if one.category in PERSONAL and one.keeping in lasting] == []


def test_every_member_of_every_event_is_registered() -> None:
    stored = {event.TOPIC: set(paths(event)) for event in STORED}
    events = {*stored}
    found = registered(Place.SEALED, Place.PUBLIC)
    assert {holder: found.get(holder) for holder in events} == stored, REGISTER
    assert {one for one in found if one not in FORMS} == events


def test_a_member_is_registered_where_its_event_puts_it() -> None:
    public = registered(Place.PUBLIC)
    for event in STORED:
        zones = zones_of(event)
        in_the_leaf = {name.split(".")[0] for name in public.get(event.TOPIC, ())}
        assert in_the_leaf == {*zones.leaf, *zones.payload}, event.TOPIC


def test_every_property_of_a_published_schema_is_registered() -> None:
    found = registered(Place.SEALED, Place.PUBLIC)
    for name, text in json_schema.committed().items():
        topic = name.removesuffix(".json")
        if topic != json_schema.LEAF:
            known = {field.split(".")[0] for field in found[topic]}
            assert set(json.loads(text)["properties"]) == known, topic


def test_every_member_of_the_logs_own_forms_is_registered() -> None:
    found = registered(Place.PUBLIC, Place.PRIVATE)
    assert {name: found[name] for name in FORMS} == {
        name: members(form) for name, form in FORMS.items()
    }
    assert registered(Place.PRIVATE).keys() <= FORMS.keys()


def test_every_member_of_what_is_sealed_is_registered() -> None:
    held = {name: members(one) for name, one in CONTENTS.items()}
    assert registered(Place.CONTENT) == held, REGISTER


def test_whatever_module_seals_its_content_is_registered() -> None:
    sealing = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _name_of(node.func) in {"seal", "_seal", "seal_batch"}
    }
    assert sealing <= SEALED_BY.keys(), "say in SEALED_BY what the new one seals, and register it"
    holders = {entry.holder for entry in REGISTRY}
    assert set[str]().union(*SEALED_BY.values()) <= holders


def test_every_setting_that_is_a_place_is_registered() -> None:
    settings = Settings(home=Path("var"))
    named = {
        name
        for owner, value in ((Settings, settings), (DropBox, settings.dropbox))
        for name in dir(owner)
        if isinstance(getattr(value, name, None), Path)
    }
    optional = {"key_backup", "theme"}
    inside = {holder for holder in registered(Place.FILE) if "/" in holder}
    assert registered(Place.FILE).keys() - inside == (named | optional) - {"home", "place"}


def test_every_part_of_a_letter_in_the_outbox_is_registered() -> None:
    letter = message_of(LETTER, SENDER)
    written = set(letter.keys()) - {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    assert registered(Place.FILE)["outbox"] == written | {LASTS, "body"}


def test_every_field_of_every_log_line_is_registered() -> None:
    fields: Fields = defaultdict(set)
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _name_of(node.func) == "tell" and node.args:
                event = node.args[0].value if isinstance(node.args[0], ast.Constant) else "?"
                told = {one.arg or "?" for one in node.keywords} - {"error", "level"}
                if told:
                    fields[str(event)] |= told
    fields["every line"] = {*logs._RESERVED, "logger", "line"}
    assert registered(Place.LOG_LINE) == fields, REGISTER


def test_every_cookie_is_registered() -> None:
    cookies = {name for name in dir(Portal) if name.endswith("_cookie")}
    assert registered(Place.BROWSER) == {name: {"token"} for name in cookies}
    setting = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _name_of(node.func) == "set_cookie"
    }
    assert setting == {"adapters.http.visitors"}


def test_the_page_of_the_manual_is_the_registry() -> None:
    script = ROOT / "docs" / "make_personal_data.py"
    spec = importlib.util.spec_from_file_location("make_personal_data", script)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    page = (ROOT / "docs" / "manual" / "personal-data.md").read_text("utf-8")
    assert page == made.render(), "run: python docs/make_personal_data.py"


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
