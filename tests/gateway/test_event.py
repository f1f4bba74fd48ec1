"""The event of payload format 2.0, member by member."""

from __future__ import annotations

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from penstock.gateway.event import event_of
from penstock.gateway.request import HttpRequest
from penstock.gateway.routes import Routes
from penstock.gateway.signature import Signer
from penstock.gateway.tokens import Bearer
from tests.gateway.requests import a_request, a_route, a_stage, an_api

NOW_MS = 1_583_348_638_390


def made(
    request: HttpRequest, key: str = "$default", caller: Signer | Bearer | None = None, **variables: str
) -> dict[str, Any]:
    """Make the event of a request to an API with one route."""
    api = an_api(a_route(key))
    match = Routes(api.routes).find(request.method, request.path)
    assert match is not None
    return event_of(
        request, match, api=api, stage=a_stage(**variables), caller=caller, request_id="JKJaXmPLvHcESHA=", now_ms=NOW_MS
    )


def test_event_is_that_of_api_gateway() -> None:
    """A request with everything in it becomes the event that AWS documents."""
    request = a_request(
        "POST",
        "/customers/J%C3%B8rgen/orders",
        query="parameter1=value1&parameter1=value2&parameter2=value&empty=",
        headers=(
            ("Host", "127.0.0.1:8080"),
            ("User-Agent", "agent"),
            ("Header2", "value1"),
            ("HEADER2", "value2"),
            ("Cookie", "cookie1=a; cookie2=b"),
            ("Connection", "keep-alive"),
            ("Content-Type", "application/json; charset=utf-8"),
        ),
        body='{"name": "Jørgen"}'.encode(),
    )
    signer = Signer(access_key="AKIDEXAMPLE", arn="arn:aws:iam::123456789012:user/operator")

    event = made(request, "POST /customers/{customerId}/orders", signer, color="blue")

    user_id = event["requestContext"]["authorizer"]["iam"]["userId"]
    trace_id = event["headers"]["x-amzn-trace-id"]
    assert user_id.startswith("AIDA")
    assert trace_id.startswith("Root=1-5e5ffb9e-")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /customers/{customerId}/orders",
        "rawPath": "/customers/Jørgen/orders",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value&empty=",
        "cookies": ["cookie1=a", "cookie2=b"],
        "headers": {
            "content-length": "19",
            "content-type": "application/json; charset=utf-8",
            "header2": "value1,value2",
            "host": "127.0.0.1:8080",
            "user-agent": "agent",
            "x-amzn-trace-id": trace_id,
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "8080",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value", "empty": ""},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "authorizer": {
                "iam": {
                    "accessKey": "AKIDEXAMPLE",
                    "accountId": "123456789012",
                    "callerId": user_id,
                    "cognitoIdentity": None,
                    "principalOrgId": "aws:PrincipalOrgID",
                    "userArn": "arn:aws:iam::123456789012:user/operator",
                    "userId": user_id,
                }
            },
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/customers/Jørgen/orders",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /customers/{customerId}/orders",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": NOW_MS,
        },
        "body": '{"name": "Jørgen"}',
        "pathParameters": {"customerId": "Jørgen"},
        "isBase64Encoded": False,
        "stageVariables": {"color": "blue"},
    }


def test_members_without_content_are_absent() -> None:
    """A bare request has no cookies, parameters, body, authorizer or stage variables, not even empty ones."""
    event = made(a_request())

    assert set(event) == {
        "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"
    }  # fmt: skip
    assert event["rawQueryString"] == ""
    assert event["headers"]["content-length"] == "0"
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    ("content_type", "body", "expected", "encoded"),
    [
        ("application/json", b"{}", "{}", False),
        ("APPLICATION/JSON; charset=utf-8", b"{}", "{}", False),
        ("text/csv", b"a,b", "a,b", False),
        ("application/xml", b"<a/>", "<a/>", False),
        ("application/x-www-form-urlencoded", b"a=b", "YT1i", True),
        ("application/octet-stream", b"\x00", "AA==", True),
        (None, b"a", "YQ==", True),
        ("text/plain", b"\xff", "/w==", True),
    ],
)
def test_body_is_text_or_base64(content_type: str | None, body: bytes, expected: str, encoded: bool) -> None:
    """Text types travel as text, everything else in base64."""
    headers = (("Content-Type", content_type),) if content_type is not None else ()

    event = made(a_request("POST", headers=headers, body=body))

    assert (event["body"], event["isBase64Encoded"]) == (expected, encoded)


def test_role_calls_as_a_session() -> None:
    """Credentials of a role appear as those of a session of it."""
    role = Signer(access_key="ASIAEXAMPLE", arn="arn:aws:iam::123456789012:role/service/Relay")

    iam = made(a_request(), caller=role)["requestContext"]["authorizer"]["iam"]

    assert iam["userArn"] == "arn:aws:sts::123456789012:assumed-role/Relay/local"
    assert iam["callerId"].startswith("AROA")
    assert iam["callerId"].endswith(":local")


def test_powertools_reads_the_event() -> None:
    """Powertools finds what it looks for."""
    signer = Signer(access_key="AKIDEXAMPLE", arn="arn:aws:iam::123456789012:user/operator")
    request = a_request("POST", "/orders", headers=(("Content-Type", "application/json"),), body=b'{"n": 1}')

    event = APIGatewayProxyEventV2(made(request, "POST /orders", signer))

    assert event.path == "/orders"
    assert event.http_method == "POST"
    assert event.json_body == {"n": 1}
    assert event.request_context.authorizer is not None
    assert event.request_context.authorizer.iam is not None
    assert event.request_context.authorizer.iam.user_arn == signer.arn


def test_claims_reach_the_function_as_texts() -> None:
    """Claims appear as API Gateway writes them: texts all, lists in brackets, none that is null; scopes as a list."""
    claims = {
        "sub": "jørgen",
        "exp": 1_787_996_002,
        "admin": True,
        "groups": ["admin", "power user"],
        "address": {"city": "Århus"},
        "nickname": None,
        "scope": "orders/read orders/write",
    }
    bearer = Bearer(claims=claims, scopes=("orders/read", "orders/write"))

    event = made(a_request(), caller=bearer)

    assert event["requestContext"]["authorizer"] == {
        "jwt": {
            "claims": {
                "sub": "jørgen",
                "exp": "1787996002",
                "admin": "true",
                "groups": "[admin power user]",
                "address": '{"city":"Århus"}',
                "scope": "orders/read orders/write",
            },
            "scopes": ["orders/read", "orders/write"],
        }
    }


def test_powertools_reads_the_token() -> None:
    """Powertools finds claims and scopes; on a route without scopes they are null."""
    event = APIGatewayProxyEventV2(made(a_request(), caller=Bearer(claims={"sub": "me"}, scopes=None)))

    authorizer = event.request_context.authorizer
    assert authorizer is not None
    assert authorizer.jwt_claim == {"sub": "me"}
    assert event["requestContext"]["authorizer"]["jwt"]["scopes"] is None
