"""What the tests of style look at: the tracked files, and product code as syntax trees."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module of product code."""

    name: str
    path: Path
    text: str
    tree: ast.Module


@cache
def config() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def packages() -> tuple[str, ...]:
    """The product's packages, from the top of the chain to its foot."""
    return tuple(config()["tool"]["importlinter"]["root_packages"])


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git knows of, or would at the next `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git clone, or git is not here: what is tracked cannot be listed")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


@cache
def python_files() -> tuple[Path, ...]:
    return tuple(path for path in tracked_files() if path.suffix == ".py")


@cache
def modules() -> tuple[Module, ...]:
    """All of the product's modules."""
    ours = (path for path in python_files() if path.relative_to(ROOT).parts[0] in packages())
    return tuple(_module(path) for path in ours)


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text("utf-8")
    return Module(name=name, path=path, text=text, tree=ast.parse(text))


def imports(module: Module) -> Iterator[str]:
    """What a module imports; `from a import b` names both a and a.b, one of which is a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def matches(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """The lines of a text file that a pattern is found in, with what it found."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        text = path.read_bytes().decode("latin-1")
    for number, line in enumerate(text.splitlines(), start=1):
        for found in pattern.finditer(line):
            yield number, found[0]


def at(path: Path, line: int, what: str) -> str:
    """One finding, in the form that editors jump to."""
    return f"{path.relative_to(ROOT)}:{line}: {what}"


def none_of(findings: Iterable[str], rule: str) -> None:
    """Fail with the rule and every place that breaks it, and no stack."""
    found = list(findings)
    if found:
        pytest.fail("\n".join([rule, *(f"  {each}" for each in found)]), pytrace=False)
