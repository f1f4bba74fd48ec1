"""A client for code that runs in this process: its calls pass the front door without HTTP, as the caller it stands for.

It is asked and answers as botocore's clients do, as far as tasks of a state machine ask them, but for what is no JSON:
an instant is a text, and so are bytes. Services whose protocol streams (S3, functions) are left to clients that speak
HTTP.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from penstock.cloud import wire_form
from penstock.cloud.callers import Caller
from penstock.cloud.front_door import Call, ConnectionBroken
from penstock.cloud.wire_form import Reply


class InsideClient:
    """A client of one service: ``client.update_item(TableName=…)``. It may be used by several threads."""

    def __init__(self, service: str, *, caller: Caller, region: str, call: Callable[[Call], Reply]) -> None:
        """``call`` passes the front door and waits for the answer."""
        self._service = service
        self._caller = caller
        self._region = region
        self._call = call
        self._operations = _operations(service)

    @staticmethod
    def speaks_to(service: str) -> bool:
        """Whether a service's calls can be made this way."""
        return wire_form.protocol_of(service) in ("json", "query")

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method not in self._operations:
            raise AttributeError(f"{self._service} has no operation {method}")
        return functools.partial(self._make, self._operations[method])

    def _make(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call; a refusal and a lost answer are raised as botocore raises them."""
        from botocore.exceptions import ConnectionClosedError

        request = wire_form.request_of(self._service, operation, params, validated=False)
        call = Call(
            caller=self._caller,
            service=wire_form.signing_name_of(self._service),
            operation=operation,
            region=self._region,
            request=request,
        )
        try:
            reply = self._call(call)
        except ConnectionBroken:
            raise ConnectionClosedError(endpoint_url=self._service) from None
        answer = wire_form.answer_in(reply, service=self._service, operation=operation, with_metadata=True)
        if reply.status >= 300:
            raise _exceptions(self._service).from_code(answer["Error"]["Code"])(answer, operation)
        plain: dict[str, Any] = in_json(answer)
        return plain


def in_json(value: Any) -> Any:
    """What botocore read, as the state of an execution has it: instants in ISO 8601, bytes in base64."""
    match value:
        case dict():
            return {name: in_json(member) for name, member in value.items()}
        case list():
            return [in_json(member) for member in value]
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            precision = "milliseconds" if value.microsecond else "seconds"
            return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
        case _:
            return value


@functools.cache
def _exceptions(service: str) -> Any:
    """The exceptions of a service, each a ``ClientError``; a code that its model does not know is just that."""
    from botocore.errorfactory import ClientExceptionsFactory

    return ClientExceptionsFactory().create_client_exceptions(wire_form.service_model(service))


@functools.cache
def _operations(service: str) -> Mapping[str, str]:
    """Method of a client → operation."""
    from botocore import xform_name

    return {xform_name(operation): operation for operation in wire_form.operations_of(service)}
