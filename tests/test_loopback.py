"""Sockets that listen on the loopback interface."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from penstock.loopback import accepted, endpoint_of, listen, stop_accepting


def test_endpoint_is_where_it_listens() -> None:
    """On loopback, at the port that it was given."""
    with listen() as listening:
        host, port = listening.getsockname()

        assert endpoint_of(listening) == f"http://127.0.0.1:{port}"
        assert host == "127.0.0.1"


@pytest.mark.parametrize("turns", range(5))
def test_connection_is_ended_whenever_its_server_is_closed(turns: int) -> None:
    """Not accepted, just accepted, or with its protocol: whoever connected hears of the end."""

    async def go() -> bytes:
        listening = listen()
        runner = web.ServerRunner(web.Server(_answer), shutdown_timeout=0)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        with socket.create_connection(listening.getsockname()) as client:
            for _ in range(turns):
                await asyncio.sleep(0)
            await accepted([listening])
            await runner.cleanup()
            client.settimeout(30)
            return await asyncio.to_thread(_received, client)

    assert asyncio.run(go()) == b""


def test_nobody_is_accepted_any_more() -> None:
    """Who connects later waits, for whoever listens on a copy of the socket."""

    async def go() -> list[str]:
        told: list[str] = []
        with listen() as listening:
            copy = listening.dup()
            server = await asyncio.start_server(lambda *_: told.append("accepted"), sock=copy)
            stop_accepting(server.sockets, lambda: told.append("on"))
            with socket.create_connection(listening.getsockname()):
                for _ in range(5):
                    await asyncio.sleep(0)
            server.close()
        return told

    assert asyncio.run(go()) == ["on"]


async def _answer(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("nobody asks")


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(1)
    except ConnectionResetError:
        return b""
