"""`python -m metroledger`: the command line."""

import logging
import sys


def run() -> int:
    """Run the command line, quiet under Ctrl-C from its first import on.

    What a library would say on standard error is told by its place alone, as in every process.
    """
    try:
        from metroledger import logs  # noqa: PLC0415 - as below

        logs.set_up(sys.stderr, logging.WARNING)
        from metroledger.cli import main  # noqa: PLC0415 - half a second in which Ctrl-C is pressed
    except KeyboardInterrupt:
        return 130
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
