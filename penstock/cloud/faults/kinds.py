"""The kinds of faults, and which of the occurrences that match one are hit."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from penstock.cloud.faults import entries
from penstock.cloud.faults.refusals import SERVICES
from penstock.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which of the occurrences that match are hit.

    The ``nth`` (from 1), ``every`` so many, the ``first`` so many, or each with a ``probability`` (0 to 1); without any
    of these, all of them. ``until`` so many are hit.
    """

    nth: int | None = None
    every: int | None = None
    first: int | None = None
    probability: float | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never hit, or says two things at once."""
        given = [name for name in ("nth", "every", "first", "probability") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"when: {' and '.join(given)} exclude each other; give one of them")
        for name in ("nth", "every", "first", "until"):
            _require_positive(f"when: {name}", getattr(self, name))
        if self.probability is not None and not 0 < self.probability <= 1:
            raise UsageError(f"when: probability {self.probability} is not above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What all kinds share: which of the occurrences that match are hit."""

    kind: ClassVar[str]
    when: When = field(default_factory=When)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFault(Fault):
    """A fault of an AWS call. What is ``None`` matches every call.

    ``service`` is the name used for signing (``dynamodb``, ``events``, ``states``, …), ``caller`` the label of a
    function or state machine, ``matching`` a text that the request holds, ``call`` the place of the call among
    those of its invocation, from 1.
    """

    service: str | None = None
    operation: str | None = None
    caller: str | None = None
    matching: str | None = None
    call: int | None = None

    def __post_init__(self) -> None:
        """Refuse services and operations that do not exist."""
        _require_positive("call", self.call)
        if self.service is not None and self.service not in SERVICES:
            raise UsageError(f"no service '{self.service}'{meant(self.service, SERVICES)}")
        services = SERVICES if self.service is None else (self.service,)
        if self.operation is not None:
            known = {name for service in services for name in SERVICES[service].operations()}
            if self.operation not in known:
                of = f" of {self.service}" if self.service else ""
                raise UsageError(f"no operation '{self.operation}'{of}{meant(self.operation, known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(CallFault):
    """The service answers with an error and does nothing.

    ``code`` is the service's own for an internal error where ``None``; ``status`` is 500 for an ``Internal…`` code,
    else 400. With ``entries`` single entries of a batch call fail, each an occurrence, and the others take effect.
    """

    kind: ClassVar[str] = "error"
    code: str | None = None
    message: str | None = None
    status: int | None = None
    entries: bool = False

    def __post_init__(self) -> None:
        """Refuse entries of calls that have none."""
        CallFault.__post_init__(self)
        if self.entries and self.operation not in entries.BATCHES:
            raise UsageError(f"entries of operation {self.operation}: name one of {', '.join(sorted(entries.BATCHES))}")
        if self.status is not None and not 400 <= self.status <= 599:
            raise UsageError(f"status {self.status} is no error; give one from 400 to 599")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Error):
    """The service refuses the call with its own throttling error."""

    kind: ClassVar[str] = "throttle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(CallFault):
    """The service takes this much longer, before it does anything."""

    kind: ClassVar[str] = "latency"
    milliseconds: int

    def __post_init__(self) -> None:
        """Refuse a latency of nothing."""
        CallFault.__post_init__(self)
        _require_positive("milliseconds", self.milliseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLost(CallFault):
    """The service does its work, and the connection breaks before the caller hears of it."""

    kind: ClassVar[str] = "response-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessKilled(CallFault):
    """The process of the function that makes the call is killed.

    ``before``: the call was sent and the service has done nothing. ``during``: the service has done its work, nobody
    hears of it. ``after``: the function has the answer, and nothing more leaves its process, neither call nor result.
    """

    kind: ClassVar[str] = "process-killed"
    moment: Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFault(Fault):
    """A fault of an invocation of ``function`` (its label) whose event holds the text ``matching``, if given."""

    function: str
    matching: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationFailed(FunctionFault):
    """The function cannot process the event: it ``raises`` before it did anything, or its process ``exits``."""

    kind: ClassVar[str] = "invocation-failed"
    how: Literal["raises", "exits"] = "raises"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRedelivered(FunctionFault):
    """An event source mapping hands its function a batch a second time: same records, same window state.

    The ``answer`` of the first delivery is ``counted`` and that of the second dropped, or it is ``lost`` and the second
    one counts. A stream's batch comes under the same request id, as its retries do; a queue's under a new one.
    """

    kind: ClassVar[str] = "batch-redelivered"
    answer: Literal["counted", "lost"] = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRefused(FunctionFault):
    """A destination does not take the record of a discarded batch or of an event; AWS then drops it."""

    kind: ClassVar[str] = "destination-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFault(Fault):
    """A fault of one delivery of a bus event by ``rule`` (its label), whose text holds ``matching``.

    It is late by up to so many ``milliseconds``, drawn for each.
    """

    rule: str | None = None
    matching: str | None = None
    milliseconds: int = 1_000

    def __post_init__(self) -> None:
        """Refuse a delay of nothing."""
        _require_positive("milliseconds", self.milliseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDoubled(EventFault):
    """The event is delivered twice, the second time late."""

    kind: ClassVar[str] = "event-doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelayed(EventFault):
    """The event is delivered late, so that later ones overtake it."""

    kind: ClassVar[str] = "event-delayed"


KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        Error,
        Throttle,
        Latency,
        ResponseLost,
        ProcessKilled,
        InvocationFailed,
        BatchRedelivered,
        DestinationRefused,
        EventDoubled,
        EventDelayed,
    )
}


def meant(name: str, known: Iterable[str]) -> str:
    """The hint of a refusal: which of the known names comes close to this one, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _require_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageError(f"{name} {value} is not a whole number above 0")
