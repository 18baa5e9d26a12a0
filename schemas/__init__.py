"""The published language: canonical bytes, leaves, event versions and upcasters.

Bytes are written once and kept verbatim. Verification hashes these bytes;
upcasters run after it, never on what is stored.
"""
