"""The Runtime API on the wire."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from penstock.runtime.runtime_api import Connection, RuntimeApi

Talk = Callable[[bytes], Awaitable[bytes]]


class Listener:
    """Notes what the Runtime API hears, and hands out one invocation."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def next_asked(self, connection: Connection) -> None:
        """Note it, and hand out the invocation."""
        self.heard.append(("next",))
        connection.give({"Lambda-Runtime-Aws-Request-Id": "r-1"}, b'{"n": 1}')

    def responded(self, request_id: str, payload: bytes) -> bool:
        """Note it."""
        self.heard.append(("responded", request_id, payload))
        return payload != b"too large"

    def failed(self, request_id: str, error: bytes) -> None:
        """Note it."""
        self.heard.append(("failed", request_id, error))

    def init_failed(self, error: bytes) -> None:
        """Note it."""
        self.heard.append(("init failed", error))


def talk(listener: Listener, *requests: bytes, pieces: int = 1_000_000) -> list[bytes]:
    """Send requests over one connection, each in pieces of this many bytes; answer: status lines and bodies."""

    async def main() -> list[bytes]:
        api = RuntimeApi(listener)
        await api.start()
        host, port = api.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        answers = []
        for request in requests:
            for start in range(0, len(request), pieces):
                writer.write(request[start : start + pieces])
                await writer.drain()
                await asyncio.sleep(0)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
            answers.append(head.split("\r\n")[0].encode() + b" | " + await reader.readexactly(length))
        writer.close()
        api.close()
        return answers

    return asyncio.run(main())


def test_who_connects_as_it_closes_is_hung_up_on() -> None:
    """Neither left waiting nor left behind: a process may be killed in the turn of the loop in which it connects."""

    async def main() -> bytes:
        api = RuntimeApi(Listener())
        await api.start()
        host, port = api.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            for _ in range(2):  # it is accepted, and has no protocol yet
                await asyncio.sleep(0)
            api.close()
            client.settimeout(30)
            return await asyncio.to_thread(client.recv, 1)

    assert asyncio.run(main()) == b""


def post(path: str, body: bytes) -> bytes:
    """Make a request as the runtime interface client does."""
    head = f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: h\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"


def test_runtime_asks_and_answers_over_one_connection() -> None:
    """Next, response, next, error: each is heard in order and answered."""
    listener = Listener()

    answers = talk(
        listener, NEXT, post("invocation/r-1/response", b"[1]"), NEXT, post("invocation/r-2/error", b'{"e": 1}')
    )

    assert answers == [
        b'HTTP/1.1 200 OK | {"n": 1}',
        b'HTTP/1.1 202 Accepted | {"status":"OK"}\n',
        b'HTTP/1.1 200 OK | {"n": 1}',
        b'HTTP/1.1 202 Accepted | {"status":"OK"}\n',
    ]
    assert listener.heard == [("next",), ("responded", "r-1", b"[1]"), ("next",), ("failed", "r-2", b'{"e": 1}')]


def test_request_may_come_in_pieces() -> None:
    """Head and body may be cut anywhere."""
    listener = Listener()

    talk(listener, post("init/error", b'{"errorType": "x"}'), NEXT, pieces=7)

    assert listener.heard == [("init failed", b'{"errorType": "x"}'), ("next",)]


def test_too_large_response_is_refused() -> None:
    """A response that Lambda does not take is answered with 413."""
    (answer,) = talk(Listener(), post("invocation/r-1/response", b"too large"))

    assert answer.startswith(b"HTTP/1.1 413 Request Entity Too Large | ")


def test_unknown_path_is_not_found() -> None:
    """What this Runtime API does not have is answered with 404."""
    listener = Listener()

    (answer,) = talk(listener, post("restore/next", b""))

    assert answer.startswith(b"HTTP/1.1 404 Not Found | ")
    assert listener.heard == []
