"""The event handed to the function, as JSON text: made from texts that exist, so that no record is encoded twice.

Source: Using Lambda with DynamoDB Streams and Using Lambda with Amazon SQS, example events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.mapping.inputs import QueueMessage, StreamRecord

_NO_RECORDS_BYTES = len('{"Records":[]}')


def encode_json(value: Any) -> str:
    """Give the compact JSON text of a value, as all texts here are written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode_event(records: Sequence[StreamRecord] | Sequence[QueueMessage], extras: Mapping[str, Any]) -> str:
    """Give the JSON text of ``{"Records": [...], **extras}``; extras may be empty."""
    body = '{"Records":[' + ",".join([record.encoded for record in records]) + "]"
    if extras:
        return body + "," + encode_json(dict(extras))[1:]
    return body + "}"


def extras_bytes(extras: Mapping[str, Any]) -> int:
    """Tell how many bytes the extras add to an event; as many as their object has, and its comma for its brace."""
    return len(encode_json(dict(extras)).encode()) - 1 if extras else 0


def event_bytes(records: Sequence[StreamRecord] | Sequence[QueueMessage], extra: int = 0) -> int:
    """Tell the size of an event without making it; ``extra`` is what ``extras_bytes`` said."""
    commas = max(len(records) - 1, 0)
    return _NO_RECORDS_BYTES + extra + commas + sum([record.encoded_bytes for record in records])
