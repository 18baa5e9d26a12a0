"""The end of an epoch, in steps that a kill may interrupt anywhere.

::

    new epoch key durable in the keyring      keyring {old, new}, store under old
    → one transaction re-wraps everything     keyring {old, new}, store under new
    → the file is written anew                 no copy of an old row is left in it
    → backup of the store                     the former backup opens nothing soon
    → old key destroyed everywhere            keyring {new},      store under new

Two keys in the keyring mean that an end was begun, and the way is always
*forward*: whichever of the two the store is under says which step is next, and
each step done again does nothing. Going back would be wrong, for a mint may have
been answered under the new key already.

Only the persons' keys and the lookup index hang directly under the epoch key, so
sub-keys are not touched. Old bytes of theirs that lie in a backup open under a
person's key of their time; how that is kept out of the new epoch is told in
`keys.destruction`.

One process at a time ends an epoch; a kernel lock on the store's directory says
who, and goes with the process. Meanwhile others read on (until the commit) and
wait to write; while the file is written anew they wait for both. A row that does
not open stops the end of the epoch: re-wrapping cannot be done around it, and it
is evidence that someone must look at.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from keys import files, index
from keys.gate import EpochKey, Gate, Transaction
from keys.key import WrapBroken, person_binding, unwrap, wrap
from keys.keyring import Epoch, Keyring, new_epoch

STEPS = (
    "epoch: key added",
    "epoch: begun",
    "epoch: re-wrapped",
    "epoch: committed",
    "epoch: compacted",
    "epoch: backed up",
    "epoch: old key destroyed",
)
"""The steps that are announced; the second and the third lie inside the transaction."""

_CHUNK = 10_000

Step = Callable[[str], None]


def end(gate: Gate, now: datetime, *, backup: Path | None, step: Step) -> None:
    """End the epoch; on return the old epoch's key is nowhere.

    An end that was begun before is finished first, and then another one is made.
    """
    with files.locked(gate.path.parent, wait=True):
        _finish(gate, backup=backup, step=step)
        gate.keyring.add(new_epoch(now))
        step("epoch: key added")
        _finish(gate, backup=backup, step=step)


def finish_forward(gate: Gate, *, backup: Path | None, step: Step) -> bool:
    """Finish an end that was begun, unless a living process is at it; answers whether it did."""
    if len(gate.keyring.since()) == 1:
        return False
    with files.locked(gate.path.parent, wait=False) as ours:
        if ours:
            _finish(gate, backup=backup, step=step)
        return ours


def _finish(gate: Gate, *, backup: Path | None, step: Step) -> None:
    *old, young = gate.keyring.epochs()
    if not old:
        return
    with gate.writing() as tx:
        if tx.epoch.id != young.id:
            step("epoch: begun")
            _rewrap(tx, EpochKey.of(young))
            step("epoch: re-wrapped")
    step("epoch: committed")
    gate.compact()
    step("epoch: compacted")
    if backup is not None:
        gate.back_up(backup)
        step("epoch: backed up")
    _destroy(gate.keyring, old)
    step("epoch: old key destroyed")


def _destroy(keyring: Keyring, old: list[Epoch]) -> None:
    for epoch in old:
        keyring.destroy(epoch.id)


def _rewrap(tx: Transaction, young: EpochKey) -> None:
    """Put every living person's key and every index entry under a new epoch key."""
    last = 0
    while rows := tx.connection.execute(
        "SELECT number, owner, key_id, wrapped FROM persons "
        "WHERE number > ? ORDER BY number LIMIT ?",
        (last, _CHUNK),
    ).fetchall():
        anew = [(_move(tx.epoch, young, row), row[0]) for row in rows]
        tx.connection.executemany("UPDATE persons SET wrapped = ? WHERE number = ?", anew)
        last = rows[-1][0]
    index.rekey(tx, young)
    tx.connection.execute(
        "UPDATE meta SET epoch = ?, generation = generation + 1", (young.id.bytes,)
    )


def _move(old: EpochKey, young: EpochKey, row: tuple[int, bytes, bytes, bytes]) -> bytes:
    _, owner, key_id, wrapped = row
    binding = person_binding(epoch=old.id.bytes, owner=owner, key_id=key_id)
    secret = unwrap(old.wrapping, wrapped, binding)
    if secret is None:
        raise WrapBroken(UUID(bytes=key_id))
    binding = person_binding(epoch=young.id.bytes, owner=owner, key_id=key_id)
    return wrap(young.wrapping, secret, binding)
