"""The log, arbitrated. Of the three folds, this one decides what happened.

`record` is the bytes of a commit, `rule` the pure rule that every reader of a
log applies to its headers, `fold` what accepting a record changes, `log` and
`store` the two ports (the log itself, and what the fold has written of it).
Projections show what was accepted and `replay` re-checks it; neither decides.
"""
