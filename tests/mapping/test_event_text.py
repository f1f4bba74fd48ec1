"""The event as JSON text, and its size without making it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.mapping.event import encode_event, encode_json, event_bytes, extras_bytes
from tests.mapping.transcript import record


@pytest.mark.parametrize("extras", [{}, {"state": {"name": "Zoë", "n": 1}, "isFinalInvokeForWindow": True}])
@pytest.mark.parametrize("records", [(), (record(1),), (record(1), record(2), record(3))])
def test_the_size_of_an_event_is_that_of_its_text(records: Any, extras: Any) -> None:
    """Envelope, commas and extras included, in bytes of UTF-8."""
    text = encode_event(records, extras)

    assert json.loads(text) == {"Records": [one.body for one in records], **extras}
    assert event_bytes(records, extras_bytes(extras)) == len(text.encode())


def test_texts_are_compact_and_not_escaped() -> None:
    """As AWS writes them; the size of a state is that of its characters, not of escapes for them."""
    assert encode_json({"name": "Zoë", "list": [1, 2]}) == '{"name":"Zoë","list":[1,2]}'
