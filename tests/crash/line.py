"""The line between the execution environments and everything outside: each request crosses it and is counted.

A dead environment sends nothing more. So whatever a handler does on the way out of an exception (`finally`, a context
manager, a retry), it repairs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from botocore.exceptions import ConnectionClosedError

from tests.crash.faults import Fault, Strike

Answer = TypeVar("Answer")


class Died(BaseException):
    """The execution environment died; no `except Exception` of a handler or a library sees it."""


class Crossing(Protocol):
    """The invocation that a request belongs to."""

    is_dead: bool

    def pause(self) -> None:
        """Stand still until the invocation is told to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[Answer]):
    """A request on its way out; `id` is the same for each of boto3's tries.

    `refuse_entry` refuses the first entry of a batch call and performs the others; None for any other call.
    """

    name: str
    id: str
    perform: Callable[[], Answer]
    refuse: Callable[[], Answer]
    refuse_entry: Callable[[], Answer] | None = None


class Line:
    """Lets requests pass but the one that is struck; `crossed` names them in order, with whether they have entries."""

    def __init__(self, strike: Strike | None) -> None:
        self.crossed: dict[str, tuple[str, bool]] = {}
        self.struck = False
        self._strike = strike

    def cross(self, invocation: Crossing, request: Request[Answer]) -> Answer:
        """Let a request pass, or do to it what the fault says."""
        if invocation.is_dead:
            raise Died
        number = len(self.crossed) + 1
        if request.id in self.crossed:
            number = list(self.crossed).index(request.id) + 1
        self.crossed[request.id] = (request.name, request.refuse_entry is not None)
        if self._strike is None or number != self._strike.number:
            return request.perform()
        again, self.struck = self.struck, True
        return self._hit(self._strike.fault, invocation, request, again=again)

    def _hit(self, fault: Fault, invocation: Crossing, request: Request[Answer], *, again: bool) -> Answer:
        match fault:
            case Fault.THROTTLED_FOR_LONG:
                return request.refuse()
            case Fault.NEVER_ANSWERED:
                request.perform()
                raise ConnectionClosedError(endpoint_url=request.name)
            case _ if again:
                return request.perform()
            case Fault.THROTTLED:
                return request.refuse()
            case Fault.ENTRY_THROTTLED:
                assert request.refuse_entry is not None
                return request.refuse_entry()
            case Fault.RESPONSE_LOST:
                request.perform()
                raise ConnectionClosedError(endpoint_url=request.name)
            case Fault.ZOMBIE | Fault.TWO_SHARDS | Fault.TWO_SHARDS_DIED:
                invocation.pause()
        if fault is Fault.DIED_BEFORE:
            raise _death(invocation)
        answer = request.perform()
        if fault not in (Fault.ZOMBIE, Fault.TWO_SHARDS):
            raise _death(invocation)
        return answer


def _death(invocation: Crossing) -> Died:
    invocation.is_dead = True
    return Died()
