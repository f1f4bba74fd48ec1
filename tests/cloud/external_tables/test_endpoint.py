"""Where a local run may write, and what is said when nobody answers there."""

from __future__ import annotations

import asyncio

import pytest

from penstock.cloud.external_tables.endpoint import TABLES, Endpoint, NobodyAnswers, checked_url
from penstock.errors import UsageError
from penstock.loopback import endpoint_of, listen


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000/", "https://dynamodb.example", "http://notamazonaws.com"]
)
def test_any_endpoint_of_the_user_is_taken(url: str) -> None:
    """On loopback or not, with or without a slash at the end."""
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.eu-west-1.amazonaws.com",
        "https://DYNAMODB.eu-west-1.AmazonAWS.com.:443/",
        "https://user@dynamodb.cn-north-1.amazonaws.com.cn",
        "https://123456789012.ddb.eu-west-1.amazonaws.com",
        "https://dynamodb.eu-west-1.api.aws",
    ],
)
def test_fails_when_the_url_is_of_aws(url: str) -> None:
    """A local run writes to no account, however its address is spelled."""
    with pytest.raises(UsageError, match="writes to no account"):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "localhost",
        "ftp://localhost",
        "http://",
        "http://[::1",
        "http://localhost:port",
        "http://h/?q",
    ],
)
def test_fails_when_the_url_is_no_endpoint(url: str) -> None:
    """What cannot be asked over HTTP is refused with an example."""
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:8000"):
        checked_url(url)


def test_fails_when_nobody_answers() -> None:
    """The URL and the option are named."""
    with listen() as taken:
        url = endpoint_of(taken)

    async def go() -> None:
        endpoint = Endpoint(url, region="us-east-1")
        try:
            await endpoint.call(TABLES, "ListTables", {})
        finally:
            await endpoint.close()

    with pytest.raises(NobodyAnswers, match=rf"{url}.*--dynamodb-endpoint"):
        asyncio.run(go())
