"""A clone stands alone: no path of a machine in it, and no host that packages come from."""

import re
import tomllib

import pytest

from tests.architecture.sources import ROOT, at, matches, none_of, tracked_files

# Put together here so that this file does not break its own rule.
REGISTRIES = [
    "py" + r"pi\.(org|python\.org)",
    "python" + r"hosted\.org",
    "crates" + r"\.io",
    "proxy" + r"\.golang\.org",
    "registry" + r"\.(npmjs\.org|yarnpkg\.com)",
    "repo1?" + r"\.maven\.(apache\.)?org",
    "deb" + r"\.debian\.org",
    r"PIP_INDEX_URL\s*=|index-url\s+http|find-links\s+[/h]",
]
MACHINES = ["/ro" + r"ot\b", "/wo" + r"rk\b", "/ho" + r"me/\w", "/opt/" + "wheels", "/Use" + "rs/"]
FOREIGN = re.compile("|".join([*REGISTRIES, *(rf"(?<![\w./-]){path}" for path in MACHINES)]))


def test_no_tracked_file_names_a_machines_path_or_a_registrys_host() -> None:
    none_of(
        (at(path, n, found) for path in tracked_files() for n, found in matches(path, FOREIGN)),
        "Whoever clones this has other paths and may have other registries:",
    )


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    pinned = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    none_of(
        (
            each.splitlines()[0]
            for each in pinned
            if "==" not in each or "--hash=sha256:" not in each
        ),
        f"requirements/{name}.txt comes from `make requirements`, pinned and hashed:",
    )


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_requirement_is_there_for_a_reason(name: str) -> None:
    path = ROOT / "requirements" / f"{name}.in"
    lines = path.read_text("utf-8").splitlines()
    asked = ((n, line) for n, line in enumerate(lines, 1) if line and line[0] not in "#-")
    none_of(
        (at(path, n, line) for n, line in asked if " # " not in line),
        "A requirement says beside it what it is for:",
    )


def test_what_was_pinned_together_was_tested_together() -> None:
    pins = {name: _pins(name) for name in ("run", "dev")}
    none_of(
        (f"{package} {pin}" for package, pin in pins["run"].items() if pins["dev"][package] != pin),
        "The tests run on the versions that the product runs on; `make requirements`:",
    )


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def test_the_packages_are_never_built_into_a_wheel() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert not {"project", "build-system"} & config.keys()
