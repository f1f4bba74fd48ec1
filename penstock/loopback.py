"""Sockets that listen on the loopback interface, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Final, Protocol

HOST: Final = "127.0.0.1"


class Listening(Protocol):
    """A socket, or what asyncio shows of one."""

    def fileno(self) -> int:
        """Its file descriptor."""


def listen(port: int = 0) -> socket.socket:
    """Listen on a port (0: any free one); who calls before somebody serves waits there."""
    return socket.create_server((HOST, port), backlog=128)


def endpoint_of(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


def stop_accepting(sockets: Iterable[Listening], then: Callable[[], object]) -> None:
    """Take no more connections on these, and go on when each that was taken has its protocol.

    asyncio loses a connection, and leaves it open, whose server is closed between the two.
    """
    loop = asyncio.get_running_loop()
    for each in sockets:
        loop.remove_reader(each.fileno())
    loop.call_soon(loop.call_soon, then)  # in the next turn it gets its transport, in the one after that its protocol


async def accepted(sockets: Iterable[Listening]) -> None:
    """`stop_accepting`, and return when it would go on."""
    done = asyncio.Event()
    stop_accepting(sockets, done.set)
    await done.wait()
