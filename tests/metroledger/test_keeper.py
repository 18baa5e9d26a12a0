"""A ledger whose epoch key is with OpenBao, on the command line: begun, moved, away, examined."""

from __future__ import annotations

import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from adapters.openbao.bao import KeeperUnavailable
from application import erasure, residents
from metroledger.bootstrap import administrator
from metroledger.cli import run_command
from metroledger.keeping import KeeperNotAsked, NoSuchKeeper, NotAKeeper
from metroledger.settings import read_settings
from tests.adapters.openbao.conftest import kept, openbao
from tests.application.conftest import founded, place, site
from tests.application.world import Place, Said, settle

if TYPE_CHECKING:
    from tests.adapters.openbao.server import Kept

__all__ = ["founded", "kept", "openbao", "place", "site"]


@dataclass(frozen=True, slots=True)
class Trusting(Place):
    """A place whose settings name an OpenBao."""

    keeper: Kept | None = None

    @property
    @override
    def told(self) -> dict[str, str]:
        assert self.keeper is not None
        return Place(self.home, self.database).told | self.keeper.told()


def run(place: Place, *arguments: object) -> Said:
    """Run the command line in this process: the same, without a second of imports."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command(list(map(str, arguments)), place.told)
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def trusting(place: Place, kept: Kept) -> Trusting:
    return Trusting(home=place.home, database=place.database, keeper=kept)


def test_the_epoch_key_moves_to_openbao_and_back_by_one_command(
    place: Place, trusting: Trusting
) -> None:
    who = run(place, "account", "open", "--name", "Aliénor", "--email", "alienor@example.org")
    account = who.out.split()[1]
    assert run(trusting, "consents", account).code == 1, "the epoch key is not there yet"
    moved = run(trusting, "keeper", "move", "openbao")
    assert moved.code == 0, moved
    assert "METROLEDGER_KEEPER=openbao" in moved.out
    assert run(trusting, "account", "accept-terms", account, "--version", "1").code == 0
    assert run(place, "consents", account).code == 1
    again = run(trusting, "keeper", "move", "openbao")
    assert (again.code, "nothing was moved" in again.err) == (1, True)
    assert run(trusting, "keeper", "move", "file").code == 0
    assert run(place, "consents", account).code == 0
    assert run(trusting, "consents", account).code == 1


def test_without_an_openbao_named_there_is_nothing_to_move_to(place: Place) -> None:
    said = run(place, "keeper", "move", "openbao")
    assert said.code == 1
    assert "METROLEDGER_KEEPER_URL" in said.err


def test_a_keeper_that_is_away_at_start_fails_closed_and_says_whose_turn_it_is(
    trusting: Trusting, kept: Kept
) -> None:
    assert run(trusting, "keeper", "move", "openbao").code == 0
    kept.server.ask("PUT", "sys/seal")
    try:
        said = run(trusting, "account", "open", "--name", "Aliénor", "--email", "a@example.org")
        assert (said.code, said.out) == (2, "")
        assert "sealed" in said.err
        assert "It is the turn of whoever runs OpenBao" in said.err
        assert "Aliénor" not in said.err
        told = run(trusting, "doctor", "--json").out.splitlines()
    finally:
        kept.server.unseal()
    checks = {row["check"]: row["state"] for row in map(json.loads, told)}
    assert (checks["keeper"], checks["key-store"]) == ("broken", "broken")
    assert (checks["epoch"], checks["log"]) == ("ok", "ok")


def test_an_erasure_without_the_keeper_destroys_its_keys_and_is_certified_when_it_is_back(
    trusting: Trusting, kept: Kept
) -> None:
    assert run(trusting, "keeper", "move", "openbao").code == 0
    with trusting.open() as installation:
        services, actor = installation.services, administrator(installation)
        home = settle(installation, "30001112223334")
        ids = set(installation.keys.keys_of(home.account).values())
        erasure.request(services, home.account, residents.resident(home.account))
        erasure.check_identity(services, home.account, actor, means="in person")
        erasure.validate(services, home.account, actor)
        kept.server.ask("PUT", "sys/seal")
        try:
            with pytest.raises(KeeperUnavailable):
                erasure.erase(services, home.account, actor)
            assert installation.keys.fetch(ids) == {}, "nobody reads them from now on"
            with pytest.raises(erasure.NoCertificate):
                erasure.certificate_of(services, home.account)
        finally:
            kept.server.unseal()
        assert erasure.erase(services, home.account, actor).certificate.keys >= len(ids) > 1
    state = kept.server.ask("GET", kept.key.care())["data"]
    assert len(state["keys"]) == 1, "the epoch in which they lived is over"


def test_the_doctor_looks_at_the_keeper_and_prints_what_to_do(
    trusting: Trusting, kept: Kept
) -> None:
    assert run(trusting, "keeper", "move", "openbao").code == 0

    def keeper() -> dict[str, str]:
        rows = map(json.loads, run(trusting, "doctor", "--json").out.splitlines())
        found: dict[str, str] = next(row for row in rows if row["check"] == "keeper")
        return found

    assert keeper()["state"] == "ok"
    policy = run(trusting, "keeper", "policy").out
    assert f'path "transit/keys/{kept.key.name}/trim"' in policy
    kept.server.ask("PUT", f"sys/policies/acl/{kept.key.name}", policy=policy + _EXPORT)
    assert keeper()["state"] == "ok", "the export of nothing"
    wide = policy + _EXPORT.replace("nothing", kept.key.name)
    kept.server.ask("PUT", f"sys/policies/acl/{kept.key.name}", policy=wide)
    assert keeper()["state"] == "warn"
    kept.server.ask("PUT", f"sys/policies/acl/{kept.key.name}", policy=_EXPORT)
    assert keeper()["state"] == "broken"


_EXPORT = 'path "transit/export/encryption-key/nothing" { capabilities = ["read"] }\n'


def test_a_new_ledger_begins_with_openbao_and_keeps_no_key_in_clear(trusting: Trusting) -> None:
    shutil.rmtree(trusting.home / "keys")
    shutil.rmtree(trusting.home / "keyring")
    shutil.rmtree(trusting.home / "destroyed")
    (trusting.home / "ledger.json").unlink()
    said = run(trusting, "init", "--origin", "ledger.example.org/tests")
    assert said.code == 0, said
    assert [path.name for path in (trusting.home / "keyring").iterdir()] == ["wrapped"]
    assert run(trusting, "audit").code == 0


LOGIN = {"METROLEDGER_KEEPER": "openbao", "METROLEDGER_KEEPER_LOGIN": "login"}


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"METROLEDGER_KEEPER": "paper"}, NoSuchKeeper),
        ({"METROLEDGER_KEEPER_URL": "https://bao.example.org:8200"}, KeeperNotAsked),
        ({"METROLEDGER_KEEPER": "openbao"}, NotAKeeper),
        (LOGIN | {"METROLEDGER_KEEPER_URL": "http://bao.example.org:8200"}, NotAKeeper),
        (LOGIN | {"METROLEDGER_KEEPER_URL": "https://bao.example.org/v1"}, NotAKeeper),
        (LOGIN | {"METROLEDGER_KEEPER_URL": "https://me:you@bao.example.org"}, NotAKeeper),
        (LOGIN | {"METROLEDGER_KEEPER_URL": "https://bao.example.org:port"}, NotAKeeper),
        (
            {
                "METROLEDGER_KEEPER": "openbao",
                "METROLEDGER_KEEPER_URL": "https://bao.example.org:8200",
            },
            NotAKeeper,
        ),
        (
            LOGIN
            | {
                "METROLEDGER_KEEPER_URL": "https://bao.example.org:8200",
                "METROLEDGER_KEEPER_KEY": "../sys/seal",
            },
            NotAKeeper,
        ),
    ],
)
def test_settings_of_a_keeper_that_say_no_such_thing_stop_the_start(
    told: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read_settings(told)


def test_settings_name_a_key_of_any_mount() -> None:
    url = {"METROLEDGER_KEEPER_URL": "http://127.0.0.1:8200/"}
    settings = read_settings(LOGIN | url | {"METROLEDGER_KEEPER_KEY": "metropole/transit/ledger"})
    assert settings.keeper is not None
    assert settings.keeper.key.care("trim") == "metropole/transit/keys/ledger/trim"
    assert settings.keeper.bao.url == "http://127.0.0.1:8200"
