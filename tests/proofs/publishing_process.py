"""A process that publishes a growing tree: `python -m … HOME LAST STEP`.

The tests start it twice at once, or kill it; it prints each size it was answered.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.proofs.support import CommittedTree, Site, entries


def main(home: str, last: int, step: int) -> None:
    publisher = Site(Path(home)).publisher()
    leaves = entries(last)
    for size in range(step, last + 1, step):
        answered = publisher.publish(CommittedTree(leaves[:size]))
        print(answered.checkpoint.size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
