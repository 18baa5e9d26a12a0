"""Use cases. `transact` is the one write path: load → decide → seal → append → await."""
