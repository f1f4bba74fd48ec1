"""Facts made by hand, each with what a test does not care about filled in."""

from __future__ import annotations

import json
from typing import Any

from penstock.mapping.event import encode_json
from penstock.story.facts import (
    BatchInvoked,
    CallAnswered,
    InvocationEnded,
    MappingDefined,
    MessageSent,
    RecordsWritten,
    RunBegan,
)

NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z; every instant of a test counts from here."""

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:jobs"
SHARD = "shardId-1"

BEGAN = RunBegan(
    at_ms=NOW,
    version="0",
    path="cdk.out",
    stacks=("Stack",),
    seed=0,
    clock="jumping",
    names={"orders": "Orders"},
    keys={"orders": "id"},
)


def mapping(
    name: str = "Reader", *, source_arn: str = STREAM, filters: tuple[str, ...] = (), reports: bool = True
) -> MappingDefined:
    """A mapping whose function is called as it is, in small letters."""
    return MappingDefined(
        at_ms=NOW,
        mapping=name,
        function=name.lower(),
        source_arn=source_arn,
        filters=filters,
        reports_batch_item_failures=reports,
    )


def body(number: int, key: str, **image: str) -> dict[str, Any]:
    """A stream record as a function sees it; ``e<number>`` is its eventID."""
    keys = {"id": {"S": key}}
    return {
        "eventID": f"e{number}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": STREAM,
        "dynamodb": {
            "Keys": keys,
            "SequenceNumber": str(number),
            "NewImage": {**keys, **{name: {"S": value} for name, value in image.items()}},
        },
    }


def written(*numbers: int, at_ms: int = 0, key: str = "", **image: str) -> RecordsWritten:
    """Records of one call; each is of an item ``k<number>`` unless a key is given."""
    texts = tuple(encode_json(body(number, key or f"k{number}", **image)) for number in numbers)
    return RecordsWritten(
        at_ms=NOW + at_ms,
        table="orders",
        shard_id=SHARD,
        caller="api",
        operation="dynamodb:PutItem",
        request_id="r-api",
        records=texts,
    )


def invoked(
    request_id: str, *items: int | str, at_ms: int = 0, mapping: str = "Reader", again: bool = False
) -> BatchInvoked:
    """A batch: numbers are those of a shard, texts are message ids."""
    of_stream = bool(items) and isinstance(items[0], int)
    return BatchInvoked(
        at_ms=NOW + at_ms,
        mapping=mapping,
        function=mapping.lower(),
        request_id=request_id,
        shard_id=SHARD if of_stream else "",
        items=tuple(map(str, items)),
        again=again,
    )


def ended(
    request_id: str,
    *,
    at_ms: int = 0,
    function: str = "reader",
    result: str = "returned",
    error: str = "",
    reports: tuple[int | str, ...] = (),
) -> InvocationEnded:
    """How an invocation ended; ``reports`` are its batch item failures."""
    failures = [{"itemIdentifier": str(item)} for item in reports]
    return InvocationEnded(
        at_ms=NOW + at_ms,
        started_at_ms=NOW + at_ms,
        function=function,
        request_id=request_id,
        result=result,
        error=error,
        answer=json.dumps({"batchItemFailures": failures}),
        duration_ms=5.0,
        init_duration_ms=None,
        environment_id="x",
        read_units=0.0,
        write_units=0.0,
    )


def called(
    request_id: str,
    operation: str = "PutItem",
    *,
    at_ms: int = 0,
    request: str = "{}",
    made: tuple[str, ...] = (),
    faults: tuple[str, ...] = (),
    service: str = "dynamodb",
    caller: str = "reader",
    error: str = "",
) -> CallAnswered:
    """A call that was answered."""
    return CallAnswered(
        at_ms=NOW + at_ms,
        caller=caller,
        request_id=request_id,
        service=service,
        operation=operation,
        request=request,
        status=400 if error else 200,
        error=error,
        faults=faults,
        made=made,
    )


def sent(
    message_id: str, *, at_ms: int = 0, queue: str = "jobs", text: str = "{}", sender: str = "rule"
) -> MessageSent:
    """A message that came into a queue."""
    return MessageSent(at_ms=NOW + at_ms, queue=queue, message_id=message_id, sender=sender, request_id="", body=text)
