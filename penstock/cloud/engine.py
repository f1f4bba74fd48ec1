"""moto as the engine, in this process: requests in AWS's own form go in, answers come out.

Everything here is synchronous and belongs to the application's one loop: moto keeps plain dictionaries and is
not made for threads, so one call at a time is what makes it exact.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.cloud import moto_speed
from penstock.errors import EnvironmentProblem

SUPPORTED_MOTO = "5.2.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request as an SDK sends it; header names in lower case, ``query`` as it stands in the URL."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer as the service gives it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class EngineError(Exception):
    """The service refused a call: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class Engine:
    """The services of one account and region."""

    def __init__(self, *, account_id: str, region: str) -> None:
        """Start with empty services.

        moto reads its account once, at its first import, so a process has one account for its life;
        another one is refused with `EnvironmentProblem`.
        """
        os.environ.setdefault("MOTO_ACCOUNT_ID", account_id)
        import moto
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.core.config import default_user_config

        if moto.__version__ != SUPPORTED_MOTO:
            raise EnvironmentProblem(
                f"moto {moto.__version__} is installed, but the repairs of this tool are pinned to {SUPPORTED_MOTO}; "
                f"install moto=={SUPPORTED_MOTO}"
            )
        if account_id != DEFAULT_ACCOUNT_ID:
            raise EnvironmentProblem(
                f"this process already runs account {DEFAULT_ACCOUNT_ID} and cannot also run {account_id}; "
                "use a process of its own"
            )
        moto_speed.install()
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        self.account_id = account_id
        self.region = region
        self.reset()

    def reset(self) -> None:
        """Forget all that the services hold."""
        from moto.moto_api._internal import moto_api_backend

        moto_api_backend.reset()

    def backend(self, service: str) -> Any:
        """moto's backend of a service (its own Python interface), for the few places that need it."""
        from moto.backends import get_backend

        region = "aws" if service == "s3" else self.region
        return get_backend(service)[self.account_id][region]

    def handle(self, service: str, request: Request) -> Reply:
        """Answer one request in AWS's wire form; a service that moto does not have is answered 501."""
        from moto.core.exceptions import HTTPException
        from moto.core.request import Request as MotoRequest

        target = _target(service)
        if target is None:
            return Reply(status=501, body=f"penstock has no service {service}".encode())
        host = f"https://{target}.{self.region}.amazonaws.com"
        url = f"{host}{request.path}" + (f"?{request.query}" if request.query else "")
        moto_request = MotoRequest.from_primitives(request.method, url, request.headers, request.body)
        for pattern, respond in _routes(service, self.account_id, self.region):
            if pattern.match(f"{host}{request.path}"):
                try:
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
        from botocore.exceptions import ClientError, ParamValidationError

        client = self._client(service)
        method = getattr(client, _method_names(service)[operation])
        try:
            answer: dict[str, Any] = method(**params)
        except ClientError as error:
            details = error.response["Error"]
            raise EngineError(details.get("Code", "Unknown"), details.get("Message", "")) from error
        except ParamValidationError as error:
            raise EngineError("ValidationException", str(error)) from error
        answer.pop("ResponseMetadata", None)
        return answer

    @functools.cache  # noqa: B019 (an engine lives as long as its process)
    def _client(self, service: str) -> Any:
        """A botocore client whose requests end in `handle` instead of the network."""
        from botocore.awsrequest import AWSPreparedRequest, AWSResponse
        from botocore.config import Config
        from botocore.session import Session

        session = Session()
        session.set_credentials("operator", "operator")
        client = session.create_client(
            service,
            region_name=self.region,
            endpoint_url="http://127.0.0.1:1",
            config=Config(retries={"total_max_attempts": 1}, account_id_endpoint_mode="disabled"),
        )

        def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            reply = self.handle(service, _from_prepared(request))
            return AWSResponse(request.url, reply.status, dict(reply.headers), _Body(reply.body))

        client.meta.events.register("before-send", send)
        return client


class _Body:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]

    def read(self, amount: int | None = None) -> bytes:
        content, self._content = self._content[:amount], self._content[amount:] if amount else b""
        return content


def _from_prepared(request: Any) -> Request:
    from urllib.parse import urlsplit

    parts = urlsplit(request.url)
    body = request.body
    if body is not None and not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else body.read()
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    return Request(method=request.method, path=parts.path, query=parts.query, headers=headers, body=body or b"")


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


@functools.cache
def _routes(service: str, account_id: str, region: str) -> list[tuple[Any, Any]]:
    """The patterns of a service's URLs and what answers them, in moto's order."""
    import re

    from moto.backends import get_backend

    name = {"states": "stepfunctions", "streams.dynamodb": "dynamodbstreams"}.get(service, service)
    regions = get_backend(name)[account_id]
    backend = regions["aws"] if name in ("s3", "sts") else regions[region]
    return [(re.compile(url), respond) for url, respond in backend.urls.items()]


@functools.cache
def _method_names(service: str) -> dict[str, str]:
    """Operation → method of the botocore client."""
    from botocore import xform_name
    from botocore.session import Session

    model = Session().get_service_model(service)
    return {operation: xform_name(operation) for operation in model.operation_names}
