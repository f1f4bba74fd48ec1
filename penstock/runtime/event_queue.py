"""The queue of asynchronous invocation: what becomes of an event, decided without IO.

Rules:

* a function error is followed by another attempt after one minute and one more after two, unless the configuration
  asks for fewer (`MaximumRetryAttempts`);
* what was throttled is tried again without end until the event is too old (`MaximumEventAgeInSeconds`), after one
  second, then after twice as long each time, five minutes at most;
* an event whose next attempt would come when it is too old is given up at once;
* a function whose reserved concurrency is zero is never tried.

Sources: *How Lambda handles errors and retries with asynchronous invocation*, *Capturing records of Lambda asynchronous
invocations*, both of the Lambda developer guide. The names of the conditions beside ``Success`` and
``RetriesExhausted``, and the look ahead at the next attempt, are what LocalStack recorded of AWS. Our choice: a
function error begins the waits for throttling anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, assert_never

from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled, TooLarge

AFTER_ERROR_MS: Final = (60_000, 120_000)
FIRST_THROTTLED_MS, LONGEST_THROTTLED_MS = 1_000, 300_000
DEFAULT_EVENT_AGE_SECONDS, DEFAULT_RETRY_ATTEMPTS = 21_600, 2

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules:
    """How long and how often events are tried; the defaults are AWS's."""

    maximum_event_age_in_seconds: int = DEFAULT_EVENT_AGE_SECONDS
    maximum_retry_attempts: int = DEFAULT_RETRY_ATTEMPTS
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedEvent:
    """An event in the queue.

    ``request_id`` is the same for every attempt, ``function_arn`` carries the qualifier. ``invoke_count`` is how often
    the function ran, ``throttles`` how often in a row it did not; ``result`` is what came of the last attempt.
    """

    request_id: str
    function_arn: str
    payload: bytes
    queued_at_ms: int
    invoke_count: int = 0
    throttles: int = 0
    result: InvocationResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """The event stays in the queue until then."""

    event: QueuedEvent
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The event leaves the queue."""

    event: QueuedEvent
    condition: Condition


def before(event: QueuedEvent, rules: EventRules) -> Over | None:
    """Whether an event that came in is given up without an attempt."""
    return Over(event=event, condition="ZeroReservedConcurrency") if rules.reserved_concurrency == 0 else None


def after(event: QueuedEvent, result: InvocationResult, rules: EventRules, *, now_ms: int) -> TryAgain | Over:
    """What follows from the result of an attempt that ended now."""
    match result:
        case Answer():
            done = replace(event, invoke_count=event.invoke_count + 1, result=result)
            return Over(event=done, condition="Success")
        case Failure():
            failed = replace(event, invoke_count=event.invoke_count + 1, throttles=0, result=result)
            if failed.invoke_count > rules.maximum_retry_attempts:
                return Over(event=failed, condition="RetriesExhausted")
            return _again(failed, rules, now_ms + AFTER_ERROR_MS[failed.invoke_count - 1])
        case Throttled():
            wait_ms = min(FIRST_THROTTLED_MS * 2**event.throttles, LONGEST_THROTTLED_MS)
            throttled = replace(event, throttles=event.throttles + 1, result=result)
            return _again(throttled, rules, now_ms + wait_ms)
        case TooLarge():
            raise AssertionError("an event of this size never comes into the queue")
        case _:
            assert_never(result)


def _again(event: QueuedEvent, rules: EventRules, at_ms: int) -> TryAgain | Over:
    if at_ms - event.queued_at_ms > rules.maximum_event_age_in_seconds * 1_000:
        return Over(event=event, condition="EventAgeExceeded")
    return TryAgain(event=event, at_ms=at_ms)
