"""The front door: every AWS call of a function, of the state machine and of a user's own client passes here.

A call goes through a list of interceptors and then to the service that answers it. Each interceptor gets the
call and a way to proceed; it may look, wait, answer itself or change the answer. Order of the list is order
of passing. The door listens on loopback only.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, unquote_plus

from aiohttp import web

from penstock.cloud.callers import Caller, Callers
from penstock.cloud.clock import Clock
from penstock.cloud.engine import Engine, Reply, Request
from penstock.loopback import accepted, endpoint_of, listen

MAX_REQUEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS call: ``caller`` wants ``service`` to do ``operation``.

    ``service`` is the name used for signing (``dynamodb``, ``sqs``, ``states``, …) and ``operation`` the API's
    own name (``PutItem``).
    """

    caller: Caller
    service: str
    operation: str
    region: str
    request: Request

    @property
    def activity(self) -> str:
        """What the clock calls this call while it is in flight."""
        return f"{self.service}.{self.operation}"

    def parameters(self) -> dict[str, Any]:
        """The parameters of a call in one of the JSON protocols; for others ``{}``."""
        if "json" not in self.request.headers.get("content-type", ""):
            return {}
        parsed: dict[str, Any] = json.loads(self.request.body or b"{}")
        return parsed

    def text(self) -> str:
        """The request as text: its body, and above it path and query where they say something or it has no body."""
        body = self.request.body.decode(errors="replace")
        if "form-urlencoded" in self.request.headers.get("content-type", ""):
            return unquote_plus(body)
        if body and self.request.path == "/":
            return body
        return "\n".join(filter(None, (f"{self.request.path}?{self.request.query}", body)))


Proceed = Callable[[Call], Awaitable[Reply]]


class ConnectionBroken(Exception):
    """The caller's connection breaks here: whatever was done, no answer reaches it."""


