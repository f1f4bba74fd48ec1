"""moto as the engine, in this process: requests in AWS's own form go in, answers come out.

Everything here is synchronous. moto keeps plain dictionaries and is not made for threads, so calls are answered one at
a time, from whichever thread they come. What an application hangs on a write (the readers of its streams and queues) is
told of it in the thread of the call and belongs to the application's loop: once one runs, call from there.
"""

from __future__ import annotations

import functools
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from penstock.cloud import repairs, wire_form
from penstock.cloud.moto import executions, hooks, json_calls, messages, queues, speed
from penstock.cloud.wire_form import Reply, Request
from penstock.errors import EnvironmentProblem

__all__ = ["Engine", "EngineError", "Reply", "Request"]


class EngineError(Exception):
    """The service refused a call: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class Engine:
    """The services of one account and region."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Start with empty services; ``now_ms`` is the clock by which the tables' repairs go.

        moto reads its account once, at its first import, so a process has one account for its life;
        another one is refused with `EnvironmentProblem`.
        """
        os.environ.setdefault("MOTO_ACCOUNT_ID", account_id)
        import moto
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.core.config import default_user_config

        repairs.require_supported_moto(moto.__version__)
        if account_id != DEFAULT_ACCOUNT_ID:
            raise EnvironmentProblem(
                f"this process already runs account {DEFAULT_ACCOUNT_ID} and cannot also run {account_id}; "
                "use a process of its own"
            )
        hooks.take_down()
        speed.install()
        queues.install()
        messages.install()
        repairs.install(now_ms=now_ms)
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        self.account_id = account_id
        self.region = region
        self._one_at_a_time = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget all that the services hold."""
        from moto.moto_api._internal import moto_api_backend

        moto_api_backend.reset()

    def backend(self, service: str) -> Any:
        """moto's backend of a service (its own Python interface), for the few places that need it."""
        region = "aws" if service == "s3" else self.region
        return _backends(service)[self.account_id][region]

    def handle(self, service: str, request: Request) -> Reply:
        """Answer one request in AWS's wire form; a service that moto does not have is answered 501."""
        with self._one_at_a_time:
            return self._handle(service, request)

    def _handle(self, service: str, request: Request) -> Reply:
        from moto.core.exceptions import HTTPException
        from moto.core.request import Request as MotoRequest

        target = _target(service)
        if target is None:
            return Reply(status=501, body=f"penstock has no service {service}".encode())
        host = f"https://{target}.{self.region}.amazonaws.com"
        url = f"{host}{request.path}" + (f"?{request.query}" if request.query else "")
        name = _backend_name(service)
        for pattern, respond in _routes(name, self.account_id, self.region):
            if pattern.match(f"{host}{request.path}"):
                try:
                    if json_calls.is_plain(name, request):
                        where = {"url": url, "region": self.region, "account_id": self.account_id}
                        status, headers, body = json_calls.answer(respond.__self__(), request, **where)
                    else:
                        moto_request = MotoRequest.from_primitives(request.method, url, request.headers, request.body)
                        status, headers, body = respond(moto_request, url, moto_request.headers)
                except HTTPException as error:
                    status, headers, body = error.code, dict(error.get_headers()), error.get_body()
                content = body.encode() if isinstance(body, str) else bytes(body or b"")
                return Reply(status=status, headers={str(k): str(v) for k, v in dict(headers).items()}, body=content)
        return Reply(status=404, body=b"Not found")

    def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make one call as the account's operator, without HTTP: ``call("sqs", "CreateQueue", {"QueueName": "q"})``.

        Raises `EngineError` with the service's own code and message.
        """
        from botocore.exceptions import ParamValidationError

        try:
            request = wire_form.request_of(service, operation, params)
        except ParamValidationError as error:
            raise EngineError("ValidationException", str(error)) from error
        reply = self.handle(service, request)
        answer = wire_form.answer_in(reply, service=service, operation=operation)
        if reply.status >= 300:
            details = answer.get("Error", {})
            raise EngineError(details.get("Code", "Unknown"), details.get("Message", ""))
        return answer


@functools.cache
def _target(service: str) -> str | None:
    """The first label of the host under which moto knows a service."""
    return {
        "dynamodb": "dynamodb",
        "streams.dynamodb": "streams.dynamodb",
        "dynamodbstreams": "streams.dynamodb",
        "sqs": "sqs",
        "sns": "sns",
        "s3": "s3",
        "stepfunctions": "states",
        "states": "states",
        "sts": "sts",
    }.get(service)


def _backend_name(service: str) -> str:
    """The name of moto's backend of a service."""
    return {"states": "stepfunctions", "streams.dynamodb": "dynamodbstreams"}.get(service, service)


@functools.cache
def _backends(name: str) -> Any:
    """moto's backends of a service: account → region → backend; a reset empties these and keeps them."""
    from moto.backends import get_backend

    return get_backend(name)


@functools.cache
def _routes(name: str, account_id: str, region: str) -> list[tuple[re.Pattern[str], Any]]:
    """The patterns of a backend's URLs and what answers them, in moto's order."""
    if name == "stepfunctions":
        executions.load()
    regions = _backends(name)[account_id]
    backend = regions["aws"] if name in ("s3", "sts") else regions[region]
    return [(re.compile(url), respond) for url, respond in backend.urls.items()]
