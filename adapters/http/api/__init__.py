"""The API, under /api/v1: what the portal does, for programs."""
