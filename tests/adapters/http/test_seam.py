"""Everything that is served reads personal data through `application.viewing`, and nothing else."""

from __future__ import annotations

import ast

from tests.architecture.sources import at, modules, none_of

SEEN_ELSEWHERE = {
    "projections.consumption",
    "projections.entries",
    "projections.projector",
    "projections.series",
    "projections.standing",
    "projections.store",
    "ledger.readings",
    "ledger.retrieval",
    "ledger.frames",
}
"""Modules that open readings, or how somebody stands, without asking who looks."""

OPENING = {"shown", "entries", "standing_of", "keyhole", "load", "load_many", "recorder", "fetch"}
"""Attributes by which a service opens something of a person."""

LAG_ONLY = {"adapters.http.figures"}
"""Counts how far the projections lag, and opens nothing."""


def test_no_handler_imports_what_opens_readings() -> None:
    found = [
        at(module.path, node.lineno, node.module or "")
        for module in modules()
        if module.name.startswith("adapters.http") and module.name not in LAG_ONLY
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in SEEN_ELSEWHERE
    ]
    none_of(found, "A handler reads through application.viewing, having asked `authorise`:")


def test_no_handler_reaches_through_its_services_for_data() -> None:
    found = [
        at(module.path, node.lineno, node.attr)
        for module in modules()
        if module.name.startswith("adapters.http") and module.name not in LAG_ONLY
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in OPENING
        and "services" in ast.unparse(node.value)
    ]
    none_of(found, "A handler asks a use case; it opens nothing itself:")


def test_what_is_read_of_a_consent_is_read_with_what_authorise_returned() -> None:
    """Every call of `consumption`, `readings` and `received_last` takes an `access`."""
    calls = [
        node
        for module in modules()
        if module.name.startswith("adapters.http")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"consumption", "readings", "received_last"}
        and ast.unparse(node.func.value) == "viewing"
    ]
    assert len(calls) >= 4
    assert {ast.unparse(call.args[1]) for call in calls} == {"access"}
