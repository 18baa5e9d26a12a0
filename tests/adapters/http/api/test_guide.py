"""docs/api.md is run: each line that it shows is typed, and says what the page says it does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.application.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.http.api.conftest import World

GUIDE: Final = ROOT / "docs" / "api.md"
BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END: Final = "── end ──"


def examples() -> list[tuple[str, str]]:
    """Return each command of the guide, with what it is said to print."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(GUIDE.read_text("utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            length = next(n for n, line in enumerate(lines, 1) if not line.endswith("\\\n"))
            found.append(("".join(lines[:length]), "".join(lines[length:])))
    return found


def test_the_guide_does_what_it_says(world: World, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here: the guide's lines cannot be typed")
    (jar := tmp_path / "jar").write_text(_cookies(world))
    script = "".join(f"{command}echo '{END}'\n" for command, _ in examples())
    program = f'metroledger() {{ "{sys.executable}" -m metroledger "$@"; }}\n'
    known = {"PORTAL": world.url, "JAR": str(jar), "CONSENT": world.owner.consent}
    done = subprocess.run(
        ["bash", "-euc", program + script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **known, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = done.stdout.split(f"{END}\n")[:-1]
    assert len(printed) == len(examples()) > 15
    for (command, said), got in zip(examples(), printed, strict=True):
        pattern = ".*".join(map(re.escape, said.strip().split("[…]")))
        assert re.fullmatch(pattern, got.strip(), re.DOTALL), f"{command}\nprinted: {got}"


def _cookies(world: World) -> str:
    """Return the owner's session as a cookie file of curl's (Netscape's format)."""
    return "".join(
        f"127.0.0.1\tFALSE\t/\tFALSE\t0\t{name}\t{value}\n"
        for name, value in world.owner.client.cookies.items()
    )


def test_every_address_of_the_guide_is_one_of_the_document(world: World) -> None:
    known = world.nobody.get("openapi.json").json()["paths"]
    shapes = {re.sub(r"\{\w+\}", "{id}", path.removeprefix("/api/v1")) for path in known}
    tables = re.findall(r"^\| (`/.*?) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    named = {path for cell in tables for path in re.findall(r"`(/[^`]*)`", cell)}
    assert len(named) >= 15
    assert named <= shapes
    public = {path for path in shapes if path.startswith("/public")}
    assert shapes - named - public == {"/session", "/commands/{id}"}
