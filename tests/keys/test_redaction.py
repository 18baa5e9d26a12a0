import pytest

from domain.errors import Corrupt
from keys.key import new_id
from keys.redaction import KeyMissing, Redacted, missing


def test_a_key_that_a_leaf_orders_destroyed_is_redacted() -> None:
    key_id = new_id()
    assert missing("ConsentGranted.v1", key_id, {key_id}) == Redacted("ConsentGranted.v1", key_id)


def test_a_key_that_is_missing_without_an_order_is_corrupt() -> None:
    with pytest.raises(KeyMissing) as raised:
        missing("ConsentGranted.v1", new_id(), {new_id()})
    assert isinstance(raised.value, Corrupt)
