"""What is true: values, events, aggregates and policies.

Pure: no input or output, no clock, no randomness, no environment. Instants,
identifiers, random bytes and texts arrive as keyword arguments, so that the
same inputs give the same facts for ever.
"""
