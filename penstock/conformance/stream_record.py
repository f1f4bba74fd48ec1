"""Stream records made from the writes of a case, as DynamoDB Streams writes them.

Source: DynamoDB Streams API reference, "Record"; sizes as recorded (name and value, numbers as DynamoDB stores them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.conformance.parts import flag_of, integer_of, mapping_of, one_of, only_keys, text_of
from penstock.conformance.timeline import EPOCH_MS
from penstock.mapping.event import encode_json
from penstock.mapping.inputs import StreamRecord

VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_WRITE_KEYS = {
    "ref", "at_ms", "item", "shard", "event", "key", "view", "attributes", "old_attributes", "ttl", "bytes",
}  # fmt: skip
_FIRST_SEQUENCE_NUMBER = 100_000_000_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write of a case and the record it left."""

    ref: str
    at_ms: int
    item: str
    shard: str
    record: StreamRecord


def write(part: Any, *, number: int, view: str, stream_arn: str) -> Written:
    """Make the record of one write; ``number`` is its place in the list, ``view`` that of the case."""
    write_part = mapping_of(part, "a write")
    only_keys(write_part, _WRITE_KEYS, "a write")
    at_ms = integer_of(write_part["at_ms"], "at_ms")
    item = text_of(write_part["item"], "item") if "item" in write_part else encode_json(write_part.get("key"))
    key = dict(mapping_of(write_part.get("key", {"pk": {"S": item}}), "key"))
    expired = flag_of(write_part.get("ttl", False), "ttl")
    event = one_of(write_part.get("event", "REMOVE" if expired else "INSERT"), ("INSERT", "MODIFY", "REMOVE"), "event")
    sequence_number = str(_FIRST_SEQUENCE_NUMBER + number)
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": float((EPOCH_MS + at_ms) // 1_000),
        "Keys": key,
        **_images(write_part, key, event, one_of(write_part.get("view", view), VIEWS, "view")),
        "SequenceNumber": sequence_number,
    }
    change["SizeBytes"] = sum(_item_bytes(change.get(image, {})) for image in ("Keys", "NewImage", "OldImage"))
    change["StreamViewType"] = write_part.get("view", view)
    ref = text_of(write_part["ref"], "ref")
    body: dict[str, Any] = {
        "eventID": hashlib.sha256(f"{number} {ref}".encode()).hexdigest()[:32],
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    if expired:
        body["userIdentity"] = TIME_TO_LIVE
    encoded = encode_json(body)
    return Written(
        ref=ref,
        at_ms=at_ms,
        item=item,
        shard=text_of(write_part.get("shard", "s0"), "shard"),
        record=StreamRecord(
            sequence_number=sequence_number,
            item_key=encode_json(key),
            created_at_ms=EPOCH_MS + at_ms,
            body=body,
            encoded=encoded,
            encoded_bytes=len(encoded.encode()),
        ),
    )


def _images(part: Mapping[str, Any], key: Mapping[str, Any], event: str, view: str) -> dict[str, Any]:
    pad = {"pad": {"S": "x" * integer_of(part["bytes"], "bytes")}} if "bytes" in part else {}
    attributes = mapping_of(part.get("attributes", {}), "attributes")
    old_attributes = mapping_of(part.get("old_attributes", {}), "old_attributes")
    images: dict[str, Any] = {}
    if event != "REMOVE" and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["NewImage"] = {**key, **attributes, **pad}
    if event != "INSERT" and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["OldImage"] = {**key, **old_attributes, **(pad if event == "REMOVE" else {})}
    return images


def _item_bytes(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    """Tell the size of an attribute value in DynamoDB JSON."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return _binary_bytes(content)
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "NS":
            return sum(_number_bytes(number) for number in content)
        case "BS":
            return sum(_binary_bytes(binary) for binary in content)
        case "L":
            return 3 + sum(1 + _value_bytes(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(element) for name, element in content.items())
        case _:
            return 1


def _number_bytes(number: str) -> int:
    digits = number.lower().lstrip("+-").partition("e")[0].replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + (1 if number.startswith("-") else 0)


def _binary_bytes(text: str) -> int:
    return len(text.rstrip("=")) * 3 // 4
