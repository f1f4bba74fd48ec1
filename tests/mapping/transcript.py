"""A mapping played by hand: each line of a test is one input and the exact effects that it must have."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.mapping.effects import (
    DeliverToDestination,
    InvokeFunction,
    QueueEffect,
    ReadRecords,
    ReceiveMessages,
    RecordMetric,
    SaveCheckpoint,
    StartTimer,
    StreamEffect,
)
from penstock.mapping.event import encode_event
from penstock.mapping.inputs import (
    DestinationAnswered,
    FunctionError,
    InvocationEnded,
    MappingEnabled,
    MessagesReceived,
    NotInvoked,
    Outcome,
    PayloadRefused,
    QueueInput,
    QueueMessage,
    RecordsRead,
    Returned,
    Shard,
    ShardsDiscovered,
    StreamInput,
    StreamRecord,
    TimerFired,
)
from penstock.mapping.queue import QueueMapping
from penstock.mapping.stream import StreamMapping

NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z; every instant of a test counts from here."""

FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:relay:live"
STREAM = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:orders"
FAILED_QUEUE = "arn:aws:sqs:eu-west-1:111111111111:failed"


def record(number: int, *, at_ms: int = 0, item: str = "item", size: int | None = None) -> StreamRecord:
    """Make a stream record; its number is its sequence number, ``size`` its length as JSON."""
    body: dict[str, Any] = {"eventName": "INSERT" if number % 2 else "MODIFY", "number": number}
    if size is not None:
        body["pad"] = "x" * (size - len(json.dumps({**body, "pad": ""}, separators=(",", ":"))))
    encoded = json.dumps(body, separators=(",", ":"))
    return StreamRecord(
        sequence_number=str(number),
        item_key=item,
        created_at_ms=NOW + at_ms,
        body=body,
        encoded=encoded,
        encoded_bytes=len(encoded),
    )


def message(number: int, *, group: str | None = None, receives: int = 1, size: int = 20) -> QueueMessage:
    """Make a received message; ``size`` is its length as JSON."""
    encoded = "x" * size
    return QueueMessage(
        message_id=f"m{number}",
        receipt_handle=f"m{number}#{receives}",
        body={"messageId": f"m{number}", "body": f'{{"number":{number}}}'},
        encoded=encoded,
        encoded_bytes=size,
        message_group_id=group,
        receive_count=receives,
    )


def reads(
    read_id: str,
    *,
    shard: str = "shard",
    after: str | None = None,
    position: Any = "TRIM_HORIZON",
    wait: bool = True,
    limit: int = 1_000,
) -> ReadRecords:
    """Give the effect of reading a shard."""
    return ReadRecords(
        read_id=read_id, shard_id=shard, after_sequence_number=after, position=position, limit=limit, wait=wait
    )


def calls(
    invocation_id: str,
    *records: StreamRecord,
    request: str,
    attempt: int = 1,
    at_ms: int = 0,
    shard: str = "shard",
    extras: Mapping[str, Any] | None = None,
    counted: bool = False,
) -> list[StreamEffect]:
    """Give the effects of a call: the age of the iterator, the records counted if asked for, the invocation."""
    age_ms = NOW + at_ms - records[-1].created_at_ms if records else None
    measured: list[StreamEffect] = [] if age_ms is None else [RecordMetric(name="IteratorAge", value=age_ms)]
    if counted:
        measured.append(RecordMetric(name="InvokedEventCount", value=len(records)))
    invocation = InvokeFunction(
        invocation_id=invocation_id,
        request_id=request,
        records=records,
        extras=extras or {},
        event_bytes=len(encode_event(records, extras or {}).encode()),
        shard_id=shard,
        attempt=attempt,
        iterator_age_ms=age_ms,
    )
    return [*measured, invocation]


def checkpoint(number: int, shard: str = "shard") -> SaveCheckpoint:
    """Give the effect of saving a checkpoint."""
    return SaveCheckpoint(shard_id=shard, sequence_number=str(number))


def waits(timer_id: str, until_ms: int) -> StartTimer:
    """Give the effect of starting a timer."""
    return StartTimer(timer_id=timer_id, at_ms=NOW + until_ms)


def counts(**metrics: int) -> list[RecordMetric]:
    """Give the effects of adding to metrics, by their names without EventCount."""
    return [RecordMetric(name=f"{name}EventCount", value=value) for name, value in metrics.items()]


