"""Who is at the door: sign-up by e-mail, passwords, sessions, throttling.

Nothing of a person is stored before they confirmed their e-mail, and what is stored then is
a password's hash, sealed under the account's own key: an erasure destroys it. Sessions and
counters know random ids and digests only.
"""
