"""Benchmarks that anyone can run: `python -m bench.NAME [--json FILE]`.

Each shows a ratio against a named rival in the same run, with its conditions.
"""
