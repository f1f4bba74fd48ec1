"""What happened: the inputs of an event source mapping, in the past tense.

Each answer carries the id of the effect that it answers (``penstock.mapping.effects``). An input that
answers an effect which is no longer awaited is ignored by the core: late and doubled answers are normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """One record of a shard.

    ``body`` is the record as the function sees it (``eventID``, ``eventName``, ``dynamodb``, …);
    ``encoded`` is the same as JSON text, made once by whoever made the record; ``encoded_bytes`` is its
    UTF-8 length. ``created_at_ms`` is when the record became readable: the origin of its age.
    ``sequence_number`` is decimal text, compared as an integer. ``item_key`` is stable text made of the
    item's partition and sort key; records with equal text are changes of one item.
    """

    sequence_number: str
    item_key: str
    created_at_ms: int
    body: Mapping[str, Any]
    encoded: str
    encoded_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard of the stream; a shard with a parent is read after the parent is finished.

    A parent that was never discovered (trimmed) is not waited for. A merged shard has two parents (Kinesis alone).
    """

    shard_id: str
    parent_shard_id: str | None = None
    adjacent_parent_shard_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """One received message, as ReceiveMessage gave it.

    ``body`` is the record as the function sees it (``messageId``, ``receiptHandle``, ``body``, …);
    ``encoded`` and ``encoded_bytes`` are its JSON text and the UTF-8 length of that.
    """

    message_id: str
    receipt_handle: str
    body: Mapping[str, Any]
    encoded: str
    encoded_bytes: int
    message_group_id: str | None = None
    receive_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The function returned; ``payload`` is the parsed JSON answer."""

    payload: Any
    executed_version: str = "$LATEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionError:
    """The function ran and failed (exception, timeout, exit, init error): Invoke said 200 with FunctionError."""

    kind: str = "Unhandled"
    executed_version: str = "$LATEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInvoked:
    """The function did not run (429, 5xx, key or role errors); spends no retry."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadRefused:
    """The event is larger than Invoke accepts; the function did not run, but a retry is spent."""


Outcome = Returned | FunctionError | NotInvoked | PayloadRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingEnabled:
    """The mapping was created enabled, or switched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDisabled:
    """The mapping was switched off; what is in flight ends, nothing new starts, the checkpoint stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationEnded:
    """Answers ``InvokeFunction``."""

    invocation_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """Answers ``StartTimer`` (not before its time, unless cancelled)."""

    timer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardsDiscovered:
    """The stream has these shards now, in any order; known ones may be repeated."""

    shards: tuple[Shard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsRead:
    """Answers ``ReadRecords``: records in order, at most the limit asked for, possibly none.

    ``shard_ended`` says that the shard is closed and nothing follows these records. ``position`` is where
    reading goes on (exclusive) when there were no records; ``None``: where it was. A first read from LATEST
    should be answered at once with the tip as its position (``"0"`` before the first record), so that nothing
    is lost when the mapping is switched off while the next read is held.
    """

    read_id: str
    records: tuple[StreamRecord, ...]
    shard_ended: bool = False
    position: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFailed:
    """Answers ``ReadRecords``: the source could not be read (permission, throttle); no retry is spent."""

    read_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTrimmed:
    """Answers ``ReadRecords``: the position fell out of retention; reading goes on at the oldest record."""

    read_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationAnswered:
    """Answers ``DeliverToDestination``."""

    delivery_id: str
    delivered: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesReceived:
    """Answers ``ReceiveMessages``; the leases run from now for the visibility timeout that it named."""

    receive_id: str
    messages: tuple[QueueMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveFailed:
    """Answers ``ReceiveMessages``: the queue could not be read."""

    receive_id: str
    reason: str


StreamInput = (
    MappingEnabled
    | MappingDisabled
    | ShardsDiscovered
    | RecordsRead
    | ReadFailed
    | ReadTrimmed
    | InvocationEnded
    | DestinationAnswered
    | TimerFired
)
QueueInput = MappingEnabled | MappingDisabled | MessagesReceived | ReceiveFailed | InvocationEnded | TimerFired
