"""The Runtime API of one execution environment, on a port of its own.

The port is what tells environments apart: the client speaks to ``host:port`` only, and sends nothing that names
it. It asks for the next invocation, waits for the answer as long as need be, and posts the response or the error.

Source: *Using the Lambda runtime API*; the client is awslambdaric 4.2.2 (libcurl, and ``http.client`` for an init
error), of whose HTTP this understands just what it speaks: HTTP/1.1 with a Content-Length.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from penstock.errors import EnvironmentProblem
from penstock.loopback import stop_accepting

_PREFIX = "/2018-06-01/runtime/"
_ACCEPTED = b'{"status":"OK"}\n'


class Environment(Protocol):
    """Whoever a Runtime API works for."""

    def next_asked(self, connection: Connection) -> None:
        """Hear that the runtime is initialized, or done with the last invocation, and waits for the next one."""

    def responded(self, request_id: str, payload: bytes) -> bool:
        """Hear that the handler returned; say whether the response is of a size that Lambda takes."""

    def failed(self, request_id: str, error: bytes) -> None:
        """Hear that the handler raised; ``error`` is the JSON text of the error."""

    def init_failed(self, error: bytes) -> None:
        """Hear that the function could not be initialized; ``error`` is the JSON text of the error."""


class Connection(asyncio.Protocol):
    """One connection from the runtime: requests one after another, each answered before the next comes."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._received = bytearray()
        self._head: tuple[str, str] | None = None
        self._body_bytes = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport from the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the loop's signature)
        """Forget the transport; that the process ended is learnt from the process."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take in what arrived, and serve the requests that are complete with it."""
        self._received += data
        while self._complete():
            assert self._head is not None
            method, path = self._head
            body = bytes(self._received[: self._body_bytes])
            del self._received[: self._body_bytes]
            self._head = None
            self._serve(method, path, body)

    def give(self, headers: dict[str, str], payload: bytes) -> None:
        """Hand the runtime its next invocation."""
        self._answer("200 OK", payload, headers)

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _complete(self) -> bool:
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return False
            request_line, *lines = self._received[:end].decode("latin-1").split("\r\n")
            del self._received[: end + 4]
            method, path, _ = request_line.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self._head = (method, path)
            self._body_bytes = int(headers.get("content-length", "0"))
        return len(self._received) >= self._body_bytes

    def _serve(self, method: str, path: str, body: bytes) -> None:
        match (method, *path.removeprefix(_PREFIX).split("/")):
            case ("GET", "invocation", "next"):
                self._environment.next_asked(self)
            case ("POST", "invocation", request_id, "response"):
                if self._environment.responded(request_id, body):
                    self._answer("202 Accepted", _ACCEPTED)
                else:
                    self._refuse("413 Request Entity Too Large", "RequestEntityTooLarge")
            case ("POST", "invocation", request_id, "error"):
                self._environment.failed(request_id, body)
                self._answer("202 Accepted", _ACCEPTED)
            case ("POST", "init", "error"):
                self._environment.init_failed(body)
                self._answer("202 Accepted", _ACCEPTED)
            case _:
                self._refuse("404 Not Found", "NotFound")

    def _refuse(self, status: str, error_type: str) -> None:
        self._answer(status, f'{{"errorMessage":"{status[4:]}","errorType":"{error_type}"}}\n'.encode())

    def _answer(self, status: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        if self._transport is None:
            return
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._transport.write("\r\n".join((*lines, "", "")).encode("latin-1") + body)


class RuntimeApi:
    """Listens on 127.0.0.1 for the one process of an execution environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._server: asyncio.Server | None = None
        self._connections: list[Connection] = []
        self.address = ""

    async def start(self) -> None:
        """Listen; ``address`` is ``host:port`` from here on."""
        try:
            self._server = await asyncio.get_running_loop().create_server(self._connect, "127.0.0.1", 0)
        except OSError as problem:
            raise EnvironmentProblem(
                f"no port on 127.0.0.1 for a Runtime API: {problem}; raise the limit of open files (ulimit -n)"
            ) from None
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    def close(self) -> None:
        """Stop listening and drop what is connected; closing twice does nothing."""
        self._drop()
        if self._server is not None:
            server, self._server = self._server, None
            stop_accepting(server.sockets, lambda: self._end(server))

    def _end(self, server: asyncio.Server) -> None:
        server.close()
        self._drop()  # who connected meanwhile

    def _drop(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _connect(self) -> Connection:
        connection = Connection(self._environment)
        self._connections.append(connection)
        return connection
