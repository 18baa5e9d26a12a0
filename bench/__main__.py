"""`python -m bench`: every benchmark, one after another."""

from bench import core, metropolis_day

if __name__ == "__main__":
    core.main()
    metropolis_day.main()
