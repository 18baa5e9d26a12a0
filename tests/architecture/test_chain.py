"""The arrow of design and code: import-linter holds it; these tests hold import-linter to it."""

from collections.abc import Iterator
from pathlib import Path

from metroledger.cli import COMMANDS
from tests.architecture.sources import (
    ROOT,
    config,
    imports,
    modules,
    none_of,
    packages,
    python_files,
)

BESIDE_THE_PRODUCT = {"tests", "bench", "docs", "requirements"}

# What nothing in the product imports, and who takes it instead.
ENTRY_POINTS = {
    "metroledger.__main__": "python -m metroledger",
    "schemas.json_schema": "python -m schemas.json_schema --write, when an event type is added",
    "ledger.simulated": "the simulation and the conformance suite: the port's unreliable half",
    "ledger.memory": "the simulation, and whoever folds a log again only to compare",
}


def test_every_top_level_package_is_under_contract() -> None:
    relative = (path.relative_to(ROOT) for path in python_files())
    found = {path.parts[0] for path in relative if len(path.parts) > 1} - BESIDE_THE_PRODUCT
    none_of(
        sorted(found - set(packages())),
        "A top-level package stands in import-linter's chain, mypy's files and ruff's first party:",
    )


def test_the_tools_agree_on_what_the_packages_are() -> None:
    tools = config()["tool"]
    chain = next(c for c in tools["importlinter"]["contracts"] if c["type"] == "layers")
    assert tuple(chain["layers"]) == packages()
    assert set(packages()) <= set(tools["mypy"]["files"])
    assert set(packages()) <= set(tools["ruff"]["lint"]["isort"]["known-first-party"])


def test_no_module_is_an_orphan() -> None:
    none_of(
        _orphans(),
        "A module is imported by product code, or is an entry point that test_chain.py names:",
    )


def _orphans() -> Iterator[str]:
    imported = {name for module in modules() for name in imports(module) if name != module.name}
    imported |= {f"metroledger.cli.{name}" for name in COMMANDS.values()}
    for module in modules():
        is_package = module.path.name == "__init__.py"
        if not is_package and module.name not in imported | ENTRY_POINTS.keys():
            yield module.name


def test_every_folder_of_code_is_a_package() -> None:
    folders = {module.path.parent for module in modules()}
    none_of(
        (str(folder.relative_to(ROOT)) for folder in folders if not _is_package(folder)),
        "A folder without __init__.py is not seen by import-linter:",
    )


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()
