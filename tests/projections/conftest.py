"""The installations of tests/application serve here too."""

from tests.application.conftest import empty, founded, ledger, place, site

__all__ = ["empty", "founded", "ledger", "place", "site"]
