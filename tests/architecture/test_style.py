"""Style that can be tested is tested: what only stands in a document is an opinion."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import (
    ROOT,
    at,
    matches,
    modules,
    none_of,
    packages,
    python_files,
    tracked_files,
)

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PROSE = {".md", ".py", ".toml", ".sh", ".sql", ".yml", ".yaml", ".go", ""}

# The words are put together here so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
NOQA = re.compile(r"#\s*noqa\b(?P<codes>:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?(?P<reason>.*)")
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore\b(?P<codes>\[[\w, -]+\])?(?P<reason>.*)")
RULE = re.compile(r'"[A-Z]{1,4}\d*"')


def test_a_module_is_read_in_one_sitting() -> None:
    lines = ((module, module.text.count("\n")) for module in modules())
    none_of(
        (at(m.path, 1, f"{count} lines") for m, count in lines if count > FILE_LINES_MAX),
        f"A module has at most {FILE_LINES_MAX} lines; one concept each:",
    )


def test_a_function_is_read_on_one_screen() -> None:
    none_of(
        _long_functions(),
        f"A function has at most {FUNCTION_LINES_MAX} lines, its docstring aside:",
    )


def _long_functions() -> Iterator[str]:
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = _length(node)
                if length > FUNCTION_LINES_MAX:
                    yield at(module.path, node.lineno, f"{node.name} has {length} lines")


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    docstring = ast.get_docstring(function, clean=False)
    told = (first.end_lineno or 0) - first.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - told


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    none_of(
        (at(m.path, 1, problem) for m in modules() if (problem := _docstring_problem(m.tree))),
        "A module begins with a docstring whose first line is a sentence:",
    )


def _docstring_problem(tree: ast.Module) -> str | None:
    docstring = ast.get_docstring(tree)
    if not docstring:
        return "no docstring"
    first = docstring.splitlines()[0].rstrip()
    return None if first.endswith((".", "?", "!")) else f"no sentence: {first!r}"


def test_nothing_is_left_unfinished_in_the_tree() -> None:
    files = (path for path in tracked_files() if path.suffix in PROSE)
    none_of(
        (at(path, n, word) for path in files for n, word in matches(path, UNFINISHED)),
        "What is still to do is an issue, not a comment:",
    )


def test_every_suppression_names_its_rule_and_its_reason() -> None:
    none_of(
        (finding for path in python_files() for finding in _bare_suppressions(path)),
        "A suppression is `# noqa: CODE - reason` or `# type: ignore[code] # reason`:",
    )


def _bare_suppressions(path: Path) -> Iterator[str]:
    source = io.StringIO(path.read_text("utf-8"))
    for token in tokenize.generate_tokens(source.readline):
        if token.type != tokenize.COMMENT:
            continue
        for pattern in (NOQA, TYPE_IGNORE):
            found = pattern.search(token.string)
            if found and not (found["codes"] and _is_reason(found["reason"])):
                yield at(path, token.start[0], token.string)


def _is_reason(text: str) -> bool:
    # Another suppression behind this one is no reason for it; its own reason serves both.
    return len(re.findall(r"[^\W\d_]{2,}", text)) >= 2


def test_every_rule_that_is_switched_off_says_why() -> None:
    path = ROOT / "pyproject.toml"
    lines = path.read_text("utf-8").splitlines()
    start, end = lines.index("[tool.ruff.lint]"), lines.index("[tool.importlinter]")
    switched_off = (
        n for n in range(start, end) if RULE.search(lines[n]) and "select" not in lines[n]
    )
    none_of(
        (at(path, n + 1, lines[n].strip()) for n in switched_off if not _has_comment(lines, n)),
        "A rule that is switched off carries its reason, beside it or on the line above:",
    )


def _has_comment(lines: list[str], n: int) -> bool:
    return "# " in lines[n] or lines[n - 1].lstrip().startswith("#")


def test_no_package_reaches_for_a_name_that_begins_with_an_underscore() -> None:
    none_of(_private_imports(), "What begins with an underscore is its module's own:")


def _private_imports() -> Iterator[str]:
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in packages():
                for alias in node.names:
                    if alias.name.startswith("_"):
                        yield at(module.path, node.lineno, f"{node.module}.{alias.name}")
