"""How an attempt ended for one item of its batch, and why it was made: read from the facts, not told by the mapping.

An attempt that no reason fits is *unexplained*. That would be a defect of the mapping core, so it is said, not hidden.

Rules (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", "Using Lambda with Amazon SQS"): a batch of
a stream keeps its request id when it is repeated; halves of a bisected batch and what a partial answer leaves have
request ids of their own. A message comes back when its visibility timeout ends before it was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from penstock.mapping.responses import AllDone, AllFailed, SomeFailed, read_report
from penstock.story.facts import BatchInvoked, CallAnswered, FaultStruck, InvocationEnded

Outcome = Literal["done", "reported", "rewound", "failed", "throttled", "too large", "in flight"]
"""``reported`` names a batch item failure, ``rewound`` what stands behind the first one in a stream's batch."""

FIRST = "first"
UNEXPLAINED = "unexplained"


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One invocation, with what it did; ``batch`` is ``None`` for one that no mapping made.

    ``reports`` says whether its mapping reads batch item failures. ``ended`` is ``None`` while it is in flight.
    ``reported`` is what it said of each item, read when somebody wants to know.
    """

    request_id: str
    batch: BatchInvoked | None = None
    reports: bool = False
    ended: InvocationEnded | None = None
    calls: list[CallAnswered] = field(default_factory=list)
    faults: list[FaultStruck] = field(default_factory=list)
    reported: dict[str, Outcome] = field(default_factory=dict, init=False, repr=False)

    @property
    def function(self) -> str:
        """The function, as far as it is known yet."""
        if self.batch is not None:
            return self.batch.function
        return self.ended.function if self.ended is not None else self.calls[0].caller if self.calls else ""

    @property
    def began_at_ms(self) -> int:
        """When it began, as far as it is known yet."""
        if self.batch is not None:
            return self.batch.at_ms
        if self.ended is not None:
            return self.ended.started_at_ms
        return min([call.at_ms for call in self.calls] + [fault.at_ms for fault in self.faults])

    @property
    def items(self) -> Sequence[str]:
        """The item identifiers of its batch, in order."""
        return self.batch.items if self.batch is not None else ()


def outcome(attempt: Attempt, item: str = "") -> Outcome:
    """How an attempt ended for an item; without one, for an invocation that was no batch."""
    ended = attempt.ended
    if ended is None:
        return "in flight"
    match ended.result:
        case "returned":
            return _returned(attempt, ended.answer, item)
        case "throttled":
            return "throttled"
        case "too large":
            return "too large"
        case _:
            return "failed"


def _returned(attempt: Attempt, answer: str, item: str) -> Outcome:
    if attempt.batch is None or not attempt.reports or "itemIdentifier" not in answer:
        return "done"
    if not attempt.reported:
        attempt.reported = _reported(attempt.batch, answer)
    return attempt.reported[item]


def _reported(batch: BatchInvoked, answer: str) -> dict[str, Outcome]:
    """What an answer says of each item of a batch."""
    report = read_report(json.loads(answer), frozenset(batch.items))
    match report:
        case AllDone():
            return dict.fromkeys(batch.items, "done")
        case AllFailed():
            return dict.fromkeys(batch.items, "failed")
        case SomeFailed():
            outcomes: dict[str, Outcome] = {}
            unnamed: Outcome = "done"
            for item in batch.items:
                outcomes[item] = "reported" if item in report.item_identifiers else unnamed
                if batch.shard_id and outcomes[item] == "reported":
                    unnamed = "rewound"
            return outcomes


def reason(attempt: Attempt, earlier: Sequence[Attempt], item: str) -> str:
    """Why a batch with this item was handed over; ``earlier`` are the attempts before, of this mapping, in order.

    An event that no mapping handed over, of an asynchronous invocation, is repeated under its request id.
    """
    batch = attempt.batch
    if batch is None:
        return f"retry after {_came_to(earlier[-1], item)}" if earlier else FIRST
    if batch.again:
        return "delivered again by fault batch-redelivered"
    if not earlier:
        return FIRST if batch.purpose == "records" else f"{batch.purpose} call of window {batch.window}"
    before = _answered_last(earlier, item)
    what = _came_to(before, item)
    if before.request_id == batch.request_id:
        return f"retry after {what}"
    if not batch.shard_id:
        return f"received again after {what}"
    size = len(before.items)
    match outcome(before, item):
        case "reported" | "rewound":
            return f"rest of a batch of {size} after a partial answer"
        case "failed" if len(batch.items) < size:
            return f"half of a batch of {size}, bisected after {what}"
        case _:
            return UNEXPLAINED


def _answered_last(earlier: Sequence[Attempt], item: str) -> Attempt:
    """The attempt whose answer the mapping took: a second delivery by the fault script may not count."""
    last = earlier[-1]
    second = last.batch is not None and last.batch.again
    return earlier[-2] if second and len(earlier) > 1 and outcome(last, item) == "done" else last


def _came_to(attempt: Attempt, item: str) -> str:
    """What an attempt came to, so that another one followed."""
    ended = attempt.ended
    match outcome(attempt, item):
        case "in flight":
            return "its visibility timeout ended in flight"
        case "reported":
            return "a batch item failure"
        case "rewound":
            return "a batch item failure before it"
        case "done" if attempt.batch is not None and not attempt.batch.shard_id:
            return "its visibility timeout ended before it was deleted"
        case "done":
            return "an answer that fails the whole batch"
        case "failed" if ended is not None and ended.result == "returned":
            return "an answer that fails the whole batch"
        case "throttled":
            return "a throttled invocation"
        case "too large":
            return "an event over 6 MB"
        case _:
            assert ended is not None
            return ended.error.partition(":")[0]
