"""What a function's return value becomes over HTTP."""

from __future__ import annotations

import json

import pytest

from penstock.gateway.response import HttpResponse, response_of
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled, TooLarge

JSON_TYPE = (("Content-Type", "application/json"),)


def returned(value: object) -> HttpResponse:
    """Make the response to a function that returned this."""
    return response_of(Answer(payload=json.dumps(value).encode(), executed_version="1"))


def test_response_is_taken_as_given() -> None:
    """Status, headers, cookies and body are those of the function."""
    response = returned(
        {
            "statusCode": 202,
            "headers": {"Location": "/orders/1", "content-type": "text/csv", "X-N": 1, "Content-Length": "999"},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "é",
        }
    )

    assert response == HttpResponse(
        status=202,
        headers=(
            ("Location", "/orders/1"),
            ("content-type", "text/csv"),
            ("X-N", "1"),
            ("Set-Cookie", "a=1; Secure"),
            ("Set-Cookie", "b=2"),
        ),
        body="é".encode(),
    )


def test_status_alone_is_a_response() -> None:
    """Without body and content type it is empty text."""
    assert returned({"statusCode": 204}) == HttpResponse(
        status=204, headers=(("Content-Type", "text/plain; charset=utf-8"),), body=b""
    )


def test_base64_body_is_decoded() -> None:
    """A body marked as base64 is sent as the bytes it stands for."""
    assert returned({"statusCode": 200, "isBase64Encoded": True, "body": "AP8="}).body == b"\x00\xff"


@pytest.mark.parametrize("value", [{"message": "hello"}, "hello", [1], 7, None])
def test_value_without_status_is_the_body_of_a_200(value: object) -> None:
    """What carries no status code is inferred to be JSON with status 200."""
    assert returned(value) == HttpResponse(status=200, headers=JSON_TYPE, body=json.dumps(value).encode())


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "many"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "isBase64Encoded": True, "body": "no base64"},
    ],
)
def test_malformed_response_is_an_internal_error(value: object) -> None:
    """A response that cannot be sent is API Gateway's 500."""
    assert returned(value) == HttpResponse(status=500, headers=JSON_TYPE, body=b'{"message":"Internal Server Error"}')


@pytest.mark.parametrize(
    ("result", "status", "words"),
    [
        (Failure(error={"errorType": "KeyError"}, executed_version="1"), 500, "Internal Server Error"),
        (Failure(error={"errorType": "Sandbox.Timedout"}, executed_version="1"), 503, "Service Unavailable"),
        (Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded"), 503, "Service Unavailable"),
        (TooLarge(limit_bytes=6_291_456), 413, "Request Entity Too Large"),
    ],
)
def test_function_that_does_not_answer_is_reported_in_gateway_words(
    result: InvocationResult, status: int, words: str
) -> None:
    """Errors, timeouts and throttles are told without their cause."""
    assert response_of(result) == HttpResponse(
        status=status, headers=JSON_TYPE, body=json.dumps({"message": words}, separators=(",", ":")).encode()
    )
