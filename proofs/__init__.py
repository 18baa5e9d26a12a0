"""Proofs for outsiders: tree, tiles, notes, checkpoints, disclosures, receipts.

Everything here is written down by C2SP (signed-note, tlog-checkpoint,
tlog-tiles, tlog-cosignature, tlog-proof), RFC 9162 (the tree) or RFC 9901 (the
disclosures), so that other people's tools work on our log. Nothing here knows
what an event is: the package imports the standard library, ``cryptography`` and
the error tree, so that a receipt can be verified by a reader who has no more
than these files.
"""
