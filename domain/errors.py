"""The error tree: four bases, by what the caller can do.

::

    MetroledgerError
    ├── Refused      tell the person: the command cannot be done as things stand (4xx)
    ├── Malformed    quarantine the input: it is not what its format says (400, parked)
    ├── Unavailable  try again later: a part we need does not answer (503)
    └── Corrupt      stop: evidence of ours does not verify (500, an operator is needed)

Leaves live beside the code that raises them, take the offending value, and
write their own message: what happened, whose turn it is, what to do. A message
never holds personal data: no name, e-mail, meter number or reading.
"""


class MetroledgerError(Exception):
    """Anything this project raises on purpose."""

    status = 500
    """The HTTP status an outside caller sees."""


class Refused(MetroledgerError):
    """The command cannot be done as things stand; the person can be told why."""

    status = 409


class Malformed(MetroledgerError):
    """The input is not what its format says; it is quarantined, never half-applied."""

    status = 400


class Unavailable(MetroledgerError):
    """A part that is needed does not answer; the same call may succeed later."""

    status = 503


class Corrupt(MetroledgerError):
    """Evidence of ours does not verify; nothing goes on until a person has looked."""

    status = 500
