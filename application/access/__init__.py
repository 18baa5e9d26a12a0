"""Who is at the door: sign-up by e-mail, passwords, sessions, throttling, and the staff.

Nothing of a person is stored before they confirmed their e-mail, and what is stored then is
a password's hash, sealed under the account's own key: an erasure destroys it. The staff's
names, e-mails, passwords and second factors are sealed likewise, under a key a member.
Sessions and counters know random ids and digests only.
"""
