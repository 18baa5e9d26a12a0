"""HTTP: what is served to people, and on a port of its own to whoever watches the process."""
