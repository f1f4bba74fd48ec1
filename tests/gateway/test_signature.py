"""Signatures made by the AWS SDK's own signer, and what becomes of tampered ones."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from penstock.gateway.request import HttpRequest
from penstock.gateway.signature import Signer, signer_of
from tests.gateway.requests import a_request

KEY, SECRET, ARN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "arn:aws:iam::123456789012:user/operator"
REGION = "eu-west-1"


def signed(
    method: str = "GET",
    path: str = "/orders",
    *,
    query: str = "",
    body: bytes = b"",
    region: str = REGION,
    service: str = "execute-api",
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> HttpRequest:
    """Make a request that botocore signed, now."""
    url = f"http://127.0.0.1:8080{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body, headers={"Host": "127.0.0.1:8080", **(headers or {})})
    SigV4Auth(Credentials(KEY, SECRET, token), service, region).add_auth(request)
    return a_request(method, path, query=query, headers=tuple(request.headers.items()), body=body)


def verified(request: HttpRequest, *, region: str = REGION, now_ms: int | None = None) -> Signer | None:
    """Verify a request that arrives now."""
    known = {KEY: (SECRET, ARN)}
    if now_ms is None:
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return signer_of(request, secret_of=known.get, region=region, now_ms=now_ms)


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/", "", b""),
        ("POST", "/orders", "", b'{"orderId": "536365"}'),
        ("GET", "/statistics", "to=2011-12-10&from=2010-12-01", b""),
        ("GET", "/orders", "tag=b&tag=a&empty=&flag&z%C3%A9=%2F", b""),
        ("GET", "/customers/a%20b%2Fc/orders", "", b""),
        ("GET", "/a//b/./c/../d/", "", b""),
        ("PUT", "/~user/x-y_z", "", b"\x00\xff"),
    ],
)
def test_signature_of_the_sdk_is_accepted(method: str, path: str, query: str, body: bytes) -> None:
    """Whatever path, query and body: the signer is named."""
    assert verified(signed(method, path, query=query, body=body)) == Signer(access_key=KEY, arn=ARN)


def test_signed_headers_are_normalized() -> None:
    """Runs of spaces in a header do not matter; a session token may be signed with the rest."""
    assert verified(signed(headers={"X-Note": "  a   b "}, token="session")) is not None


def test_fails_when_there_is_no_signature() -> None:
    """A request that nobody signed has no signer."""
    assert verified(a_request()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"raw_path": "/others"},
        {"raw_query": "limit=1"},
        {"body": b"other"},
    ],
)
def test_fails_when_the_request_was_changed(change: dict[str, object]) -> None:
    """A signature holds for one method, path, query and body."""
    request = dataclasses.replace(signed(), **change)  # type: ignore[arg-type]  # fields by name

    assert verified(request) is None


def test_fails_when_a_signed_header_was_changed() -> None:
    """A signature holds for the headers it names."""
    request = signed(headers={"X-Note": "a"})
    headers = tuple((name, "b" if name == "X-Note" else value) for name, value in request.headers)

    assert verified(dataclasses.replace(request, headers=headers)) is None


@pytest.mark.parametrize(
    ("later_ms", "admitted"), [(-300_001, False), (-300_000, True), (300_000, True), (300_001, False)]
)
def test_fails_when_the_signature_is_out_of_date(later_ms: int, admitted: bool) -> None:
    """A request must arrive within five minutes of its date."""
    request = signed()
    dated = datetime.strptime(dict(request.headers)["X-Amz-Date"], "%Y%m%dT%H%M%S%z")

    signer = verified(request, now_ms=int(dated.timestamp()) * 1000 + later_ms)

    assert (signer is not None) == admitted


def test_fails_when_signed_for_something_else() -> None:
    """Another region or service is another signature."""
    assert verified(signed(region="us-east-1")) is None
    assert verified(signed(service="lambda")) is None


def test_fails_when_the_key_is_unknown() -> None:
    """A key that this application did not give out signs nothing."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)

    assert signer_of(signed(), secret_of=lambda _: None, region=REGION, now_ms=now_ms) is None


@pytest.mark.parametrize("authorization", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b", "AWS4-HMAC-SHA256"])
def test_fails_when_the_header_is_malformed(authorization: str) -> None:
    """What is no signature is none."""
    headers = (("Authorization", authorization), ("X-Amz-Date", "yesterday"))

    assert verified(a_request(headers=headers)) is None
