"""Enedis, through SGE: encrypted files that the operator pushes.

`names` → `crypto` → `archive` → `markup` → `r151` or `historic`; `codec` joins
them: bytes in, readings out, or a refusal with a code. Nothing here has an
outbound command.
"""
