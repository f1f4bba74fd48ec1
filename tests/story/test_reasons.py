"""Why an attempt was made and how it ended: each rule, from facts made by hand."""

import pytest

from penstock.story.facts import BatchInvoked, InvocationEnded
from penstock.story.reasons import Attempt, Outcome, outcome, reason
from tests.story.chronicle import ended, invoked


def attempt(batch: BatchInvoked, end: InvocationEnded | None, *, reports: bool = True) -> Attempt:
    """An attempt of a mapping."""
    return Attempt(request_id=batch.request_id, batch=batch, reports=reports, ended=end)


DIED = ended("a", result="failed", error="Runtime.ExitError: RequestId: a Error: killed")
THROTTLED = ended("a", result="throttled", error="ReservedFunctionConcurrentInvocationLimitExceeded")
TOO_LARGE = ended("a", result="too large", error="Request must be smaller")
DONE = ended("a")


@pytest.mark.parametrize(
    ("end", "item", "expected"),
    [
        (None, "2", "in flight"),
        (DONE, "2", "done"),
        (DIED, "2", "failed"),
        (THROTTLED, "2", "throttled"),
        (TOO_LARGE, "2", "too large"),
        (ended("a", reports=(2,)), "1", "done"),
        (ended("a", reports=(2,)), "2", "reported"),
        (ended("a", reports=(2,)), "3", "rewound"),
        (ended("a", reports=(3, 2)), "3", "reported"),
        (ended("a", reports=(9,)), "1", "failed"),
    ],
)
def test_outcome_of_a_record(end: InvocationEnded | None, item: str, expected: Outcome) -> None:
    """Of the batch 1, 2, 3: what precedes the first reported record is done; a report of a stranger fails all."""
    assert outcome(attempt(invoked("a", 1, 2, 3), end), item) == expected


def test_message_is_not_rewound() -> None:
    """A queue keeps what is reported and nothing else."""
    assert outcome(attempt(invoked("a", "m1", "m2"), ended("a", reports=("m1",))), "m2") == "done"


def test_report_is_no_report_where_nobody_reads_it() -> None:
    """Without ReportBatchItemFailures, and in an invocation that is no batch, an answer is an answer."""
    reported = ended("a", reports=(1,))

    assert outcome(attempt(invoked("a", 1), reported, reports=False), "1") == "done"
    assert outcome(Attempt(request_id="a", ended=reported)) == "done"


BATCH = invoked("a", 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("earlier", "batch", "why"),
    [
        ([], BATCH, "first"),
        ([(BATCH, DIED)], BATCH, "retry after Runtime.ExitError"),
        ([(BATCH, THROTTLED)], BATCH, "retry after a throttled invocation"),
        ([(BATCH, TOO_LARGE)], BATCH, "retry after an event over 6 MB"),
        ([(BATCH, ended("a", reports=(9,)))], BATCH, "retry after an answer that fails the whole batch"),
        ([(BATCH, ended("a", reports=(1,)))], BATCH, "retry after a batch item failure before it"),
        ([(BATCH, DONE)], BATCH, "retry after an answer that fails the whole batch"),
        ([(BATCH, DIED)], invoked("b", 3, 4), "half of a batch of 4, bisected after Runtime.ExitError"),
        ([(BATCH, ended("a", reports=(2,)))], invoked("b", 2, 3, 4), "rest of a batch of 4 after a partial answer"),
        ([(BATCH, DONE)], invoked("a", 1, 2, 3, 4, again=True), "delivered again by fault batch-redelivered"),
        ([(BATCH, DONE)], invoked("b", 3, 4), "unexplained"),
        ([(BATCH, DIED)], invoked("b", 1, 2, 3, 4), "unexplained"),
    ],
)
def test_reason_of_a_stream(earlier: list[tuple[BatchInvoked, InvocationEnded]], batch: BatchInvoked, why: str) -> None:
    """Why record 3 comes again."""
    before = [attempt(*each) for each in earlier]

    assert reason(attempt(batch, None), before, "3") == why


def test_second_delivery_that_does_not_count_explains_nothing() -> None:
    """Where the first answer counted and failed, the repeat follows from it, whatever the second one was."""
    first, second = attempt(BATCH, DIED), attempt(invoked("a", 1, 2, 3, 4, again=True), DONE)

    assert reason(attempt(BATCH, None), [first, second], "3") == "retry after Runtime.ExitError"


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (DIED, "received again after Runtime.ExitError"),
        (ended("a", reports=("m",)), "received again after a batch item failure"),
        (DONE, "received again after its visibility timeout ended before it was deleted"),
        (None, "received again after its visibility timeout ended in flight"),
    ],
)
def test_reason_of_a_queue(end: InvocationEnded | None, why: str) -> None:
    """Why a message comes again, in a batch of its own."""
    assert reason(attempt(invoked("b", "m"), None), [attempt(invoked("a", "m"), end)], "m") == why
