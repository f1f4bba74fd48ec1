"""An invocation in a thread of its own, so that it can stand still in the middle of a call; one runs at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.mapping.inputs import FunctionError, Outcome, Returned
from tests.crash.line import Died
from tests.lambda_src.conftest import LambdaContext

_here = threading.local()

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass
class Context(LambdaContext):
    """A context by the time that the invocation itself has used: one that stands still does not see time pass."""

    invocation: Invocation | None = None

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that is left."""
        assert self.invocation is not None
        return self.remaining_ms - self.invocation.slept_ms


class Invocation:
    """One invocation of a handler with an event; `outcome` once it has ended, `error` where it raised."""

    def __init__(self, handler: Handler, event: Mapping[str, Any], *, number: int, timeout_ms: int) -> None:
        self.number = number
        self.is_dead = False
        self.slept_ms = 0
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self._handler = handler
        self._event = json.loads(json.dumps(event))
        self._context = Context(remaining_ms=timeout_ms, aws_request_id=f"request-{number}", invocation=self)
        self._turn = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def here() -> Invocation:
        """Give the invocation that calls."""
        invocation: Invocation = _here.invocation
        return invocation

    def go_on(self) -> None:
        """Let it run to its end, or until it pauses."""
        self._turn.release()
        self._back.acquire()
        if self.outcome is not None:
            self._thread.join()

    def pause(self) -> None:
        """Stand still; called by the invocation itself."""
        self._back.release()
        self._turn.acquire()

    def _run(self) -> None:
        self._turn.acquire()
        _here.invocation = self
        try:
            payload = json.loads(json.dumps(self._handler(self._event, self._context)))
            self.outcome = Returned(payload=payload)
        except (Exception, Died) as error:  # noqa: BLE001 - Lambda: whatever a function raises is a function error
            self.error = error
            self.outcome = FunctionError()
        finally:
            self._back.release()
