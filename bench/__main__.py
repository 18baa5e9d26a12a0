"""`python -m bench`: every benchmark, one after another."""

from bench import core

if __name__ == "__main__":
    core.main()
