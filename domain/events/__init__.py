"""Events: past-tense facts in the words of the agreements.

The class names and fields below *are* the storage format: an event version is
written once and never changed; a change is a new version and an upcaster
(`schemas/`). The golden bytes in `tests/schemas` hold them.

Each class states, beside its fields:

- `TOPIC`: the stored type and version;
- `LEAF`: the fields that everyone may read for ever, because they are members of
  the Merkle leaf and not of the sealed payload;
- `GROUPS`: the disclosure groups, in order; every other field is in exactly one.
  An event without groups has no data subject and its payload is public;
- `ENDS`: whether the event ends its stream;
- `KEY`: which of the subject's keys seals it.
"""

from domain.events.base import Change, Event, KeyPurpose

__all__ = ["Change", "Event", "KeyPurpose"]
