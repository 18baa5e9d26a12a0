"""State machines: `evolve(state, event)` and one pure function per command."""
