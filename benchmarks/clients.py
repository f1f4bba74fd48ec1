"""botocore's clients without a socket: a request leaves one where it would go to its HTTP session, made and signed.

Whoever runs handlers in its own process leads their requests to the embedded cloud's engine in this way, and does with
them what it is there for: count and weigh them, or let them fail.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from effects.connection import CONNECTION
from penstock.cloud.engine import Reply, Request

Answer = Callable[[str, str, Request], Reply]
"""(service by boto3's name, operation, request) → answer."""


def client_of(service: str, *, region: str, answer: Answer) -> Any:
    """What ``boto3.client`` gives, connected as the functions do it, with its requests led to ``answer``."""

    def send(request: Any, event_name: str, **_: Any) -> AWSResponse:
        spoken_to, operation = event_name.split(".")[1:]
        reply = answer(spoken_to, operation, _sent(request))
        return AWSResponse(request.url, reply.status, dict(reply.headers), _Body(reply.body))

    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)
    client = session.client(service, config=CONNECTION)
    client.meta.events.register("before-send", send)
    return client


def _sent(request: Any) -> Request:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return Request(method=request.method, path="/", query="", headers=headers, body=body)


class _Body(io.BytesIO):
    """A body as botocore reads it from its HTTP session."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Give the whole body."""
        yield self.read()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
