"""The documents are held to the code: links, tests named, decisions' parts, manual pages."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from adapters.dso.refusal import Code
from tests.architecture.sources import ROOT, at, matches, modules, none_of, tracked_files

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
DECISIONS = ROOT / "docs" / "decisions"
MANUAL = ROOT / "docs" / "manual"
PARTS = ["## Context", "## Options", "## Decision", "## Consequences"]
PAGE_LINES_MAX = 75

LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<target>[^)#\s]*)(?:#(?P<part>[^)\s]*))?\)")
TEST = re.compile(r"tests/[\w/]+\.py::\w+")
FILE = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|sql|md))`")
MANUAL_PAGE = re.compile(r"\(manual: ([^)]+)\)")
DECISION = re.compile(r"\bdecision (\d{4})\b")


def documents() -> tuple[Path, ...]:
    return tuple(path for path in tracked_files() if path.suffix == ".md")


def test_every_link_of_a_document_leads_somewhere() -> None:
    none_of(_dead_links(), "A link in a document is to a file that is here:")


def _dead_links() -> Iterator[str]:
    for path in documents():
        for n, line in enumerate(_text(path).splitlines(), start=1):
            for found in LINK.finditer(line):
                target = path.parent / found["target"] if found["target"] else path
                if not target.exists():
                    yield at(path, n, found["target"])


def test_every_test_and_file_that_a_document_names_is_there() -> None:
    none_of(_missing_tests(), "A document names a test that is there:")
    none_of(_missing_files(), "A document names a file that is there:")


def _missing_tests() -> Iterator[str]:
    for path in documents():
        for n, named in matches(path, TEST):
            file, _, test = named.partition("::")
            if test not in _functions(ROOT / file):
                yield at(path, n, named)


def _missing_files() -> Iterator[str]:
    for path in documents():
        for n, line in enumerate(_text(path).splitlines(), start=1):
            for found in FILE.finditer(line):
                if not (ROOT / found[1]).exists():
                    yield at(path, n, found[1])


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    nodes = ast.walk(ast.parse(_text(path)))
    return frozenset(n.name for n in nodes if isinstance(n, ast.FunctionDef))


def test_every_invariant_names_a_test_that_holds_it() -> None:
    section = _text(ARCHITECTURE).split("## Invariants")[1].split("\n## ")[0]
    invariants = re.split(r"\n(?=- )", section)[1:]
    assert len(invariants) > 20
    none_of(
        (each.splitlines()[0] for each in invariants if not TEST.search(each)),
        "An invariant of ARCHITECTURE.md that no test holds is a wish:",
    )


def test_the_code_map_is_the_folders() -> None:
    text = _text(ARCHITECTURE)
    mapped = re.findall(r"^\| `(\w+)/` \|", text, flags=re.MULTILINE)
    assert sorted(mapped) == sorted({m.name.split(".")[0] for m in modules()} | {"bench", "tests"})


def test_a_decision_has_context_options_decision_and_consequences() -> None:
    none_of(_misshapen_decisions(), "A decision is one page of four parts, with its date:")


def _misshapen_decisions() -> Iterator[str]:
    for path in _decisions():
        text = _text(path)
        number = path.name.partition("-")[0]
        parts = re.findall(r"^## .*$", text, flags=re.MULTILINE)
        if not text.startswith(f"# {number} ") or parts != PARTS:
            yield at(path, 1, f"its parts are {parts}")
        if not re.search(r"^\d{4}-\d\d-\d\d · ", text, flags=re.MULTILINE):
            yield at(path, 3, "no date")
        if text.count("\n") > PAGE_LINES_MAX:
            yield at(path, PAGE_LINES_MAX, "more than a page")


def _decisions() -> list[Path]:
    return sorted(DECISIONS.glob("[0-9]*.md"))


def test_decisions_have_a_number_each_and_are_listed() -> None:
    names = [path.name for path in _decisions()]
    assert len({name[:4] for name in names}) == len(names)
    listed = re.findall(r"\]\((\d{4}[^)]+)\)", _text(DECISIONS / "README.md"))
    assert listed == names


def test_every_decision_that_code_names_is_written() -> None:
    numbers = {path.name[:4] for path in _decisions()}
    none_of(
        (
            at(module.path, n, found)
            for module in modules()
            for n, found in matches(module.path, DECISION)
            if found[-4:] not in numbers
        ),
        "A decision that a comment points to is in docs/decisions:",
    )


def test_every_page_that_an_error_names_is_in_the_manual() -> None:
    named = {(m, page) for m in modules() for page in MANUAL_PAGE.findall(_joined(m.text))}
    assert named, "the search for the pages finds none: it is the search that is broken"
    none_of(
        (at(module.path, 1, page) for module, page in named if not _page_of(page).exists()),
        "An error names a page of the manual that is there:",
    )


def _joined(text: str) -> str:
    """Join the parts of a message that is written over several lines."""
    return re.sub(r'"\s*\n\s*f?"', "", text)


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _page_of(title: str) -> Path:
    return MANUAL / f"{title.replace(' ', '-')}.md"


def test_the_manual_lists_its_pages_and_each_bears_its_name() -> None:
    pages = sorted(path for path in MANUAL.glob("*.md") if path.name != "README.md")
    listed = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\)", _text(MANUAL / "README.md"), re.MULTILINE)
    titles = {page.name: _text(page).splitlines()[0][2:] for page in pages}
    assert {name: title for title, name in listed} == titles
    assert all(_page_of(title.lower()).name == name for name, title in titles.items())


def test_every_reason_for_parking_a_file_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", _text(MANUAL / "parked-files.md"), re.MULTILINE)
    assert sorted(explained) == sorted(code.value for code in Code)
