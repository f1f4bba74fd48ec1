"""What a refusal looks like: each service's codes and the form of its errors on the wire.

Source: *Common errors* and *Errors* in the API reference of each service; SNS throttles as ``Throttling`` (observed;
its model's ``Throttled`` belongs to text messages).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from xml.sax.saxutils import escape

from penstock.cloud.wire_form import Reply

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error as a service words it."""

    code: str
    message: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a service refuses. ``model`` is botocore's name of it, ``prefix`` what stands before a code in JSON."""

    model: str
    protocol: Literal["json-1.0", "json-1.1", "query", "rest-xml"]
    throttling: Refusal
    internal: Refusal
    prefix: str = ""

    def operations(self) -> frozenset[str]:
        """The names of the service's operations."""
        return _operations(self.model)

    def reply(self, refusal: Refusal) -> Reply:
        """A refusal in the service's protocol."""
        if self.protocol.startswith("json"):
            body = json.dumps({"__type": self.prefix + refusal.code, "message": refusal.message})
            headers = {"content-type": f"application/x-amz-{self.protocol}", "x-amzn-requestid": REQUEST_ID}
            if self.model == "sqs":
                headers["x-amzn-query-error"] = f"{refusal.code};{_culprit(refusal)}"
            return Reply(status=refusal.status, headers=headers, body=body.encode())
        said = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
        if self.protocol == "query":
            type_ = f"<Type>{_culprit(refusal)}</Type>"
            text = f"<ErrorResponse><Error>{type_}{said}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        else:
            text = f"<Error>{said}<RequestId>{REQUEST_ID}</RequestId></Error>"
        return Reply(status=refusal.status, headers={"content-type": "text/xml"}, body=text.encode())


def _culprit(refusal: Refusal) -> str:
    return "Sender" if refusal.status < 500 else "Receiver"


@functools.cache
def _operations(model: str) -> frozenset[str]:
    from botocore.session import Session

    return frozenset(Session().get_service_model(model).operation_names)


def _throttled(code: str, message: str = "Rate exceeded", status: int = 400) -> Refusal:
    return Refusal(code=code, message=message, status=status)


def _broken(code: str, message: str) -> Refusal:
    return Refusal(code=code, message=message, status=500)


_TABLE_BUSY = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
_FAILURE = "The request processing has failed because of an unknown error, exception or failure."

SERVICES: Final[Mapping[str, Service]] = {
    "dynamodb": Service(
        model="dynamodb",
        protocol="json-1.0",
        prefix="com.amazonaws.dynamodb.v20120810#",
        throttling=_throttled("ProvisionedThroughputExceededException", _TABLE_BUSY),
        internal=_broken("InternalServerError", "Internal server error"),
    ),
    "events": Service(
        model="events",
        protocol="json-1.1",
        throttling=_throttled("ThrottlingException"),
        internal=_broken("InternalException", "Internal exception"),
    ),
    "s3": Service(
        model="s3",
        protocol="rest-xml",
        throttling=_throttled("SlowDown", "Please reduce your request rate.", 503),
        internal=_broken("InternalError", "We encountered an internal error. Please try again."),
    ),
    "sns": Service(
        model="sns",
        protocol="query",
        throttling=_throttled("Throttling"),
        internal=_broken("InternalError", "Internal error"),
    ),
    "sqs": Service(
        model="sqs",
        protocol="json-1.0",
        prefix="com.amazonaws.sqs#",
        throttling=_throttled("RequestThrottled", "The request was denied due to request throttling.", 403),
        internal=_broken("InternalFailure", _FAILURE),
    ),
    "states": Service(
        model="stepfunctions",
        protocol="json-1.0",
        throttling=_throttled("ThrottlingException"),
        internal=_broken("InternalFailure", _FAILURE),
    ),
}
"""Service (the name used for signing) → how it refuses."""


def refusal_of(service: str, *, throttle: bool, code: str | None, message: str | None, status: int | None) -> Refusal:
    """The refusal that a fault asks for; what it leaves open is the service's own."""
    own = SERVICES[service].throttling if throttle else SERVICES[service].internal
    if code is None:
        return Refusal(code=own.code, message=message or own.message, status=status or own.status)
    usual = 500 if code.startswith("Internal") else 400
    return Refusal(code=code, message=message or code, status=status or usual)
