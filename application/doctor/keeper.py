"""A check of the keeper of the epoch keys, where that is not a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from application.doctor.finding import Finding, broken, ok, warn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Examined(Protocol):
    """What a keeper says: what our login lacks, what it may beyond its need, what the key is."""

    @property
    def lacking(self) -> Sequence[str]:
        """Paths that an epoch's end needs and that are refused."""

    @property
    def beyond(self) -> Sequence[str]:
        """Paths that a ledger does not need and that are allowed."""

    @property
    def loose(self) -> Sequence[str]:
        """Traits of the key by which it could leave the keeper, or be deleted."""


def keeper(examined: Examined) -> Finding:
    """Check that our login may what an epoch's end needs, and nothing else."""
    if examined.lacking:
        return broken(
            "keeper",
            f"our login is refused {', '.join(examined.lacking)}: no epoch can end",
            "give it the policy that 'metroledger keeper policy' prints",
            "key-store",
        )
    if examined.beyond:
        return warn(
            "keeper",
            f"our login may more than it needs: {', '.join(examined.beyond)}",
            "give it the policy that 'metroledger keeper policy' prints, and no other",
            "key-store",
        )
    if examined.loose:
        return warn(
            "keeper",
            f"the key is {', '.join(examined.loose)}: it could be taken out, or lost",
            "set deletion_allowed to false; where it is exportable or allows backups in plain, "
            "move to a new key: this cannot be taken back",
            "key-store",
        )
    return ok("keeper", "it answers; our login may what it needs and nothing else")