class Interceptor(Protocol):
    """Something that every call passes on its way to the service."""

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Answer the call, usually by ``await proceed(call)``, or raise `ConnectionBroken`."""


class FrontDoor:
    """An HTTP endpoint for all services of the embedded cloud."""

    def __init__(
        self,
        engine: Engine,
        callers: Callers,
        clock: Clock,
        *,
        interceptors: Sequence[Interceptor] = (),
        services: Mapping[str, Callable[[Call], Awaitable[Reply]]] | None = None,
    ) -> None:
        """``services`` answer in place of the engine, each for its ``service`` or ``service.Operation``."""
        self._engine = engine
        self._callers = callers
        self._clock = clock
        self._services = dict(services or {})
        self._runner: web.ServerRunner | None = None
        self._under_way: set[asyncio.Task[Any]] = set()
        self._pass: Proceed = self._serve
        for interceptor in reversed(interceptors):
            self._pass = functools.partial(interceptor, proceed=self._pass)
        self.endpoint = ""

    async def start(self, listening: socket.socket | None = None) -> None:
        """Begin to answer, on a socket that listens already or on one of its own."""
        self._listening = listening or listen()
        self._runner = web.ServerRunner(web.Server(self._on_request), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        self.endpoint = endpoint_of(self._listening)

    async def close(self) -> None:
        """Stop listening, and end the calls under way, those too whose caller is gone already."""
        if self._runner is not None:
            await accepted([self._listening])
            await self._runner.cleanup()
            self._runner = None
        for answering in self._under_way:
            answering.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def call(self, call: Call) -> Reply:
        """Let a call pass that was made inside this process; raises `ConnectionBroken`."""
        with self._clock.activity(call.activity):
            return await self._pass(call)

    async def _on_request(self, incoming: web.BaseRequest) -> web.StreamResponse:
        answering = asyncio.current_task()
        assert answering is not None
        self._under_way.add(answering)
        try:
            return await self._answer(incoming)
        finally:
            self._under_way.discard(answering)

    async def _answer(self, incoming: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            method=incoming.method,
            path=incoming.raw_path.partition("?")[0],
            query=incoming.raw_path.partition("?")[2],
            headers={name.lower(): value for name, value in incoming.headers.items()},
            body=await _body(incoming),
        )
        signed = _SCOPE.search(request.headers.get("authorization", "")) or _SCOPE.search(_unquoted(request.query))
        caller = self._callers.by_access_key(signed["key"]) if signed else None
        if signed is None or caller is None:
            return web.Response(status=403, text=_unknown_caller(bool(signed)), content_type="application/json")
        service = signed["service"]
        if service == "dynamodb" and "x-amz-target" in request.headers and "Streams" in request.headers["x-amz-target"]:
            service = "streams.dynamodb"
        call = Call(
            caller=caller,
            service=service,
            operation=operation_of(service, request),
            region=signed["region"],
            request=request,
        )
        try:
            reply = await self.call(call)
        except ConnectionBroken:
            if incoming.transport is not None:
                incoming.transport.abort()
            return web.Response(status=500)  # which nobody gets
        headers = {name: value for name, value in reply.headers.items() if name.lower() not in _HOP_HEADERS}
        return web.Response(status=reply.status, headers=headers, body=reply.body)

    async def _serve(self, call: Call) -> Reply:
        own = self._services.get(f"{call.service}.{call.operation}") or self._services.get(call.service)
        if own is not None:
            return await own(call)
        return self._engine.handle(call.service, call.request)


_SCOPE = re.compile(r"Credential=(?P<key>[A-Z0-9]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9.-]+)/aws4_request")
_HOP_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "date", "server"})


def _unquoted(query: str) -> str:
    return "&".join(f"{name.removeprefix('X-Amz-')}={value}" for name, value in parse_qsl(query))


def _unknown_caller(signed: bool) -> str:
    problem = "The security token included in the request is invalid." if signed else "Missing Authentication Token"
    code = "UnrecognizedClientException" if signed else "MissingAuthenticationTokenException"
    return json.dumps({"__type": code, "message": problem})


async def _body(incoming: web.BaseRequest) -> bytes:
    body = bytearray()
    async for chunk in incoming.content.iter_any():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_REQUEST_BYTES, len(body))
    return bytes(body)


def operation_of(service: str, request: Request) -> str:
    """The operation that a request asks for: by its target header, its Action, or its method and path."""
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode()).get("Action", ["?"])[0]
    query = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}
    if "Action" in query:
        return parse_qs(request.query)["Action"][0]
    headers = request.headers.keys()
    for method, path, needed_query, needed_headers, name in _rest_operations(service):
        asked_by = needed_query <= query and needed_headers <= headers
        if asked_by and method == request.method and path.fullmatch(request.path):
            return name
    return f"{request.method} {request.path}"


@functools.cache
def _rest_operations(service: str) -> list[tuple[str, re.Pattern[str], frozenset[str], frozenset[str], str]]:
    """(method, path, query keys, headers, operation) of a REST service, the most demanding first."""
    from botocore.exceptions import UnknownServiceError
    from botocore.session import Session

    try:
        model = Session().get_service_model(service)
    except UnknownServiceError:
        return []
    rows = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri = operation.http["requestUri"]
        path, _, literal = uri.partition("?")
        query = {part.partition("=")[0] for part in literal.split("&") if part}
        headers = set()
        shape = operation.input_shape
        for member in shape.required_members if shape else ():
            where = shape.members[member].serialization
            if where.get("location") == "querystring":
                query.add(where["name"])
            elif where.get("location") == "header":
                headers.add(where["name"].lower())
        pattern = re.sub(r"\\\{[^}]*\\\+\\\}", "(?:.+)", re.escape(path))
        pattern = re.sub(r"\\\{[^}]*\\\}", "(?:[^/]+)", pattern)
        rows.append((operation.http["method"], re.compile(pattern + "/?"), frozenset(query), frozenset(headers), name))
    return sorted(rows, key=lambda row: (-len(row[2]) - len(row[3]), row[4].endswith(("2", "Objects")), row[4]))
