"""A process of its own on a key store, for tests of several processes and of kills."""

import argparse
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from keys import epochs
from keys.key import new_id
from keys.names import KeyName
from keys.store import KeyStore
from keys.tree import KeyDestroyed
from tests.keys.home import LATER, Home, profile, readings


def main() -> None:
    arguments = _arguments()
    epochs._PIECE = 7  # so that a few dozen persons are several pieces
    with Home(arguments.root).open(_killer(arguments.die_at)) as store:
        print("open", flush=True)
        if arguments.wait:
            sys.stdin.readline()
        _COMMANDS[arguments.command](store, arguments.ids)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("ids", nargs="*", type=UUID)
    parser.add_argument("--die-at", default="")
    parser.add_argument("--wait", action="store_true")
    return parser.parse_args()


def _killer(fatal: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def _mint(store: KeyStore, ids: list[UUID]) -> None:
    """Mint the readings keys of these owners, one call for each, and show what was got."""
    owner_years = [readings(owner, owner, 2026) for owner in ids]
    minted = {str(name.owner): _mint_one(store, name) for name in owner_years}
    print(json.dumps(minted), flush=True)


def _mint_one(store: KeyStore, name: KeyName) -> list[str]:
    try:
        key = store.mint([name])[name]
    except KeyDestroyed:
        return ["destroyed"]
    return [str(key.id), key.secret.hex()]


def _fetch(store: KeyStore, ids: list[UUID]) -> None:
    """Fetch when told to, again and again, and show the ids that were there."""
    while True:
        print(json.dumps(sorted(map(str, store.fetch(ids)))), flush=True)
        if not sys.stdin.readline():
            return


def _churn(store: KeyStore, ids: list[UUID]) -> None:
    """Mint, destroy and end epochs until killed."""
    for turn in itertools.count(1):
        names = [readings(owner, new_id()) for owner in ids]
        keys = store.mint([*map(profile, ids), *names])
        store.destroy([keys[name].id for name in names[1:]], LATER)
        if turn % 2 == 0:
            store.end_epoch(LATER)


_COMMANDS: dict[str, Callable[[KeyStore, list[UUID]], None]] = {
    "mint": _mint,
    "fetch": _fetch,
    "churn": _churn,
    "destroy": lambda store, ids: print(len(store.destroy(ids, LATER))),
    "destroy-owner": lambda store, ids: print(len(store.destroy_owner(ids[0], LATER))),
    "end-epoch": lambda store, _: print(store.end_epoch(LATER)),
}

if __name__ == "__main__":
    main()
