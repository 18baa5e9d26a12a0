"""Where a ledger's epoch keys are: the keyring that its settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyring import FileKeyring

if TYPE_CHECKING:
    from adapters.openbao.keyring import TransitKeyring
    from keys.keyring import Keyring
    from metroledger.keeping import Keeper
    from metroledger.settings import Settings


def keyring_of(settings: Settings, *, create: bool = False) -> Keyring:
    """Return where the epoch keys of a ledger are kept; with `create`, made where it is missing."""
    if settings.keeper is None:
        return file_keyring(settings, create=create)
    return wrapped_keyring(settings, settings.keeper, create=create)


def file_keyring(settings: Settings, *, create: bool = False) -> FileKeyring:
    """Return the keyring that is a file."""
    if create and not settings.keyring.exists():
        return FileKeyring.create(settings.keyring)
    return FileKeyring(settings.keyring)


def wrapped_keyring(settings: Settings, keeper: Keeper, *, create: bool = False) -> TransitKeyring:
    """Return the keyring whose keys OpenBao alone opens; a copy of it lies with the store's."""
    from adapters.openbao.keyring import TransitKeyring  # noqa: PLC0415 - see keeping

    copy = settings.key_backup
    copies = () if copy is None else (copy.with_name(f"{copy.name}.epochs"),)
    keyring = TransitKeyring(keeper.bao, keeper.key, settings.wrapped_epochs, copies)
    return keyring.create() if create and not keyring.path.exists() else keyring
