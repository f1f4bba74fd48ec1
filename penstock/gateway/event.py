"""The event that a function gets for an HTTP request: payload format 2.0.

Source: *Create AWS Lambda proxy integrations for HTTP APIs*, payload format version; for what that page leaves open,
events captured from AWS (the authorizers' fields, headers that are there and that are not, absent members
instead of nulls) and tests of others against AWS (which bodies are text).
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from penstock.gateway.request import HttpRequest
from penstock.gateway.routes import RouteMatch
from penstock.gateway.signature import Signer
from penstock.gateway.tokens import Bearer
from penstock.template.models import HttpApi, Stage

_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
"""Bodies of these types, and of ``text/*``, arrive as text; all others, and those without a type, in base64."""

_NOT_FORWARDED = frozenset(
    ("connection", "cookie", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SESSION = "local"


def event_of(
    request: HttpRequest,
    match: RouteMatch,
    *,
    api: HttpApi,
    stage: Stage,
    caller: Signer | Bearer | None,
    request_id: str,
    now_ms: int,
) -> dict[str, Any]:
    """Make the event; ``caller`` is whom the route's authorizer admitted, ``None`` on a route without one."""
    body, encoded = _body(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": request.path,
        "rawQueryString": request.raw_query,
        "cookies": _cookies(request),
        "headers": _headers(request, request_id=request_id, now_ms=now_ms),
        "queryStringParameters": _query(request),
        "requestContext": _context(
            request, match, api=api, stage=stage, caller=caller, request_id=request_id, now_ms=now_ms
        ),
        "body": body,
        "pathParameters": match.path_parameters,
        "isBase64Encoded": encoded,
        "stageVariables": dict(stage.variables),
    }
    optional = ("cookies", "queryStringParameters", "body", "pathParameters", "stageVariables")
    return {name: value for name, value in event.items() if value or name not in optional}


def _context(
    request: HttpRequest,
    match: RouteMatch,
    *,
    api: HttpApi,
    stage: Stage,
    caller: Signer | Bearer | None,
    request_id: str,
    now_ms: int,
) -> dict[str, Any]:
    domain = urlsplit(api.endpoint).hostname or ""
    instant = datetime.fromtimestamp(now_ms / 1000, UTC)
    context: dict[str, Any] = {
        "accountId": match.route.integration.function_arn.split(":")[4],
        "apiId": api.id,
    }
    match caller:
        case Signer():
            context["authorizer"] = {"iam": _iam(caller)}
        case Bearer():
            context["authorizer"] = {"jwt": caller.shown()}
    return {
        **context,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": stage.name,
        "time": f"{instant:%d}/{_MONTHS[instant.month - 1]}/{instant:%Y:%H:%M:%S} +0000",
        "timeEpoch": now_ms,
    }


def _iam(signer: Signer) -> dict[str, Any]:
    """Describe the caller; a role's credentials always are those of a session of it."""
    account = signer.arn.split(":")[4]
    unique = hashlib.sha256(signer.arn.encode()).hexdigest()[:17].upper()
    kind, _, name = signer.arn.split(":", 5)[5].partition("/")
    user_arn, user_id = signer.arn, f"AIDA{unique}"
    if kind == "role":
        role = name.rpartition("/")[2]
        user_arn, user_id = f"arn:aws:sts::{account}:assumed-role/{role}/{_SESSION}", f"AROA{unique}:{_SESSION}"
    elif kind == "assumed-role":
        user_id = f"AROA{unique}:{name.rpartition('/')[2]}"
    return {
        "accessKey": signer.access_key,
        "accountId": account,
        "callerId": user_id,
        "cognitoIdentity": None,
        # The literal text that an account without an organization gets.
        "principalOrgId": "aws:PrincipalOrgID",
        "userArn": user_arn,
        "userId": user_id,
    }


def _headers(request: HttpRequest, *, request_id: str, now_ms: int) -> dict[str, str]:
    headers = {name: request.header(name) or "" for name in {key.lower() for key, _ in request.headers}}
    forwarded = [address for address in (headers.get("x-forwarded-for"), request.source_ip) if address]
    trace = uuid.uuid5(uuid.NAMESPACE_URL, request_id).hex[:24]
    headers |= {
        "content-length": str(len(request.body)),
        "x-amzn-trace-id": f"Root=1-{now_ms // 1000:08x}-{trace}",
        "x-forwarded-for": ", ".join(forwarded),
        "x-forwarded-port": str(request.port),
        "x-forwarded-proto": "http",
    }
    return {name: headers[name] for name in sorted(headers.keys() - _NOT_FORWARDED)}


def _cookies(request: HttpRequest) -> list[str]:
    lines = (value for name, value in request.headers if name.lower() == "cookie")
    return [cookie.strip() for line in lines for cookie in line.split(";") if cookie.strip()]


def _query(request: HttpRequest) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _body(request: HttpRequest) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    content_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if content_type.startswith("text/") or content_type in _TEXT_TYPES:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True
