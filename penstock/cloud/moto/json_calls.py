"""Calls of the services that speak JSON, handed to moto's own methods without its layers of HTTP.

moto rebuilds each request as one of a web server's, looks for forms and query strings in it, reads its parameters by
the service model and asks its own IAM. A JSON call has its operation in a header and its parameters in the body, which
takes two lines; the method that answers it is moto's, and so is the answer. Whatever is not plainly such a call
(compressed, of another protocol, with values that the model must decode) goes the long way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from penstock.cloud.wire_form import Request

_LONG_WAY: Final[Mapping[str, tuple[bytes, ...]]] = {
    "dynamodb": (b'"B"', b'"BS"', b"null", b'"Export', b'"TimeRange', b'"RestoreDateTime"'),
    "dynamodbstreams": (b"null", b'"Timestamp"'),
    "sqs": (b"null", b'"Binary'),
    "stepfunctions": (b"null",),
}
"""Service → what stands in a body that has a blob or an instant to decode, or perhaps a ``null`` to leave out."""


class _Headers(dict[str, str]):
    """Headers whose names are kept in lower case and asked for in any."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


def is_plain(service: str, request: Request) -> bool:
    """Whether a request is a call that can go the short way."""
    headers = request.headers
    return (
        service in _LONG_WAY
        and request.method == "POST"
        and request.path == "/"
        and not request.query
        and "x-amz-target" in headers
        and headers.get("content-type", "").startswith("application/x-amz-json")
        and "content-encoding" not in headers
        and request.body.startswith(b"{")
        and not any(marker in request.body for marker in _LONG_WAY[service])
    )


def answer(
    handler: Any, request: Request, *, url: str, region: str, account_id: str
) -> tuple[int, Mapping[str, Any], str | bytes]:
    """Let a new instance of moto's response class answer a plain call: status, headers and body.

    It finds what its ``setup_class`` would have set, as far as the methods of these services ask for it.
    """
    handler.params = json.loads(request.body)
    handler.automated_parameter_parsing = True
    handler.body = request.body.decode()
    handler.headers = _Headers(request.headers)
    handler.querystring = {}
    handler.uri_match = {}
    handler.uri = url
    handler.path = request.path
    handler.region = region
    handler.current_account = account_id
    handler.response_headers = {"server": "amazon.com"}
    status, headers, body = handler.call_action()
    return int(status), headers, body
