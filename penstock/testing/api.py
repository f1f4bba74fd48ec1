"""The HTTP API as a test asks it: signed, or with a token, as the route's authorizer wants it."""

from __future__ import annotations

import http.client
import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.application import Application

DEVELOPER = "developer"
TOKEN_SECONDS = 3600
TIMEOUT_SECONDS = 60
"""How long an answer is waited for, in wall time: longer than an integration may take (30 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API answered; names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body, parsed; raises `ValueError` when it is no JSON."""
        return json_text.loads(self.body)


class ApiUnderTest:
    """The (first) HTTP API of the template.

    ``as_`` says who asks. Where a route wants a signature, anybody but ``None`` is the account's developer. Where it
    wants a token, ``as_`` is its subject, or its claims as a mapping; it has every scope that a route asks for unless
    the claims have a ``scope``. ``None`` asks without either. A route without an authorizer gets neither, nor does a
    request whose ``headers`` have an ``authorization`` of their own.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return self._application.api_url

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, as_: Any = DEVELOPER) -> Answer:
        """``GET`` a path (with a query, if any)."""
        return self.request("GET", path, headers=headers, as_=as_)

    def post(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, as_: Any = DEVELOPER
    ) -> Answer:
        """``POST`` a body to a path."""
        return self.request("POST", path, json=json, headers=headers, as_=as_)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        as_: str | Mapping[str, Any] | None = DEVELOPER,
    ) -> Answer:
        """Ask anything; ``bytes`` as ``json`` are sent as they are.

        Raises `OSError` when no answer comes, `TemplateError` where the template has no API.
        """
        if not path.startswith("/"):
            raise UsageError(f"the path {path!r} does not begin with a slash; give one such as /{path}")
        body = json if isinstance(json, bytes) else b"" if json is None else json_text.dumps(json).encode()
        asked = {"content-type": "application/json", **(headers or {})}
        plain = unquote(urlsplit(path).path)
        known = any(name.lower() == "authorization" for name in asked)
        route = None if known else self._application.route_of(method, plain)
        if as_ is not None and route is not None and route.authorization_type == "JWT":
            asked["authorization"] = f"Bearer {self._token(as_)}"
        elif as_ is not None and route is not None and route.authorization_type == "AWS_IAM":
            asked = self._signed(method, path, asked, body)
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=asked)
            answer = connection.getresponse()
            given = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=given, body=answer.read())
        finally:
            connection.close()

    def _token(self, as_: str | Mapping[str, Any]) -> str:
        claims = {"sub": as_} if isinstance(as_, str) else dict(as_)
        subject = str(claims.pop("sub", DEVELOPER))
        return self._application.token(subject=subject, claims=claims, lifetime_seconds=TOKEN_SECONDS)

    def _signed(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method, self.url + path, data=body, headers=dict(headers))
        credentials = Credentials(*self._application.caller_credentials)
        SigV4Auth(credentials, "execute-api", self._application.region).add_auth(request)
        return dict(request.headers.items())
