"""State machines: `evolve(state, event)` and one pure function per command.

Every module reads the same way: the states and the table of moves between them,
the state as a frozen dataclass with its `INITIAL`, `evolve`, then one `decide`
function per command, whose answer is the tuple of events to append. An empty
tuple means that there is nothing left to do: any command may be sent again.
A command about several streams is in `domain/policies`.
"""
