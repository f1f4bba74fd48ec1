"""The record of an asynchronous invocation, and the attributes of a dead letter."""

from __future__ import annotations

import json

from penstock.runtime.event_queue import Condition, Over, QueuedEvent
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled
from penstock.runtime.invocation_record import dead_letter_attributes, invocation_record, object_key

ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
AT_MS = 1_573_755_365_568
RAISED = Failure(error={"errorType": "ValueError", "errorMessage": "no"}, executed_version="7")
THROTTLED = Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded")


def over(condition: Condition, result: InvocationResult | None, *, count: int, arn: str = ARN) -> Over:
    """Make an event that is over."""
    event = QueuedEvent(
        request_id="r-1",
        function_arn=arn,
        payload=b'{"ORDER_IDS": ["a"]}',
        queued_at_ms=0,
        invoke_count=count,
        result=result,
    )
    return Over(event=event, condition=condition)


def test_record_of_a_failure_has_the_documented_members() -> None:
    """Members, order and values of the page's example."""
    record = invocation_record(over("RetriesExhausted", RAISED, count=3, arn=f"{ARN}:live"), at_ms=AT_MS)

    assert list(json.loads(record).items()) == [
        ("version", "1.0"),
        ("timestamp", "2019-11-14T18:16:05.568Z"),
        (
            "requestContext",
            {
                "requestId": "r-1",
                "functionArn": f"{ARN}:live",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
        ),
        ("requestPayload", {"ORDER_IDS": ["a"]}),
        ("responseContext", {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"}),
        ("responsePayload", {"errorType": "ValueError", "errorMessage": "no"}),
    ]


def test_record_of_a_success_tells_the_answer() -> None:
    """No function error; the function's ARN has the qualifier that was not given."""
    answer = Answer(payload=b'{"ok": true}', executed_version="$LATEST")

    record = json.loads(invocation_record(over("Success", answer, count=1), at_ms=AT_MS))

    assert record["requestContext"]["functionArn"] == f"{ARN}:$LATEST"
    assert record["requestContext"]["condition"] == "Success"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"ok": True}


def test_record_of_what_never_ran_tells_no_answer() -> None:
    """Throttled to its end, or without concurrency: request alone."""
    for condition, result in (("EventAgeExceeded", THROTTLED), ("ZeroReservedConcurrency", None)):
        record = json.loads(invocation_record(over(condition, result, count=0), at_ms=AT_MS))  # type: ignore[arg-type]
        assert list(record) == ["version", "timestamp", "requestContext", "requestPayload"]
        assert record["requestContext"]["approximateInvokeCount"] == 0


def test_dead_letter_tells_request_code_and_message() -> None:
    """The code is a number, the message its first KB; a character is not cut in two."""
    long = Failure(error={"errorMessage": "a" + "ü" * 1024}, executed_version="7")

    assert dead_letter_attributes(over("RetriesExhausted", RAISED, count=3)) == {
        "RequestID": "r-1",
        "ErrorCode": 200,
        "ErrorMessage": "no",
    }
    assert dead_letter_attributes(over("RetriesExhausted", long, count=3))["ErrorMessage"] == "a" + "ü" * 511
    assert dead_letter_attributes(over("EventAgeExceeded", THROTTLED, count=0)) == {
        "RequestID": "r-1",
        "ErrorCode": 429,
        "ErrorMessage": "Rate Exceeded.",
    }
    assert "ErrorCode" not in dead_letter_attributes(over("ZeroReservedConcurrency", None, count=0))


def test_object_key_is_made_of_function_and_time() -> None:
    """The documented form."""
    key = object_key("worker", at_ms=AT_MS, random_id="an-id")

    assert key == "aws/lambda/async/worker/2019/11/14/2019-11-14T18.16.05-an-id"
