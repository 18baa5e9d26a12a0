"""What the ledger's login may do at the keeper: its six paths, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from adapters.openbao.bao import KeeperRefuses
from adapters.openbao.policy import examine_login, policy_of
from adapters.openbao.transit import TransitKey
from keys.keyring import new_epoch
from tests.architecture.sources import ROOT
from tests.keys.home import LATER, NOW

if TYPE_CHECKING:
    from tests.adapters.openbao.server import Kept


def test_with_the_policy_alone_epochs_begin_and_end(kept: Kept) -> None:
    keyring = kept.keyring().create()
    keyring.add(old := new_epoch(NOW))
    keyring.add(young := new_epoch(LATER))
    keyring.destroy(old.id)
    assert keyring.epochs() == (young,)
    examined = examine_login(kept.bao, kept.key)
    assert (examined.lacking, examined.beyond, examined.loose) == ([], [], [])


def test_it_can_neither_take_its_key_out_nor_delete_it_nor_see_another(kept: Kept) -> None:
    another = TransitKey(name=f"{kept.key.name}-another")
    kept.server.ask("POST", another.care(), type="aes256-gcm96")
    plain = b64encode(b"anything").decode()
    ciphertext = kept.server.ask("POST", another.path("encrypt"), plaintext=plain)["data"]
    forbidden: list[tuple[str, dict[str, object]]] = [
        (kept.key.care("config"), {"exportable": True}),
        (kept.key.care("config"), {"deletion_allowed": True, "min_decryption_version": 1}),
        (kept.key.care("config"), {"allow_plaintext_backup": True}),
        (kept.key.care(), {"type": "aes256-gcm96"}),
        ("transit/keys/of-ours", {"type": "aes256-gcm96"}),
        (another.path("encrypt"), {"plaintext": plain}),
        (another.path("decrypt"), {"ciphertext": ciphertext["ciphertext"]}),
        (another.care("rotate"), {}),
        (another.care("config"), {"min_decryption_version": 1}),
        (another.care("trim"), {"min_available_version": 1}),
        ("transit/restore/of-ours", {"backup": plain}),
        ("sys/policies/acl/of-ours", {"policy": 'path "*" { capabilities = ["sudo"] }'}),
        ("auth/token/create", {}),
        ("sys/seal", {}),
    ]
    unreadable = [
        f"transit/export/encryption-key/{kept.key.name}",
        f"transit/export/encryption-key/{another.name}",
        f"transit/backup/{kept.key.name}",
        another.care(),
        "transit/keys?list=true",
        "sys/storage/raft/snapshot",
        "sys/mounts",
    ]
    with kept.bao.conversation() as talk:
        for path, body in forbidden:
            with pytest.raises(KeeperRefuses, match="permission denied"):
                talk.order(path, **body)
        for path in unreadable:
            with pytest.raises(KeeperRefuses, match="permission denied"):
                talk.get(path, dict)
        with pytest.raises(KeeperRefuses, match="permission denied"):
            talk.send("DELETE", kept.key.care())
    assert kept.server.ask("GET", another.care())["data"]["latest_version"] == 1


def test_the_doctors_look_sees_a_login_that_may_too_much(kept: Kept) -> None:
    kept.write_login(kept.server.token)
    examined = examine_login(kept.bao, kept.key)
    assert examined.lacking == []
    assert f"transit/export/encryption-key/{kept.key.name}" in examined.beyond


def test_the_doctors_look_sees_a_login_that_may_too_little(kept: Kept) -> None:
    lines = policy_of(kept.key).splitlines()
    without = "\n".join(line for line in lines if "/trim" not in line)
    kept.server.ask("PUT", f"sys/policies/acl/{kept.key.name}", policy=without)
    assert examine_login(kept.bao, kept.key).lacking == [kept.key.care("trim")]


def test_the_doctors_look_sees_a_key_that_can_be_deleted_or_taken_out(kept: Kept) -> None:
    loose = {"deletion_allowed": True, "exportable": True, "allow_plaintext_backup": True}
    kept.server.ask("POST", kept.key.care("config"), **loose)
    assert sorted(examine_login(kept.bao, kept.key).loose) == sorted(loose)


def test_the_manual_shows_the_policy_as_it_is() -> None:
    manual = (ROOT / "docs" / "manual" / "openbao.md").read_text("utf-8")
    told = "\n".join(f"    {line}" for line in policy_of(TransitKey()).splitlines())
    assert told in manual
