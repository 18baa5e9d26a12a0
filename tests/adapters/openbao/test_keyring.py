"""Epoch keys at a real OpenBao: kept, destroyed for ever, and refused with whose turn it is."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import msgspec
import pytest

from adapters.openbao.bao import Bao, CertificateUnreadable, KeeperRefuses, KeeperUnavailable
from adapters.openbao.keyring import NotTheOldest, TransitKeyring
from adapters.openbao.login import LoginUnreadable
from adapters.openbao.transit import KeeperBehind, KeeperMistaken, VersionWithheld
from domain.errors import Unavailable
from keys.keyring import KeyringExists, KeyringExposed, KeyringUnreadable, new_epoch
from tests.adapters.openbao.server import Kept
from tests.keys.home import LATER, NOW

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def state(kept: Kept) -> dict[str, Any]:
    found: dict[str, Any] = kept.server.ask("GET", kept.key.care())["data"]
    return found


def wrapped_in(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["epochs"]
    return found


def test_epochs_are_kept_oldest_first_and_the_oldest_can_be_destroyed(kept: Kept) -> None:
    keyring = kept.keyring().create()
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    keyring.add(young)
    assert kept.keyring().epochs() == (old, young)
    assert kept.keyring().since() == (NOW, LATER)
    keyring.destroy(old.id)
    keyring.destroy(old.id)
    assert kept.keyring().epochs() == (young,)
    keyring.destroy(young.id)
    assert kept.keyring().epochs() == ()


def test_each_epoch_is_under_a_version_of_its_own_and_the_file_alone_opens_nothing(
    kept: Kept,
) -> None:
    keyring = kept.keyring().create()
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    assert [one["version"] for one in wrapped_in(keyring.path)] == [2, 3]
    everything = b"".join(path.read_bytes() for path in kept.root.rglob("*") if path.is_file())
    assert old.secret not in everything
    assert young.secret not in everything
    assert keyring.path.stat().st_mode & 0o777 == 0o600


def test_a_destroyed_epochs_version_is_gone_for_whoever_administers_the_keeper(kept: Kept) -> None:
    keyring = kept.keyring().create()
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    former = keyring.path.read_bytes()
    keyring.destroy(old.id)
    assert list(state(kept)["keys"]) == ["3"]
    assert state(kept)["min_available_version"] == 3
    keyring.path.write_bytes(former)
    with pytest.raises(VersionWithheld):
        keyring.epochs()
    with pytest.raises(AssertionError, match="less then min available version"):
        kept.server.ask("POST", kept.key.care("config"), min_decryption_version=2)


def test_a_copy_of_the_wrapped_keys_is_written_before_the_file_itself(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))
    assert kept.copy.read_bytes() == keyring.path.read_bytes()
    kept.copy.unlink()
    kept.copy.mkdir()
    with pytest.raises(OSError, match="directory"):
        keyring.add(new_epoch(LATER))
    assert len(keyring.epochs()) == 1


def test_a_wrapped_key_that_is_moved_to_another_epoch_does_not_open(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))
    keyring.add(new_epoch(LATER))
    one, other = wrapped_in(keyring.path)
    one["wrapped"], other["wrapped"] = other["wrapped"], one["wrapped"]
    content = {"format": "metroledger wrapped epochs v1", "epochs": [one, other]}
    keyring.path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(KeeperMistaken):
        keyring.epochs()


def test_an_older_epoch_is_destroyed_before_a_younger_one(kept: Kept) -> None:
    keyring = kept.keyring().create()
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    with pytest.raises(NotTheOldest):
        keyring.destroy(young.id)
    assert keyring.epochs() == (old, young)


@pytest.mark.parametrize("after", ["mark", "config", "trim"])
def test_a_destruction_cut_short_anywhere_is_finished_before_anything_is_answered(
    kept: Kept, after: str
) -> None:
    keyring = kept.keyring().create()
    old, young = new_epoch(NOW), new_epoch(LATER)
    keyring.add(old)
    keyring.add(young)
    begun = wrapped_in(keyring.path)
    begun[0]["doomed"] = True
    content = {"format": "metroledger wrapped epochs v1", "epochs": begun}
    keyring.path.write_bytes(msgspec.json.encode(content))
    if after != "mark":
        least = {"min_decryption_version": 3, "min_encryption_version": 3}
        kept.server.ask("POST", kept.key.care("config"), **least)
    if after == "trim":
        kept.server.ask("POST", kept.key.care("trim"), min_available_version=3)
    assert keyring.since() == (NOW, LATER), "it is there until the keeper has forgotten it"
    assert keyring.epochs() == (young,)
    assert keyring.since() == (LATER,)
    assert state(kept)["min_available_version"] == 3
    assert len(wrapped_in(keyring.path)) == 1


def test_a_keeper_that_is_away_sealed_or_somebody_else_says_whose_turn_it_is(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(epoch := new_epoch(NOW))
    server = kept.server
    server.ask("PUT", "sys/seal")
    with pytest.raises(KeeperUnavailable, match=r"sealed.*turn of whoever runs OpenBao.*unseal"):
        keyring.epochs()
    server.stop()
    with pytest.raises(KeeperUnavailable, match=r"does not answer .*turn of whoever runs OpenBao"):
        keyring.epochs()
    with pytest.raises(Unavailable):
        keyring.add(new_epoch(LATER))
    with pytest.raises(Unavailable):
        keyring.destroy(epoch.id)
    server.start()
    server.unseal()
    assert [one["id"] for one in wrapped_in(keyring.path)] == [str(epoch.id)]
    assert keyring.epochs() == (), "its destruction was ordered while the keeper was away"


def test_only_a_keeper_known_by_the_given_authority_is_told_who_we_are(
    kept: Kept, tmp_path: Path
) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))

    def asked(ca: Path | None) -> TransitKeyring:
        bao = Bao(url=kept.server.url, login=kept.login, ca=ca)
        return TransitKeyring(bao, kept.key, keyring.path)

    with pytest.raises(KeeperUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        asked(None).epochs()
    with pytest.raises(CertificateUnreadable):
        asked(tmp_path / "absent.pem").epochs()
    (broken := tmp_path / "broken.pem").write_text("no certificate")
    with pytest.raises(CertificateUnreadable):
        asked(broken).epochs()


def test_a_login_is_refused_with_whose_turn_it_is_and_never_shown(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))
    for content, refusal in (
        ('{"role_id": "hush-role", "secret_id": "hush-secret"}', KeeperRefuses),
        ("s.hush-token", KeeperRefuses),
        ('{"role_id": "hush-role"}', LoginUnreadable),
        ("two hush-words", LoginUnreadable),
        ("", LoginUnreadable),
    ):
        kept.write_login(content)
        with pytest.raises(refusal) as told:
            keyring.epochs()
        assert "hush" not in str(told.value)
    kept.login.chmod(0o640)
    with pytest.raises(KeyringExposed):
        keyring.epochs()
    kept.login.unlink()
    with pytest.raises(LoginUnreadable):
        keyring.epochs()


def test_a_login_that_may_not_unwrap_ends_no_epoch(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(epoch := new_epoch(NOW))
    before = keyring.path.read_bytes()
    policy = f"""
        path "{kept.key.care("rotate")}" {{ capabilities = ["update"] }}
        path "{kept.key.path("encrypt")}" {{ capabilities = ["update"] }}
    """
    kept.server.ask("PUT", f"sys/policies/acl/{kept.key.name}", policy=policy)
    with pytest.raises(KeeperRefuses):
        keyring.add(new_epoch(LATER))
    assert keyring.path.read_bytes() == before
    assert [one["id"] for one in wrapped_in(keyring.path)] == [str(epoch.id)]


def test_a_periodic_token_is_prolonged_by_each_epoch_that_begins(kept: Kept) -> None:
    name = kept.key.name
    made = {"policies": [name], "period": "2h", "no_parent": True}
    token = kept.server.ask("POST", "auth/token/create", **made)["auth"]["client_token"]
    kept.write_login(token)
    keyring = kept.keyring().create()
    keyring.epochs()
    assert (
        kept.server.ask("POST", "auth/token/lookup", token=token)["data"].get("last_renewal")
        is None
    )
    keyring.add(new_epoch(NOW))
    assert kept.server.ask("POST", "auth/token/lookup", token=token)["data"]["last_renewal"]
    assert len(keyring.epochs()) == 1


def test_versions_that_somebody_withheld_are_told_and_nothing_is_trimmed(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(epoch := new_epoch(NOW))
    kept.server.ask("POST", kept.key.care("rotate"))
    kept.server.ask("POST", kept.key.care("config"), min_decryption_version=3)
    with pytest.raises(VersionWithheld, match="turn of whoever administers OpenBao"):
        keyring.epochs()
    kept.server.ask("POST", kept.key.care("config"), min_decryption_version=2)
    assert keyring.epochs() == (epoch,)


def test_a_keeper_restored_from_an_older_snapshot_is_noticed(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))
    snapshot = kept.server.keep_data("snapshot")
    keyring.add(new_epoch(LATER))
    kept.server.restore_data(snapshot)
    with pytest.raises(KeeperBehind, match="restored from a snapshot"):
        keyring.epochs()


class _Somebody(BaseHTTPRequestHandler):
    """Answers everything with a page."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<p>It works!</p>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_what_answers_and_is_no_openbao_is_not_believed(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(new_epoch(NOW))
    with HTTPServer(("127.0.0.1", 0), _Somebody) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        bao = Bao(url=f"http://127.0.0.1:{server.server_port}", login=kept.login)
        try:
            with pytest.raises(KeeperUnavailable, match="as no OpenBao does"):
                TransitKeyring(bao, kept.key, keyring.path).epochs()
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format":"another","epochs":[]}'])
def test_what_is_no_file_of_wrapped_keys_is_not_read_as_an_empty_one(
    kept: Kept, content: bytes
) -> None:
    keyring = kept.keyring()
    with pytest.raises(KeyringUnreadable):
        keyring.epochs()
    keyring.create()
    with pytest.raises(KeyringExists):
        keyring.create()
    keyring.path.write_bytes(content)
    with pytest.raises(KeyringUnreadable):
        keyring.since()
