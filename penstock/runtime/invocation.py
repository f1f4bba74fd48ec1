"""An invocation of a function and how it ended: what Invoke answers, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.cloud.call_counter import Usage
from penstock.template.models import Function


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The function returned; ``payload`` is its JSON text in UTF-8."""

    payload: bytes
    executed_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The function ran and failed: Invoke says 200 with ``FunctionError``.

    ``error`` is the payload as AWS words it: ``errorType``, ``errorMessage`` and, for an exception of the
    handler, ``requestId`` and ``stackTrace`` (lines).
    """

    error: Mapping[str, Any]
    executed_version: str
    kind: Literal["Unhandled"] = "Unhandled"

    @property
    def payload(self) -> bytes:
        """Give the error as Invoke carries it."""
        return json.dumps(self.error, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """The function did not run: Invoke says 429 ``TooManyRequestsException`` with this reason."""

    reason: Literal["ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"]
    message: str = "Rate Exceeded."


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge:
    """The function did not run: Invoke says 413 ``RequestTooLargeException`` to an event above this size."""

    limit_bytes: int

    @property
    def message(self) -> str:
        """Word the refusal as AWS does."""
        return f"Request must be smaller than {self.limit_bytes} bytes for the InvokeFunction operation"


InvocationResult = Answer | Failure | Throttled | TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """An invocation that is over, told to whoever watches.

    ``started_at_ms`` is on the application's clock, durations are wall time. ``init_duration_ms`` is ``None``
    for a warm start. ``environment_id`` names the execution environment, empty when the function did not run.
    ``records`` is how many the event held, 1 for one that is no batch. ``concurrent_executions`` of the function were
    under way when this one began, itself included. ``usage`` is what it asked of AWS, with the Init before it if any.
    ``event`` is what it was handed.
    """

    function: Function
    version: str
    request_id: str
    records: int
    started_at_ms: int
    duration_ms: float
    init_duration_ms: float | None
    environment_id: str
    concurrent_executions: int
    usage: Usage
    result: InvocationResult
    event: bytes = field(default=b"", repr=False)
