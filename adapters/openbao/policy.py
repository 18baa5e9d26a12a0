"""What the ledger may do at the keeper, and a look whether it may more, or less.

Six paths of one key, none with a pattern: it cannot see that there are other keys. It can
neither read out its own key, nor make that possible, nor delete it; what it can destroy are
the key's old versions, which is what epochs are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from adapters.openbao.bao import Bao
    from adapters.openbao.transit import TransitKey

_POLICY: Final = """\
# What a metroledger may do here: wrap its epoch keys, and let old versions be forgotten.
path "{encrypt}" {{ capabilities = ["update"] }}
path "{decrypt}" {{ capabilities = ["update"] }}
path "{key}" {{ capabilities = ["read"] }}
path "{rotate}" {{ capabilities = ["update"] }}
path "{trim}" {{ capabilities = ["update"] }}
path "{config}" {{
  capabilities = ["update"]
  allowed_parameters = {{ "min_decryption_version" = [], "min_encryption_version" = [] }}
}}
"""


class _Granted(msgspec.Struct, frozen=True):
    data: dict[str, list[str]]


def policy_of(key: TransitKey) -> str:
    """Return the policy that the ledger's login needs, as `bao policy write` takes it."""
    return _POLICY.format(
        encrypt=key.path("encrypt"),
        decrypt=key.path("decrypt"),
        key=key.care(),
        **{verb: key.care(verb) for verb in ("rotate", "trim", "config")},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What our login lacks, what it may that it should not, and what the key should not be."""

    lacking: list[str]
    beyond: list[str]
    loose: list[str]


def examine_login(bao: Bao, key: TransitKey) -> Examined:
    """Ask the keeper what our login may, and how the key stands.

    Raises what `Bao.conversation` raises.
    """
    needed = {key.path("encrypt"), key.path("decrypt")}
    needed |= {key.care(verb) for verb in ("rotate", "trim", "config")}
    wanted = {path: {"update"} for path in needed} | {key.care(): {"read"}}
    beyond = [
        f"{key.mount}/export/encryption-key/{key.name}",
        f"{key.mount}/backup/{key.name}",
        f"{key.mount}/keys/{key.name}-another",
        f"{key.mount}/decrypt/{key.name}-another",
        "sys/storage/raft/snapshot",
        "sys/policies/acl/metroledger",
    ]
    with bao.conversation() as talk:
        asked = [*wanted, *beyond]
        granted = talk.post("sys/capabilities-self", _Granted, paths=asked).data
        state = key.state(talk)
    lacking = sorted(
        path for path, needs in wanted.items() if not (needs | {"root"}) & _may(granted, path)
    )
    too_much = [path for path in beyond if _may(granted, path)]
    too_much += [path for path, needs in wanted.items() if _may(granted, path) - needs]
    loose = [
        name
        for name in ("exportable", "allow_plaintext_backup", "deletion_allowed")
        if getattr(state, name)
    ]
    return Examined(lacking=lacking, beyond=sorted(too_much), loose=loose)


def _may(granted: dict[str, list[str]], path: str) -> set[str]:
    return set(granted.get(path, ())) - {"deny"}
