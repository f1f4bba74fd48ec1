"""An HTTP API on this machine: requests in, invocations out."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from multidict import CIMultiDict

from penstock.cloud.clock import Clock
from penstock.errors import EnvironmentProblem, TemplateError
from penstock.gateway.event import event_of
from penstock.gateway.request import HttpRequest
from penstock.gateway.response import (
    FORBIDDEN,
    INTERNAL_SERVER_ERROR,
    NOT_FOUND,
    REQUEST_TOO_LARGE,
    SERVICE_UNAVAILABLE,
    HttpResponse,
    response_of,
)
from penstock.gateway.routes import RouteMatch, Routes
from penstock.gateway.signature import SecretOf, Signer, signer_of
from penstock.gateway.tokens import Bearer, PublicKeyOf, bearer_of
from penstock.loopback import HOST, accepted, listen
from penstock.runtime.invocation import InvocationResult
from penstock.template.models import HttpApi, Route, Stage

BODY_LIMIT_BYTES = 10 * 1024 * 1024
"""The largest request body (*Quotas for configuring and running an HTTP API*: payload size 10 MB)."""


class Invoke(Protocol):
    """How the gateway invokes a function: ``Functions.invoke``."""

    def __call__(self, function: str, payload: bytes, /, *, request_id: str) -> Awaitable[InvocationResult]:
        """Invoke synchronously."""


MayInvoke = Callable[[str, str], bool]
"""Whether the API may invoke a function (ARN) for a route (its ARN): what ``AWS::Lambda::Permission`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that was answered; ``route_key`` is ``None`` when no route took it, ``path`` is as sent."""

    method: str
    path: str
    route_key: str | None
    status: int
    duration_ms: float
    request_id: str


def listen_on(port: int) -> socket.socket:
    """Listen where an API is to be served (0: any free port); `EnvironmentProblem` when the port is not to be had."""
    try:
        return listen(port)
    except OSError as problem:
        raise EnvironmentProblem(
            f"port {port} on {HOST} cannot be used: {problem.strerror}; choose another with --port"
        ) from None


class Gateway:
    """Serves one HTTP API on 127.0.0.1, its ``$default`` stage at the root and others under their names.

    ``TemplateError`` for what the gateway does not do: payload format 1.0.
    """

    def __init__(
        self,
        api: HttpApi,
        *,
        invoke: Invoke,
        may_invoke: MayInvoke,
        secret_of: SecretOf,
        public_key_of: PublicKeyOf,
        clock: Clock,
        on_request: Callable[[Served], None],
    ) -> None:
        for route in api.routes:
            _refuse_unsupported(api, route)
        self._api = api
        self._invoke = invoke
        self._may_invoke = may_invoke
        self._secret_of = secret_of
        self._public_key_of = public_key_of
        self._clock = clock
        self._port = 0
        self._on_request = on_request
        self._routes = Routes(api.routes)
        self._default_stage = next((stage for stage in api.stages if stage.name == "$default"), None)
        self._named_stages = {stage.name: stage for stage in api.stages if stage is not self._default_stage}
        self._invocations: set[asyncio.Future[InvocationResult]] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Give the address, without a trailing slash; it is whole once started."""
        return f"http://{HOST}:{self._port}"

    async def start(self, listening: socket.socket | None = None) -> None:
        """Begin to answer, on a socket that listens already or on one of its own."""
        self._listening = listening or listen_on(0)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        self._port = self._listening.getsockname()[1]

    async def close(self) -> None:
        """Stop listening; requests under way are dropped, closing twice does nothing."""
        for invocation in self._invocations:
            invocation.cancel()
        await asyncio.gather(*self._invocations, return_exceptions=True)
        if self._runner is not None:
            await accepted([self._listening])
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, incoming: web.Request) -> web.Response:
        begun = time.perf_counter()
        # 16 characters with one sign of equality at the end, like API Gateway's own.
        request_id = base64.urlsafe_b64encode(uuid.uuid4().bytes[:11]).decode()
        with self._clock.activity(f"request {incoming.method} {incoming.path}"):
            request = await self._receive(incoming)
            match, response = (None, REQUEST_TOO_LARGE) if request is None else await self._answer(request, request_id)
        self._on_request(
            Served(
                method=incoming.method,
                path=incoming.raw_path,
                route_key=match.route.key if match is not None else None,
                status=response.status,
                duration_ms=(time.perf_counter() - begun) * 1000,
                request_id=request_id,
            )
        )
        headers = CIMultiDict(response.headers)
        headers["apigw-requestid"] = request_id
        return web.Response(status=response.status, headers=headers, body=response.body)

    async def _receive(self, incoming: web.Request) -> HttpRequest | None:
        """Read a request to its end; ``None`` when its body is too large."""
        if (incoming.content_length or 0) > BODY_LIMIT_BYTES:
            return None
        body = bytearray()
        async for piece in incoming.content.iter_chunked(65536):
            body += piece
            if len(body) > BODY_LIMIT_BYTES:
                return None
        raw_path, _, raw_query = incoming.raw_path.partition("?")
        return HttpRequest(
            method=incoming.method,
            raw_path=raw_path,
            raw_query=raw_query,
            headers=tuple(incoming.headers.items()),
            body=bytes(body),
            protocol=f"HTTP/{incoming.version.major}.{incoming.version.minor}",
            source_ip=incoming.remote or HOST,
            port=self._port,
        )

    async def _answer(self, request: HttpRequest, request_id: str) -> tuple[RouteMatch | None, HttpResponse]:
        found = self._find(request.method, request.path)
        if found is None:
            return None, NOT_FOUND
        stage, match = found
        caller = self._authorize(request, match.route)
        if isinstance(caller, HttpResponse):
            return match, caller
        integration = match.route.integration
        if not self._may_invoke(integration.function_arn, _route_arn(self._api, stage, match.route)):
            return match, INTERNAL_SERVER_ERROR
        event = event_of(
            request,
            match,
            api=self._api,
            stage=stage,
            caller=caller,
            request_id=request_id,
            now_ms=self._clock.now_ms(),
        )
        return match, await self._integrate(match.route, event)

    def _authorize(self, request: HttpRequest, route: Route) -> Signer | Bearer | HttpResponse | None:
        """Find out who calls, as the route's authorizer does, or how it refuses."""
        if route.authorization_type == "JWT":
            return bearer_of(request, route, public_key_of=self._public_key_of, now_ms=self._clock.now_ms())
        if route.authorization_type == "NONE":
            return None
        # Signers read the machine's clock, which does not jump.
        wall_ms = self._clock.now_ms() - self._clock.skipped_ms
        region = route.integration.function_arn.split(":")[3]
        return signer_of(request, secret_of=self._secret_of, region=region, now_ms=wall_ms) or FORBIDDEN

    async def _integrate(self, route: Route, event: dict[str, object]) -> HttpResponse:
        """Invoke the function; past the integration's timeout it runs on, but nobody waits for it."""
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        integration = route.integration
        invocation = asyncio.ensure_future(
            self._invoke(integration.function_arn, payload, request_id=str(uuid.uuid4()))
        )
        self._invocations.add(invocation)
        invocation.add_done_callback(self._over)
        await asyncio.wait([invocation], timeout=integration.timeout_ms / 1000)
        if not invocation.done():
            return SERVICE_UNAVAILABLE
        if invocation.cancelled() or invocation.exception() is not None:
            return INTERNAL_SERVER_ERROR
        return response_of(invocation.result())

    def _over(self, invocation: asyncio.Future[InvocationResult]) -> None:
        self._invocations.discard(invocation)
        if not invocation.cancelled() and (problem := invocation.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler({"message": "HTTP API", "exception": problem})

    def route_of(self, method: str, path: str) -> Route | None:
        """Give the route that a request would take, by its decoded path; ``None`` where none answers."""
        found = self._find(method, path)
        return None if found is None else found[1].route

    def _find(self, method: str, path: str) -> tuple[Stage, RouteMatch] | None:
        """Find the stage that a path names, else ``$default``, and the route of the path within it."""
        stage = self._named_stages.get(path.split("/")[1])
        if stage is not None:
            path = path.removeprefix(f"/{stage.name}") or "/"
        else:
            stage = self._default_stage
        match = self._routes.find(method, path) if stage is not None else None
        return None if stage is None or match is None else (stage, match)


def _route_arn(api: HttpApi, stage: Stage, route: Route) -> str:
    """The ARN of a route, which Lambda is told as the source of an invocation (``…/<stage>/<METHOD>/<path>``)."""
    _, _, _, region, account_id, *_ = route.integration.function_arn.split(":")
    method, _, path = route.key.partition(" ")
    return f"arn:aws:execute-api:{region}:{account_id}:{api.id}/{stage.name}/{method}{path}"


def _refuse_unsupported(api: HttpApi, route: Route) -> None:
    if route.integration.payload_format_version != "2.0":
        raise TemplateError(
            f"payload format {route.integration.payload_format_version} of route {route.key} is not supported",
            logical_id=api.logical_id,
            property_path="PayloadFormatVersion",
            remedy="use 2.0",
        )
