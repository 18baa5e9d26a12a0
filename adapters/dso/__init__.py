"""The operators that meter: a package each, with the same three files.

`codec` turns bytes into readings and is pure, `transport` moves the bytes, and
`simulator` is the other side: it ships for demos and tests, and production may
not import it.
"""
