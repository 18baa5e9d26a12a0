"""The end of an epoch, in steps that a kill may interrupt anywhere.

::

    new epoch key durable in the keyring      keyring {old, new}, store under old
    → what is written is under the new one    keyring {old, new}, store under new, formerly old
    → piece by piece the rest is re-wrapped
    → nothing is under the old one            keyring {old, new}, store under new
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
who, and goes with the process. Meanwhile others read and write on, each row under
whichever of the two keys it is: a piece is one short transaction, and between two
who waits to write has its turn. While the file is written anew they wait. A
row that does not open stops the end of the epoch: re-wrapping cannot be done around
it, and it is evidence that someone must look at.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from keys import files, index
from keys.gate import Gate, Transaction
from keys.key import WrapBroken, person_binding, wrap
from keys.keyring import Epoch, Keyring, new_epoch

STEPS = (
    "epoch: key added",
    "epoch: begun",
    "epoch: a piece re-wrapped",
    "epoch: re-wrapped",
    "epoch: committed",
    "epoch: compacted",
    "epoch: backed up",
    "epoch: old key destroyed",
)
"""The steps that are announced; "begun" and "re-wrapped" lie inside their transactions."""

_PIECE = 4_000
"""Persons that are re-wrapped in one transaction: some 25 ms, and one wait for the disk."""

_ENTRIES = 4
"""So many times more entries: new tags fall all over their tree, so a piece writes most of it."""

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
            _turn_to(tx, young.id)
    _in_pieces(gate, _move_persons, _PIECE, step)
    _in_pieces(gate, index.rekey, _ENTRIES * _PIECE, step)
    with gate.writing() as tx:
        step("epoch: re-wrapped")
        tx.connection.execute("UPDATE meta SET former = NULL")
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


def _turn_to(tx: Transaction, young: UUID) -> None:
    """Have everything written under a new epoch key from now on."""
    tx.connection.execute(
        "UPDATE meta SET former = epoch, epoch = ?, generation = generation + 1", (young.bytes,)
    )


Move = Callable[[Transaction, int, int], int | None]
"""Re-wraps so many rows at most after a number; answers the last one's, None when all are done."""


def _in_pieces(gate: Gate, move: Move, rows: int, step: Step) -> None:
    last: int | None = 0
    while last is not None:
        with gate.writing() as tx:
            last = move(tx, last, rows) if tx.former else None
        step("epoch: a piece re-wrapped")
        gate.give_way()


def _move_persons(tx: Transaction, after: int, limit: int) -> int | None:
    """Put living persons' keys under the present epoch key; those that are there already stay."""
    rows = tx.connection.execute(
        "SELECT number, owner, key_id, wrapped FROM persons "
        "WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    ).fetchall()
    anew = []
    for number, owner, key_id, wrapped in rows:
        secret = tx.open_person(owner, key_id, wrapped)
        if secret is None:
            raise WrapBroken(UUID(bytes=key_id))
        binding = person_binding(epoch=tx.epoch.id.bytes, owner=owner, key_id=key_id)
        anew.append((wrap(tx.epoch.wrapping, secret, binding), number))
    tx.connection.executemany("UPDATE persons SET wrapped = ? WHERE number = ?", anew)
    return rows[-1][0] if len(rows) == limit else None
