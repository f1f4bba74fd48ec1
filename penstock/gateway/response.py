"""The HTTP response for what a function returned: payload format 2.0, or the gateway's own words.

Source: *Create AWS Lambda proxy integrations for HTTP APIs*, Lambda function response format; where AWS does other
than that page says, as aws-lambda-dotnet's test tool observed it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled, TooLarge

_SET_BY_THE_SERVER = frozenset(("connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response; ``headers`` are pairs, repeated ones repeated."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def message(status: int, text: str) -> HttpResponse:
    """Say something in the gateway's own name."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return HttpResponse(status=status, headers=(("Content-Type", "application/json"),), body=body)


NOT_FOUND = message(404, "Not Found")
FORBIDDEN = message(403, "Forbidden")
REQUEST_TOO_LARGE = message(413, "Request Entity Too Large")
INTERNAL_SERVER_ERROR = message(500, "Internal Server Error")
SERVICE_UNAVAILABLE = message(503, "Service Unavailable")


def response_of(result: InvocationResult) -> HttpResponse:
    """Make the response to an invocation.

    What carries a ``statusCode`` is a response and must be well formed; everything else is the body of a 200.
    """
    match result:
        case Answer(payload=payload):
            return _response_of_payload(payload)
        case Failure(error={"errorType": "Sandbox.Timedout"}) | Throttled():
            return SERVICE_UNAVAILABLE
        case Failure():
            return INTERNAL_SERVER_ERROR
        case TooLarge():
            return REQUEST_TOO_LARGE


def _response_of_payload(payload: bytes) -> HttpResponse:
    try:
        returned = json.loads(payload)
    except ValueError:
        returned = None
    if not isinstance(returned, dict) or "statusCode" not in returned:
        return HttpResponse(status=200, headers=(("Content-Type", "application/json"),), body=payload)
    try:
        return _well_formed(returned)
    except (TypeError, ValueError, binascii.Error):
        return INTERNAL_SERVER_ERROR


def _well_formed(returned: dict[str, Any]) -> HttpResponse:
    """Read a response; raises for what API Gateway calls malformed."""
    status = returned["statusCode"]
    if isinstance(status, bool) or not isinstance(status, int | str) or not 100 <= int(status) <= 599:
        raise ValueError(status)
    given, cookies = returned.get("headers") or {}, returned.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise TypeError(given, cookies)
    headers = [(name, _header_value(value)) for name, value in given.items() if name.lower() not in _SET_BY_THE_SERVER]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain; charset=utf-8"))
    headers += [("Set-Cookie", _header_value(cookie)) for cookie in cookies]
    text = returned.get("body")
    if text is not None and not isinstance(text, str):
        raise TypeError(text)
    body = (text or "").encode()
    if returned.get("isBase64Encoded"):
        body = base64.b64decode(body, validate=True)
    return HttpResponse(status=int(status), headers=tuple(headers), body=body)


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError(value)
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError(text)
    return text
