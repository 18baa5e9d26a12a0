"""`python -m metroledger`: the command line."""

import sys

from metroledger.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
