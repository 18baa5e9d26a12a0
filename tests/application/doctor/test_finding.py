"""A round of checks: it goes on whatever is raised, and quotes nobody."""

from __future__ import annotations

import pytest

from application.doctor.finding import Finding, State, broken, examine, ok, warn, worst
from domain.errors import Corrupt, Unavailable

EMAIL = "hildegarde@example.org"


def raising(error: Exception) -> Finding:
    def look() -> Finding:
        raise error

    return examine("check", look)


def test_what_a_check_returns_is_what_is_found() -> None:
    assert examine("check", lambda: ok("check", "fine")) == ok("check", "fine")


@pytest.mark.parametrize("error", [Corrupt("the tree is behind"), Unavailable("no answer")])
def test_an_error_of_ours_is_a_finding_with_its_words(error: Exception) -> None:
    finding = raising(error)
    assert (finding.state, finding.says) == (State.BROKEN, str(error))
    assert finding.do


@pytest.mark.parametrize("error", [ValueError(EMAIL), LookupError(EMAIL), ZeroDivisionError(EMAIL)])
def test_another_error_is_a_finding_without_its_words(error: Exception) -> None:
    finding = raising(error)
    assert finding.state is State.BROKEN
    assert type(error).__name__ in finding.says
    assert EMAIL not in finding.says + finding.do


def test_an_error_of_the_system_names_the_file() -> None:
    finding = raising(FileNotFoundError(2, "No such file or directory", "log.key"))
    assert "log.key" in finding.says


def test_an_installation_stands_as_its_worst_finding() -> None:
    found = [ok("a", ""), warn("b", "", "")]
    assert worst([]) is State.OK
    assert worst(found) is State.WARN
    assert worst([broken("c", "", ""), *found]) is State.BROKEN
