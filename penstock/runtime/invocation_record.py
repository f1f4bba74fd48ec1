"""What is told of an event that left the queue: the record for a destination, the attributes of a dead letter.

Source: *Capturing records of Lambda asynchronous invocations* (record, object key, attributes), Lambda developer guide.
Where the page is silent: a record has neither response context nor payload where the last attempt did not reach the
function (our choice), a dead letter of a function with zero reserved concurrency has no error code (as others saw).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from penstock.mapping.destination import iso_milliseconds
from penstock.mapping.event import encode_json
from penstock.runtime.event_queue import Over
from penstock.runtime.invocation import Answer, Failure, Throttled

ERROR_MESSAGE_BYTES: Final = 1024


def invocation_record(over: Over, *, at_ms: int) -> str:
    """Give the record of an event as JSON text."""
    event, result = over.event, over.event.result
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso_milliseconds(at_ms),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": qualified(event.function_arn),
            "condition": over.condition,
            "approximateInvokeCount": event.invoke_count,
        },
        "requestPayload": json.loads(event.payload),
    }
    if isinstance(result, Answer | Failure):
        document["responseContext"] = {"statusCode": 200, "executedVersion": result.executed_version}
        if isinstance(result, Failure):
            document["responseContext"]["functionError"] = result.kind
        document["responsePayload"] = json.loads(result.payload or b"null")
    return encode_json(document)


def dead_letter_attributes(over: Over) -> dict[str, str | int]:
    """Give the message attributes of an event that was given up: a number where AWS has a Number."""
    attributes: dict[str, str | int] = {"RequestID": over.event.request_id}
    if over.condition == "ZeroReservedConcurrency":
        return attributes | {"ErrorMessage": "the function has no reserved concurrency"}
    match over.event.result:
        case Failure() as failure:
            attributes["ErrorCode"] = 200
            message = str(failure.error.get("errorMessage", ""))
        case Throttled() as throttled:
            attributes["ErrorCode"] = 429
            message = throttled.message
        case _:
            raise AssertionError(f"nothing failed: {over}")
    cut = message.encode()[:ERROR_MESSAGE_BYTES].decode(errors="ignore")
    return attributes | ({"ErrorMessage": cut} if cut else {})


def object_key(function_name: str, *, at_ms: int, random_id: str) -> str:
    """Give the key of a record in a bucket."""
    at = datetime.fromtimestamp(at_ms // 1_000, tz=UTC)
    return f"aws/lambda/async/{function_name}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{random_id}"


def qualified(function_arn: str) -> str:
    """Give the ARN of a function with its qualifier, ``$LATEST`` where it has none."""
    return function_arn if function_arn.count(":") > 6 else f"{function_arn}:$LATEST"
