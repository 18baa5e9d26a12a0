"""Commands that read or write several streams, and the rule that covers a reading.

A policy takes `Stream` values and answers with the `Change`s to append in one
commit. Every stream passed to it belongs in the commit's `expects`, read or
written; so an ended stream is never passed to one, for no commit that expects
an ended stream is ever accepted. What cannot change any more is passed as a
plain state.
"""
