"""Calls in AWS's wire form, made and read by botocore's service models without a client.

A client would load rules for endpoints, credentials and retries that nothing here needs; making five of them takes
longer than everything that is called through them when an application starts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


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


def request_of(service: str, operation: str, params: Mapping[str, Any], *, validated: bool = True) -> Request:
    """Make the request of a call, unsigned.

    Raises botocore's ``ParamValidationError`` for parameters that the operation does not have or that are of a wrong
    type, unless it is left to the service to refuse them.
    """
    model = service_model(service)
    made = _serializer(service, validated).serialize_to_request(dict(params), model.operation_model(operation))
    path, _, literal_query = made["url_path"].partition("?")
    queries = [literal_query, urlencode(made["query_string"], doseq=True)]
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    return Request(
        method=made["method"],
        path=path,
        query="&".join(filter(None, queries)),
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def answer_in(reply: Reply, *, service: str, operation: str, with_metadata: bool = False) -> dict[str, Any]:
    """Read an answer as botocore's clients give it; a refusal has an ``Error`` with ``Code`` and ``Message``."""
    from botocore.awsrequest import HeadersDict

    model = service_model(service).operation_model(operation)
    response = {
        "status_code": reply.status,
        "headers": HeadersDict(reply.headers),
        "body": reply.body,
        "context": {"operation_name": operation},
    }
    answer: dict[str, Any] = _parser(service).parse(response, model.output_shape)
    if not with_metadata:
        answer.pop("ResponseMetadata", None)
    return answer


def protocol_of(service: str) -> str:
    """The protocol that a service is spoken to in, by botocore's name (``json``, ``query``)."""
    return str(service_model(service).resolved_protocol)


def signing_name_of(service: str) -> str:
    """The name under which calls of a service are signed: ``states`` for ``stepfunctions``."""
    return str(service_model(service).signing_name)


def operations_of(service: str) -> list[str]:
    """The operations of a service, in its own spelling."""
    return list(service_model(service).operation_names)


def service_model(service: str) -> Any:
    """The model as moto has it in memory anyway; it is botocore's, with a few additions to errors."""
    from moto.core.utils import get_service_model

    return get_service_model(service)


@functools.cache
def _serializer(service: str, validated: bool) -> Any:
    from botocore.serialize import create_serializer

    return create_serializer(service_model(service).resolved_protocol, include_validation=validated)


@functools.cache
def _parser(service: str) -> Any:
    from botocore.parsers import create_parser

    return create_parser(service_model(service).resolved_protocol)
