"""Who can be read: the key tree, the lookup index, seal and open, and destruction.

An epoch key wraps one key per person, a person's key wraps random sub-keys, and
sub-keys seal. Everything that joins a person to a random id is in this package's
one store, so the destruction of keys is the erasure of everything they sealed,
wherever copies of it lie.

=================  ==========================================================
``names``          what a sub-key is called, and why a name is used only once
``key``            a key, its fingerprint, its wrapped form
``sealing``        seal and open payloads, derive the salts of commitments
``redaction``      what stands for a payload whose key was destroyed on order
``files``          bytes on disk so that a crash leaves the old or the new
``keyring``        the keeper of the epoch keys (a port, and a file)
``journal``        the destroyed key ids, kept apart from the store
``database``       the SQLite file: its schema and how it is opened
``gate``           transactions that only see a store that is current
``tree``           the rows of the key tree: open and mint in bulk
``destruction``    what one journal line does to the store
``epochs``         the end of an epoch, in steps that a kill may interrupt
``moving``         the epoch key moves to another keeper
``index``          e-mail or meter number → random ids
``store``          the key store as the layers above see it
=================  ==========================================================
"""
