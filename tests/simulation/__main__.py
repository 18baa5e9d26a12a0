"""Replay one schedule and tell it step by step: python -m tests.simulation SEED [MUTANT].

Exit 0 when every invariant held, 1 when one did not.
"""

from __future__ import annotations

import sys

from tests.simulation.mutants import MUTANTS, REAL
from tests.simulation.schedule import play
from tests.simulation.world import Violation


def main(arguments: list[str]) -> int:
    if not arguments or not arguments[0].isdigit():
        print(__doc__, "\nmutants:", *MUTANTS, sep="\n  ", file=sys.stderr)
        return 2
    seed, mutant = int(arguments[0]), " ".join(arguments[1:])
    if mutant and mutant not in MUTANTS:
        print(f"no mutant is called {mutant!r}; there are:", *MUTANTS, sep="\n  ", file=sys.stderr)
        return 2
    trace: list[str] = []
    try:
        play(seed, MUTANTS.get(mutant, REAL), trace=trace)
    except Violation as violation:
        verdict = f"seed {seed}: VIOLATION: {violation}"
    else:
        verdict = f"seed {seed}: every invariant holds"
    print(*trace, "", verdict, sep="\n")
    return int("VIOLATION" in verdict)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
