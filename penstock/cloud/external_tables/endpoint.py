"""A DynamoDB endpoint that is not ours, reached over HTTP.

Requests are signed with made-up credentials that open nothing at AWS: DynamoDB Local takes any letters and digits
and keeps the tables of each access key and region apart.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from penstock.cloud.engine import EngineError, Reply
from penstock.errors import EnvironmentProblem, UsageError

TABLES: Final = "DynamoDB_20120810"
STREAMS: Final = "DynamoDBStreams_20120810"
"""The two APIs, as the header ``X-Amz-Target`` names them."""

ACCESS_KEY: Final = "penstock"
SECRET_KEY: Final = "penstock"
TIMEOUT_SECONDS: Final = 60
_OF_AWS: Final = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn")


class NobodyAnswers(EnvironmentProblem):
    """There is no endpoint at the URL, or none any more."""


def checked_url(url: str) -> str:
    """The URL, if a local run may write there: over HTTP or HTTPS, and to no account at AWS; else `UsageError`."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        parts.port  # noqa: B018  reading it tells whether it is one
    except ValueError as error:
        raise UsageError(f"{url} is no URL: {error}; give one like http://127.0.0.1:8000") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise UsageError(f"{url} is no address of a DynamoDB endpoint; give one like http://127.0.0.1:8000")
    if any(host == domain or host.endswith(f".{domain}") for domain in _OF_AWS):
        raise UsageError(
            f"{url} is AWS itself, and a local run writes to no account; give a DynamoDB endpoint that you run yourself"
        )
    return url.rstrip("/")


class Endpoint:
    """An endpoint at a URL; make it on the loop that uses it, and close it."""

    def __init__(self, url: str, *, region: str) -> None:
        """Raises `UsageError` for a URL that may not be written to. Nothing is sent yet."""
        self.url = checked_url(url)
        self._region = region
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))

    async def send(self, target: str, body: bytes) -> Reply:
        """Send a request to ``target`` (``DynamoDB_20120810.PutItem``) and give the answer, a refusal too.

        Raises `NobodyAnswers`.
        """
        headers = self._signed(target, body)
        try:
            async with self._session.post(f"{self.url}/", data=body, headers=headers, allow_redirects=False) as answer:
                told = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
                told.setdefault("x-amzn-RequestId", uuid.uuid4().hex)  # AWS always tells one, and callers rely on it
                return Reply(status=answer.status, headers=told, body=await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NobodyAnswers(
                f"no DynamoDB endpoint answers at {self.url} ({error or type(error).__name__}); "
                "start it, or leave --dynamodb-endpoint out"
            ) from error

    async def call(self, api: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make one call; raises `EngineError` with the endpoint's own code and message when it refuses."""
        reply = await self.send(f"{api}.{operation}", json.dumps(params).encode())
        answer = self._parsed(reply)
        if reply.status >= 300:
            code = str(answer.get("__type", reply.status)).rpartition("#")[2]
            raise EngineError(code, str(answer.get("message") or answer.get("Message") or ""))
        return answer

    async def close(self) -> None:
        """Let the connections go."""
        await self._session.close()

    def _parsed(self, reply: Reply) -> dict[str, Any]:
        try:
            answer = json.loads(reply.body or b"{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise EnvironmentProblem(
                f"what answers at {self.url} does not speak DynamoDB's protocol (status {reply.status}); "
                "give the address of a DynamoDB endpoint"
            )
        return answer

    def _signed(self, target: str, body: bytes) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
        request = AWSRequest("POST", f"{self.url}/", data=body, headers=headers)
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "dynamodb", self._region).add_auth(request)
        return dict(request.headers.items())


_TOLD: Final = ("Content-Type", "x-amzn-RequestId")
"""Headers that are passed on; a checksum is not, since the body may be translated."""
