"""Invoke, as a function, a state machine or a person calls it.

Source: *Invoke* of the Lambda API reference (types, headers, errors). The tail of the log (``LogType``) is not given.
An event that is left out is ``{}`` (as boto3 users see it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import assert_never

from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.front_door import Call
from penstock.cloud.policies.requests import invoked_function
from penstock.runtime.asynchronous_invocations import AsynchronousInvocations
from penstock.runtime.functions import Functions
from penstock.runtime.invocation import Answer, Failure, Throttled, TooLarge

_STATUS: Mapping[str, int] = {
    "InvalidParameterValueException": 400,
    "InvalidRequestContentException": 400,
    "RequestTooLargeException": 413,
    "ResourceNotFoundException": 404,
    "TooManyRequestsException": 429,
}


class InvokeCalls:
    """Answers the Invoke calls of one running application."""

    def __init__(
        self, functions: Functions, asynchronous: AsynchronousInvocations, *, new_id: Callable[[], str]
    ) -> None:
        """``new_id`` makes request ids."""
        self._functions = functions
        self._asynchronous = asynchronous
        self._new_id = new_id

    async def answer(self, call: Call) -> Reply:
        """Answer one call."""
        name = invoked_function(call)
        arn = self._functions.arn_of(name)
        if arn is None:
            account = call.caller.arn.split(":")[4]
            missing = f"Function not found: arn:aws:lambda:{call.region}:{account}:function:{name}"
            return _refusal("ResourceNotFoundException", missing)
        payload = call.request.body or b"{}"
        match call.request.headers.get("x-amz-invocation-type", "RequestResponse"):
            case "DryRun":
                return Reply(status=204, headers={"x-amzn-requestid": self._new_id()})
            case "Event":
                return self._queue(arn, payload)
            case "RequestResponse":
                return await self._invoke(arn, payload)
            case other:
                return _refusal("InvalidParameterValueException", f"{other} is no invocation type")

    def _queue(self, arn: str, payload: bytes) -> Reply:
        try:
            request_id = self._asynchronous.accept(arn, payload)
        except EngineError as error:
            return _refusal(error.code, error.message)
        return Reply(status=202, headers={"x-amzn-requestid": request_id})

    async def _invoke(self, arn: str, payload: bytes) -> Reply:
        try:
            json.loads(payload)
        except ValueError as error:
            return _refusal("InvalidRequestContentException", f"Could not parse request body into json: {error}")
        request_id = self._new_id()
        result = await self._functions.invoke(arn, payload, request_id=request_id)
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id}
        match result:
            case Answer():
                headers["x-amz-executed-version"] = result.executed_version
                return Reply(status=200, headers=headers, body=result.payload)
            case Failure():
                headers |= {"x-amz-executed-version": result.executed_version, "x-amz-function-error": result.kind}
                return Reply(status=200, headers=headers, body=result.payload)
            case Throttled():
                return _refusal("TooManyRequestsException", result.message, Reason=result.reason)
            case TooLarge():
                return _refusal("RequestTooLargeException", result.message)
            case _:
                assert_never(result)


def _refusal(code: str, message: str, **details: str) -> Reply:
    body = json.dumps({"Type": "User", "message": message, **details}).encode()
    return Reply(
        status=_STATUS[code], headers={"content-type": "application/json", "x-amzn-errortype": code}, body=body
    )
