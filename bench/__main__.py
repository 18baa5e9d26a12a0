"""`python -m bench`: every benchmark, one after another."""

from bench import core, epoch, erasure, hostile, logs, metropolis_day, portal

if __name__ == "__main__":
    core.main()
    epoch.main(persons_by_default=40_000)
    erasure.main()
    hostile.main()
    logs.main()
    metropolis_day.main()
    portal.main(homes_by_default=200, days_by_default=100)
