"""A process of its own on a key store whose keeper is an OpenBao; it may be killed at a step."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from keys.store import KeyStore, Options
from metroledger.keyrings import keyring_of
from metroledger.settings import read_settings
from tests.keys.home import LATER


def main() -> None:
    told, fatal = json.loads(sys.argv[1]), sys.argv[2]
    settings = read_settings(told)

    def step(name: str) -> None:
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    with KeyStore.open(
        settings.keys,
        keyring=keyring_of(settings),
        journal=settings.destroyed,
        options=Options(backup=settings.key_backup, step=step),
    ) as store:
        print(store.end_epoch(LATER).generation, Path(settings.keys).name)


if __name__ == "__main__":
    main()
