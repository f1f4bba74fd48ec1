"""What to do: the effects of an event source mapping, in the imperative.

The shell performs them in the order given and answers each with its input of the same stem
(``penstock.mapping.inputs``): ``ReadRecords`` → ``RecordsRead``, ``InvokeFunction`` → ``InvocationEnded``,
``StartTimer`` → ``TimerFired``. Effects without an answer say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock.mapping.inputs import QueueMessage, StreamRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeFunction:
    """Invoke the mapping's function synchronously.

    The event is the JSON object ``{"Records": [...], **extras}``: ``records`` in order, each with its
    JSON text at hand, and ``extras`` for a tumbling window (``window``, ``state``, ``shardId``, …; else
    empty); ``penstock.mapping.event.encode_event(records, extras)`` gives its text. ``event_bytes`` is the
    size of that text. ``request_id`` repeats for repeats
    of one batch. ``iterator_age_ms`` is the age of the last record (streams with records; else ``None``).
    """

    invocation_id: str
    request_id: str
    records: tuple[StreamRecord, ...] | tuple[QueueMessage, ...]
    extras: Mapping[str, Any]
    event_bytes: int
    shard_id: str | None = None
    attempt: int = 1
    iterator_age_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Answer ``TimerFired`` at this instant or as soon after as may be."""

    timer_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """Forget a timer; no answer."""

    timer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMetric:
    """Add to a metric of the mapping; no answer. ``value`` is a count of records, or milliseconds for IteratorAge.

    ``EventCount`` metrics are emitted only where the mapping's MetricsConfig asks for them.
    """

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecords:
    """Read a shard, at most ``limit`` records.

    Read after ``after_sequence_number``; where it is ``None``, from ``position``: the oldest record
    (``TRIM_HORIZON``) or the tip as it is now (``LATEST``). The shell may hold the answer until there is
    something to say (records, the end of the shard, a failure); an empty answer is legal and is asked again.
    With ``wait`` off it must not hold: the core asks whether the shard is read to its tip, before it closes the
    tumbling window of an idle shard, and an empty answer says yes.
    """

    read_id: str
    shard_id: str
    after_sequence_number: str | None
    position: Literal["TRIM_HORIZON", "LATEST"]
    limit: int
    wait: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRead:
    """Forget a read that is being held; no answer. Its answer, if already under way, is ignored."""

    read_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveCheckpoint:
    """Everything in the shard up to this sequence number is finished; no answer. Never goes back."""

    shard_id: str
    sequence_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverToDestination:
    """Deliver an on-failure record; answered by ``DestinationAnswered``.

    ``body`` is the record as JSON text in AWS's field order (for S3 with ``payload``). ``object_key`` is
    set for S3 alone. ``records`` is how many stream records it stands for.
    """

    delivery_id: str
    destination_arn: str
    kind: Literal["sqs", "sns", "s3"]
    body: str
    object_key: str | None
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveMessages:
    """Receive at most ``limit`` messages; the shell may hold the answer until one is visible.

    ``visibility_timeout_seconds`` is how long they stay hidden, counted from the answer.
    """

    receive_id: str
    limit: int
    visibility_timeout_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReceive:
    """Forget a receive that is being held; no answer."""

    receive_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessages:
    """Delete these messages from the queue; no answer."""

    messages: tuple[QueueMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeVisibility:
    """Set the visibility timeout of these messages, from now; no answer."""

    messages: tuple[QueueMessage, ...]
    visibility_timeout_seconds: int


StreamEffect = (
    InvokeFunction
    | StartTimer
    | CancelTimer
    | RecordMetric
    | ReadRecords
    | CancelRead
    | SaveCheckpoint
    | DeliverToDestination
)
QueueEffect = (
    InvokeFunction
    | StartTimer
    | CancelTimer
    | RecordMetric
    | ReceiveMessages
    | CancelReceive
    | DeleteMessages
    | ChangeVisibility
)
