"""What is wrong with this installation, and what to do: checks for an administrator at night.

Each check is a small function that looks at one thing and returns one `Finding`. None
shows a person's data, and none changes anything. `places` looks at files, `database` at
what the database says of itself, `record` at the ledger.
"""
