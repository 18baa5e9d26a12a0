"""The epoch key moves to another keeper: each step may be interrupted, and is done again.

::

    what an epoch's end left undone is finished under the present keeper
    → the epoch key is added to the new keeper
    → the epoch is ended under the new keeper     its key was never with the former one
    → every epoch key of the former is destroyed

Whoever held a copy of the former keeper holds nothing afterwards. Which keeper is the present
one is what the store says: it is under an epoch key that one of them has. So what is done
again after a kill is only what was not done.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from domain.errors import Refused
from keys.database import epoch_of
from keys.keyring import Keyring
from keys.store import FILE_NAME, EpochMark, KeyStore

Open = Callable[[Keyring], KeyStore]
"""Opens the store with a keyring."""


class NothingToMove(Refused):
    """The former keeper has no epoch key, so nothing has to be moved from it."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the keeper to be left holds no epoch key: nothing was moved. If the ledger starts "
            "with the settings as they are, it was moved before"
        )


def move(
    directory: Path, open_store: Open, former: Keyring, new: Keyring, now: datetime
) -> EpochMark:
    """Move the epoch key of the store in `directory`; on return the former keeper has none.

    No other process uses the store meanwhile: those that were told of the former keeper open
    nothing from the new epoch on.
    """
    held = {one.id for one in former.epochs()}
    if not held:
        raise NothingToMove
    if epoch_of(directory / FILE_NAME) in held:
        open_store(former).close()
        for epoch in former.epochs():
            new.add(epoch)
    with open_store(new) as store:
        mark = store.end_epoch(now)
    for epoch in former.epochs():
        former.destroy(epoch.id)
    return mark
