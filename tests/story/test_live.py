"""The lines of a run as it happens: one for each step, short where all is well."""

import time
from dataclasses import replace

import pytest

from penstock.story.facts import CheckpointSaved, EventDelivered, EventPublished, Fact, FaultStruck
from penstock.story.live import Line, Live
from tests.story.chronicle import BEGAN, NOW, QUEUE, SHARD, called, ended, invoked, mapping, sent, written

FILTER = '{"dynamodb": {"NewImage": {"kind": {"S": ["job"]}}}}'
DELIVERED = EventDelivered(
    at_ms=NOW, event_id="v1", rule="Rule", target="arn:aws:sqs:eu-west-1:1:jobs", error="", made=()
)


def lines(*facts: Fact) -> list[str]:
    """What is printed of these facts, after two readers of the table and one of the queue; ``!`` is for trouble."""
    live = Live()
    defined = (mapping(), mapping("Picky", filters=(FILTER,)), mapping("Worker", source_arn=QUEUE))
    told = [live.line(fact) for fact in (BEGAN, *defined, *facts)]
    return [f"!{line.text}" if line.wrong else line.text for line in told if line is not None]


def test_write_tells_the_verdict_of_each_mapping() -> None:
    """How many of its records each reader of the table lets through; many are not all named."""
    assert lines(written(1, kind="job"), written(2, 3, 4, 5)) == [
        "Orders: INSERT k1 by api dynamodb:PutItem → reader 1 of 1, picky 1 of 1",
        "Orders: INSERT k2, INSERT k3, INSERT k4 and 1 more by api dynamodb:PutItem → reader 4 of 4, picky 0 of 4",
    ]


def test_write_that_nobody_reads_tells_no_verdict() -> None:
    """A table without a mapping, and a change that no call made."""
    assert Live().line(replace(written(1), caller="")) == Line("orders: INSERT k1")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ([invoked("a", 1, 2), ended("a")], "reader: 2 records: done (5 ms)"),
        ([invoked("a", "m", mapping="Worker"), ended("a", function="worker")], "worker: 1 message: done (5 ms)"),
        ([ended("r", function="api")], "api: done (5 ms)"),
        (
            [invoked("a", 1, 2, 3), ended("a", reports=(2,))],
            "!reader: 3 records: 1 done, 1 reported, 1 rewound (5 ms)",
        ),
        (
            [invoked("a", 1), ended("a", result="failed", error="Runtime.ExitError: RequestId: a Error: killed")],
            "!reader: 1 record: failed, Runtime.ExitError: killed (5 ms)",
        ),
        (
            [invoked("a", 1), ended("a", result="throttled", error="Reserved")],
            "!reader: 1 record: throttled, Reserved",
        ),
        (
            [replace(invoked("f"), purpose="final", window="W"), ended("f")],
            "reader: final call of window W: done (5 ms)",
        ),
    ],
)
def test_end_of_an_invocation(facts: list[Fact], line: str) -> None:
    """One line for a batch, with what its records came to."""
    assert lines(*facts) == [line]


def test_attempts_after_the_first_tell_their_reason() -> None:
    """A batch that fails, its halves, and a repeat; what was done is not remembered."""
    failed = {"result": "failed", "error": "ValueError: no"}

    told = lines(
        *(invoked("a", 1, 2), ended("a", **failed)),  # type: ignore[arg-type]
        *(invoked("b", 1), ended("b")),
        *(invoked("c", 2), ended("c", **failed)),  # type: ignore[arg-type]
        *(invoked("c", 2), ended("c")),
        *(invoked("d", 1, 2), ended("d")),
    )

    assert told == [
        "!reader: 2 records: failed, ValueError: no (5 ms)",
        "reader: 1 record, attempt 2 (half of a batch of 2, bisected after ValueError): done (5 ms)",
        "!reader: 1 record, attempt 2 (half of a batch of 2, bisected after ValueError): failed, ValueError: no (5 ms)",
        "reader: 1 record, attempt 3 (retry after ValueError): done (5 ms)",
        "reader: 2 records: done (5 ms)",
    ]


def test_nothing_is_remembered_of_what_was_discarded() -> None:
    """A run of days forgets poison: what a checkpoint has passed or a redrive has moved, and retries but the last."""
    failed = {"result": "failed", "error": "ValueError: no"}
    live = Live()

    def tell(*facts: Fact) -> list[str]:
        return [line.text for line in map(live.line, facts) if line is not None]

    tell(BEGAN, mapping(), mapping("Worker", source_arn=QUEUE))
    saved = CheckpointSaved(at_ms=NOW, mapping="Reader", shard_id=SHARD, sequence_number="9")
    for _ in range(50):
        *_, last = tell(invoked("a", 9, 10), ended("a", **failed))  # type: ignore[arg-type]
        tell(invoked("b", "m", mapping="Worker"), ended("b", **failed))  # type: ignore[arg-type]
    held = [len(attempts) for each in live._unfinished.values() for _, attempts in each.values()]
    tell(saved, replace(sent("m", queue="dead"), receives=50))
    (kept,) = (item for each in live._unfinished.values() for item in each)
    again, new = tell(
        *(invoked("a", 10), ended("a", **failed)),  # type: ignore[arg-type]
        *(invoked("c", "m", mapping="Worker"), ended("c", **failed)),  # type: ignore[arg-type]
    )

    assert last == "reader: 2 records, attempt 50 (retry after ValueError): failed, ValueError: no (5 ms)"
    assert held == [2, 2, 2]
    assert kept == "10"
    assert ("attempt 51 (retry after ValueError)" in again, "attempt" in new) == (True, False)


def test_large_batch_with_a_few_failures_is_told_at_once() -> None:
    """The largest batch that there is does not hold up the run that tells of it: it takes little of a processor."""
    begun = time.process_time()

    told = lines(invoked("a", *range(1, 10_001)), ended("a", reports=(5_000, 7_000)))

    assert told == ["!reader: 10000 records: 4999 done, 2 reported, 4999 rewound (5 ms)"]
    assert time.process_time() - begun < 5


def test_routine_is_silent_and_trouble_is_not() -> None:
    """Events that arrive, messages that are sent, calls that are answered say nothing of it; what goes wrong does."""
    published = EventPublished(
        at_ms=NOW, event_id="v1", bus="bus", detail_type="Placed", caller="api", request_id="", detail="{}"
    )

    told = lines(
        published,
        DELIVERED,
        replace(DELIVERED, error="AccessDenied: no"),
        replace(DELIVERED, dead_letters=True),
        sent("m"),
        replace(sent("m", queue="dead"), receives=3),
        called("a"),
        called("a", "Publish", service="sns", faults=("response-lost",)),
        FaultStruck(at_ms=NOW, kind="batch-redelivered", victim="reader", request_id="a", text=""),
    )

    assert told == [
        "event Placed v1 on bus, by api",
        "!rule Rule → queue jobs: AccessDenied: no",
        "!rule Rule → dead-letter queue jobs",
        "!message m moved to dead-letter queue dead after 3 receives",
        "!reader: sns:Publish (fault response-lost)",
        "!fault batch-redelivered of reader",
    ]
