"""The keeper of the epoch keys in production: the transit engine of an OpenBao, or of a Vault.

=============  ==============================================================
``login``      who we are to the keeper: an AppRole or a token, out of a file
``bao``        the keeper's API: one conversation at a time, and its refusals
``transit``    one key of its transit engine
``keyring``    the port of `keys.keyring`: epoch keys wrapped by key versions
``policy``     what the ledger may do there, and whether it may more or less
=============  ==============================================================
"""