class StreamTranscript:
    """A stream mapping with one shard, or those given; ``at`` is the instant of the next input."""

    def __init__(
        self, *, choices: Choices | None = None, shards: Sequence[Shard] = (Shard(shard_id="shard"),), **properties: Any
    ) -> None:
        numbers = itertools.count(1)
        self.at = 0
        self.mapping = StreamMapping(
            StreamConfiguration(**properties),
            uuid="mapping",
            function_arn=FUNCTION,
            event_source_arn=STREAM,
            ids=lambda: f"request-{next(numbers)}",
            choices=choices or Choices(),
        )
        self._shards = tuple(shards)

    def happens(self, happened: StreamInput) -> list[StreamEffect]:
        """Hand in one input, give its effects, and check the invariants."""
        effects = self.mapping.handle(happened, now_ms=NOW + self.at)
        self.mapping.check()
        return effects

    def starts(self) -> list[StreamEffect]:
        """Let the mapping find its shards and be enabled."""
        return self.happens(ShardsDiscovered(shards=self._shards)) + self.happens(MappingEnabled())

    def read(self, read_id: str, *records: StreamRecord, ended: bool = False) -> list[StreamEffect]:
        """Answer a read."""
        return self.happens(RecordsRead(read_id=read_id, records=records, shard_ended=ended))

    def ended(self, invocation_id: str, outcome: Outcome) -> list[StreamEffect]:
        """Let an invocation end."""
        return self.happens(InvocationEnded(invocation_id=invocation_id, outcome=outcome))

    def returned(self, invocation_id: str, payload: Any = None) -> list[StreamEffect]:
        """Let the function return."""
        return self.ended(invocation_id, Returned(payload=payload))

    def reported(self, invocation_id: str, *numbers: int) -> list[StreamEffect]:
        """Let the function report records as failed."""
        failures = [{"itemIdentifier": str(number)} for number in numbers]
        return self.returned(invocation_id, {"batchItemFailures": failures})

    def failed(self, invocation_id: str) -> list[StreamEffect]:
        """Let the function fail."""
        return self.ended(invocation_id, FunctionError())

    def throttled(self, invocation_id: str) -> list[StreamEffect]:
        """Let the function be throttled."""
        return self.ended(invocation_id, NotInvoked(reason="429"))

    def refused(self, invocation_id: str) -> list[StreamEffect]:
        """Let the payload be refused."""
        return self.ended(invocation_id, PayloadRefused())

    def fired(self, timer_id: str) -> list[StreamEffect]:
        """Let a timer fire."""
        return self.happens(TimerFired(timer_id=timer_id))

    def delivered(self, delivery_id: str, *, delivered: bool = True) -> list[StreamEffect]:
        """Let the destination answer."""
        return self.happens(DestinationAnswered(delivery_id=delivery_id, delivered=delivered))


class QueueTranscript:
    """A queue mapping; ``at`` is the instant of the next input."""

    def __init__(self, *, choices: Choices | None = None, **properties: Any) -> None:
        numbers = itertools.count(1)
        self.at = 0
        self.mapping = QueueMapping(
            QueueConfiguration(**properties),
            uuid="mapping",
            function_arn=FUNCTION,
            event_source_arn=QUEUE,
            ids=lambda: f"request-{next(numbers)}",
            choices=choices or Choices(),
        )

    def happens(self, happened: QueueInput) -> list[QueueEffect]:
        """Hand in one input, give its effects, and check the invariants."""
        effects = self.mapping.handle(happened, now_ms=NOW + self.at)
        self.mapping.check()
        return effects

    def received(self, receive_id: str, *messages: QueueMessage) -> list[QueueEffect]:
        """Answer a receive."""
        return self.happens(MessagesReceived(receive_id=receive_id, messages=messages))

    def ended(self, invocation_id: str, outcome: Outcome) -> list[QueueEffect]:
        """Let an invocation end."""
        return self.happens(InvocationEnded(invocation_id=invocation_id, outcome=outcome))

    def returned(self, invocation_id: str, payload: Any = None) -> list[QueueEffect]:
        """Let the function return."""
        return self.ended(invocation_id, Returned(payload=payload))

    def failed(self, invocation_id: str) -> list[QueueEffect]:
        """Let the function fail."""
        return self.ended(invocation_id, FunctionError())

    def throttled(self, invocation_id: str) -> list[QueueEffect]:
        """Let the function be throttled."""
        return self.ended(invocation_id, NotInvoked(reason="429"))

    def fired(self, timer_id: str) -> list[QueueEffect]:
        """Let a timer fire."""
        return self.happens(TimerFired(timer_id=timer_id))


def receives(receive_id: str, limit: int = 10, *, hidden_for: int = 30) -> ReceiveMessages:
    """Give the effect of receiving messages."""
    return ReceiveMessages(receive_id=receive_id, limit=limit, visibility_timeout_seconds=hidden_for)


def handles(invocation_id: str, *messages: QueueMessage, request: str, attempt: int = 1) -> InvokeFunction:
    """Give the effect of handing messages over."""
    return InvokeFunction(
        invocation_id=invocation_id,
        request_id=request,
        records=messages,
        extras={},
        event_bytes=len(encode_event(messages, {}).encode()),
        attempt=attempt,
    )


def told(effect: Any) -> Any:
    """Give the on-failure record that is delivered, as an object."""
    assert isinstance(effect, DeliverToDestination)
    return json.loads(effect.body)
