"""Invoke at the front door: each type, each way of ending, and what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from penstock.cloud.callers import Caller
from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.front_door import Call, operation_of
from penstock.cloud.wire_form import answer_in, request_of
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled, TooLarge
from penstock.runtime.invoke_calls import InvokeCalls

ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-function"
CALLER = Caller(name="relay", arn="arn:aws:iam::123456789012:role/relay", access_key="k", secret_key="s")


class Lambda:
    """One function, ``my-function`` with an alias ``live``, that ends as told."""

    def __init__(self, result: InvocationResult | None = None) -> None:
        self.result = result or Answer(payload=b'{"ok":true}', executed_version="7")
        self.invoked: list[tuple[str, bytes, str]] = []
        self.queued: list[tuple[str, bytes]] = []
        self.refusal: EngineError | None = None

    def arn_of(self, function: str) -> str | None:
        """See `Functions`."""
        return {"my-function": ARN, "my-function:live": f"{ARN}:live"}.get(function)

    async def invoke(self, arn: str, payload: bytes, *, request_id: str) -> InvocationResult:
        """See `Functions`."""
        self.invoked.append((arn, payload, request_id))
        return self.result

    def accept(self, arn: str, payload: bytes) -> str:
        """See `AsynchronousInvocations`."""
        if self.refusal is not None:
            raise self.refusal
        self.queued.append((arn, payload))
        return "queued-1"

    def call(self, **parameters: Any) -> Reply:
        """Make an Invoke call as botocore does."""
        request = request_of("lambda", "Invoke", {"FunctionName": "my-function", **parameters})
        assert operation_of("lambda", request) == "Invoke"
        call = Call(caller=CALLER, service="lambda", operation="Invoke", region="us-east-1", request=request)
        calls = InvokeCalls(self, self, new_id=lambda: "sync-1")  # type: ignore[arg-type]
        return asyncio.run(calls.answer(call))

    def answer(self, **parameters: Any) -> dict[str, Any]:
        """What botocore makes of the answer."""
        return answer_in(self.call(**parameters), service="lambda", operation="Invoke")


@pytest.mark.parametrize(
    ("named", "arn"),
    [
        ({"FunctionName": "my-function"}, ARN),
        ({"FunctionName": ARN}, ARN),
        ({"FunctionName": "123456789012:function:my-function"}, ARN),
        ({"FunctionName": "my-function:live"}, f"{ARN}:live"),
        ({"FunctionName": f"{ARN}:live"}, f"{ARN}:live"),
        ({"FunctionName": "my-function", "Qualifier": "live"}, f"{ARN}:live"),
    ],
)
def test_function_is_found_however_it_is_named(named: dict[str, str], arn: str) -> None:
    """By name, ARN or a part of it, with the qualifier in it or beside it."""
    function = Lambda()

    function.call(**named, Payload=b'{"a": 1}')

    assert function.invoked == [(arn, b'{"a": 1}', "sync-1")]


def test_answer_tells_status_version_and_payload() -> None:
    """A synchronous invocation answers with what the function returned."""
    reply = Lambda().call()

    assert (reply.status, reply.body) == (200, b'{"ok":true}')
    assert (reply.headers["x-amz-executed-version"], reply.headers["x-amzn-requestid"]) == ("7", "sync-1")
    assert "x-amz-function-error" not in reply.headers


def test_event_may_be_left_out() -> None:
    """Then it is an empty object."""
    function = Lambda()

    function.call()

    assert function.invoked[0][1] == b"{}"


def test_function_error_is_no_error_of_the_call() -> None:
    """200, with the error as the payload and a header that says so."""
    reply = Lambda(Failure(error={"errorType": "ValueError"}, executed_version="7")).call()

    assert (reply.status, reply.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert json.loads(reply.body) == {"errorType": "ValueError"}


def test_event_is_queued() -> None:
    """202 at once, without an answer; the request id is the one that the function will see."""
    function = Lambda()

    reply = function.call(InvocationType="Event", Payload=b"[1]", Qualifier="live")

    assert (reply.status, reply.body, reply.headers["x-amzn-requestid"]) == (202, b"", "queued-1")
    assert (function.queued, function.invoked) == ([(f"{ARN}:live", b"[1]")], [])


def test_dry_run_invokes_nothing() -> None:
    """204: the function is there and may be invoked."""
    function = Lambda()

    assert function.call(InvocationType="DryRun").status == 204
    assert (function.queued, function.invoked) == ([], [])


@pytest.mark.parametrize(
    ("parameters", "result", "status", "code"),
    [
        ({"FunctionName": "nobody"}, None, 404, "ResourceNotFoundException"),
        ({"Qualifier": "blue"}, None, 404, "ResourceNotFoundException"),
        ({"Payload": b"{"}, None, 400, "InvalidRequestContentException"),
        (
            {},
            Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded"),
            429,
            "TooManyRequestsException",
        ),
        ({}, TooLarge(limit_bytes=6_291_456), 413, "RequestTooLargeException"),
        ({"InvocationType": "Later"}, None, 400, "InvalidParameterValueException"),
    ],
)
def test_fails_when_lambda_would_refuse(
    parameters: dict[str, Any], result: InvocationResult | None, status: int, code: str
) -> None:
    """With the status and the code by which boto3 knows the exception."""
    function = Lambda(result)

    assert function.call(**parameters).status == status
    assert function.answer(**parameters)["Error"]["Code"] == code


def test_fails_when_the_queue_refuses() -> None:
    """An event that is too large for the queue is told at once."""
    function = Lambda()
    function.refusal = EngineError("RequestTooLargeException", "too large")

    assert function.call(InvocationType="Event").status == 413
