"""Requests and routes made of a few words each."""

from __future__ import annotations

from penstock.gateway.request import HttpRequest
from penstock.template.models import HttpApi, Integration, JwtAuthorizer, Route, Stage

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:api:live"


def a_request(
    method: str = "GET",
    path: str = "/",
    *,
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (("Host", "127.0.0.1:8080"),),
    body: bytes = b"",
) -> HttpRequest:
    """Make a request as the gateway receives it."""
    return HttpRequest(
        method=method,
        raw_path=path,
        raw_query=query,
        headers=headers,
        body=body,
        protocol="HTTP/1.1",
        source_ip="127.0.0.1",
        port=8080,
    )


AUTHORIZER = JwtAuthorizer(
    id="a",
    name="Customers",
    issuer="https://issuer.example/pool",
    audience=("orders", "shop"),
    identity_sources=("$request.header.Authorization",),
)


def a_route(
    key: str,
    *,
    authorization: str = "NONE",
    payload_format: str = "2.0",
    timeout_ms: int = 30_000,
    scopes: tuple[str, ...] = (),
) -> Route:
    """Make a route to the API function."""
    return Route(
        id=key,
        key=key,
        integration=Integration(
            id="i", function_arn=FUNCTION_ARN, payload_format_version=payload_format, timeout_ms=timeout_ms
        ),
        authorization_type=authorization,  # type: ignore[arg-type]  # one of the three, by the tests
        authorizer=AUTHORIZER if authorization == "JWT" else None,
        scopes=scopes,
    )


def an_api(*routes: Route, stages: tuple[Stage, ...] | None = None) -> HttpApi:
    """Make an HTTP API with a ``$default`` stage."""
    return HttpApi(
        logical_id="Api",
        stack="Pipeline",
        id="a1b2c3d4e5",
        name="orders",
        endpoint="https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
        routes=routes,
        stages=stages or (a_stage(),),
    )


def a_stage(name: str = "$default", **variables: str) -> Stage:
    """Make a stage."""
    return Stage(name=name, variables=variables)
