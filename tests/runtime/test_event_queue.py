"""What becomes of an event in the queue of asynchronous invocation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from penstock.runtime.event_queue import EventRules, Over, QueuedEvent, TryAgain, after, before
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled

ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
EVENT = QueuedEvent(request_id="r-1", function_arn=ARN, payload=b"{}", queued_at_ms=0)
RAISED = Failure(error={"errorType": "ValueError", "errorMessage": "no"}, executed_version="$LATEST")
RETURNED = Answer(payload=b"1", executed_version="$LATEST")
THROTTLED = Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded")


def attempts(results: Sequence[InvocationResult], rules: EventRules) -> tuple[list[int], Over | TryAgain]:
    """Let attempts end at once with these results: when each was made, in seconds, and what came last."""
    step: Over | TryAgain = TryAgain(event=EVENT, at_ms=0)
    seconds = []
    for result in results:
        assert isinstance(step, TryAgain)
        seconds.append(step.at_ms // 1_000)
        step = after(step.event, result, rules, now_ms=step.at_ms)
    return seconds, step


def test_function_error_is_tried_again_after_one_minute_and_two() -> None:
    """Three attempts in all, then the event is given up with what the last one answered."""
    seconds, last = attempts([RAISED] * 3, EventRules())

    assert seconds == [0, 60, 180]
    assert isinstance(last, Over)
    assert (last.condition, last.event.invoke_count, last.event.result) == ("RetriesExhausted", 3, RAISED)
    assert last.event.request_id == "r-1"


@pytest.mark.parametrize(("allowed", "expected"), [(0, [0]), (1, [0, 60])])
def test_fewer_attempts_are_made_where_that_is_asked_for(allowed: int, expected: list[int]) -> None:
    """MaximumRetryAttempts counts what follows the first attempt."""
    seconds, last = attempts([RAISED] * (allowed + 1), EventRules(maximum_retry_attempts=allowed))

    assert seconds == expected
    assert isinstance(last, Over)
    assert last.condition == "RetriesExhausted"


def test_success_ends_it() -> None:
    """An event that succeeds at its second attempt is over, and counts two."""
    _, last = attempts([RAISED, RETURNED], EventRules())

    assert isinstance(last, Over)
    assert (last.condition, last.event.invoke_count, last.event.result) == ("Success", 2, RETURNED)


def test_throttling_is_tried_again_at_growing_intervals() -> None:
    """One second, then twice as long each time, five minutes at most; none of it uses up a retry."""
    seconds, last = attempts([THROTTLED] * 12, EventRules(maximum_retry_attempts=0))

    assert seconds == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]
    assert isinstance(last, TryAgain)
    assert last.event.invoke_count == 0


def test_throttling_ends_when_the_event_is_too_old() -> None:
    """An event whose next attempt would come too late is given up before, without having run."""
    seconds, last = attempts([THROTTLED] * 7, EventRules(maximum_event_age_in_seconds=120))

    assert seconds == [0, 1, 3, 7, 15, 31, 63]
    assert isinstance(last, Over)
    assert (last.condition, last.event.invoke_count, last.event.result) == ("EventAgeExceeded", 0, THROTTLED)


def test_age_ends_what_has_retries_left() -> None:
    """A function error whose retry would come too late is the last one."""
    _, last = attempts([RAISED], EventRules(maximum_event_age_in_seconds=60 - 1))

    assert isinstance(last, Over)
    assert (last.condition, last.event.invoke_count) == ("EventAgeExceeded", 1)


def test_waits_for_throttling_begin_anew_after_an_error() -> None:
    """What ran in between is no longer throttled."""
    seconds, _ = attempts([THROTTLED, THROTTLED, RAISED, THROTTLED, RETURNED], EventRules())

    assert seconds == [0, 1, 3, 63, 64]


def test_function_without_concurrency_is_never_tried() -> None:
    """Reserved concurrency of zero gives events up as they come; any other lets them in."""
    given_up = before(EVENT, EventRules(reserved_concurrency=0))

    assert given_up is not None
    assert (given_up.condition, given_up.event.invoke_count) == ("ZeroReservedConcurrency", 0)
    assert before(EVENT, EventRules(reserved_concurrency=1)) is None
    assert before(EVENT, EventRules()) is None
