"""PostgreSQL: an embedded server, the log as a table, the recorder, the fold."""
