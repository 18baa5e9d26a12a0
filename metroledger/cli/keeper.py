"""Commands on the keeper of the epoch key: what it must allow, and moving to it or from it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from adapters.openbao.policy import policy_of
from keys.moving import move
from metroledger import keeping, keyrings
from metroledger.bootstrap import now, open_keys
from metroledger.cli.common import Commands, command, group
from metroledger.settings import read_identity

if TYPE_CHECKING:
    import argparse

    from keys.keyring import Keyring
    from keys.store import KeyStore
    from metroledger.keeping import Keeper
    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    keeper = group(commands, "keeper", "The keeper of the epoch key: what it must allow, moving.")
    command(keeper, "policy", _policy, "Print the policy that our login needs at OpenBao.")
    moving = command(keeper, "move", _move, "Move the epoch key to another keeper.")
    moving.add_argument("to", choices=(keeping.OPENBAO, keeping.FILE), help="the new keeper")


def _policy(settings: Settings, _arguments: argparse.Namespace) -> int:
    print(policy_of(_asked(settings).key), end="")
    return 0


def _move(settings: Settings, arguments: argparse.Namespace) -> int:
    read_identity(settings)
    keeper, to_file = _asked(settings), arguments.to == keeping.FILE
    file: Keyring = keyrings.file_keyring(settings, create=to_file)
    wrapped: Keyring = keyrings.wrapped_keyring(settings, keeper, create=not to_file)
    former, new = (wrapped, file) if to_file else (file, wrapped)
    mark = move(settings.keys, partial(_open, settings), former, new, now())
    where = "the keyring file" if to_file else f"OpenBao at {keeper.bao.url}"
    print(f"epoch {mark.generation} has begun, and its key is with {where} alone")
    print(f"next: start every process of the ledger with {keeping.KEEPER}={arguments.to}")
    return 0


def _open(settings: Settings, keyring: Keyring) -> KeyStore:
    return open_keys(settings, keyring=keyring)


def _asked(settings: Settings) -> Keeper:
    if settings.keeper is None:
        raise keeping.NoKeeper
    return settings.keeper
