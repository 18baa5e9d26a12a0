"""The outside: every adapter speaks for the ledger to one kind of neighbour."""
