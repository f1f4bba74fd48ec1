"""Queues: moto holds the messages; here a reader is woken when there is something to receive.

A held receive is answered as soon as a message is visible: at once, when one is sent, when its delay or its
visibility timeout ends. Those ends are timers of the application's clock; they exist only while a reader
waits. Long polling through the front door waits the same way.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from penstock.cloud.clock import Clock, Timer
from penstock.cloud.cloudwatch import queue_metrics
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import Engine, EngineError, Reply, Request
from penstock.cloud.front_door import Call
from penstock.cloud.moto import messages as moto_messages
from penstock.cloud.moto import queues as moto_queues
from penstock.cloud.moto.hooks import hang
from penstock.mapping.inputs import QueueMessage


@dataclass(slots=True)
class Receive:
    """A receive that waits for its messages; `cancel` sends it away empty-handed."""

    queue_name: str
    limit: int
    visibility_timeout_seconds: int
    answer: Callable[[tuple[QueueMessage, ...]], object]
    cancelled: bool = False
    answered: bool = False

    def cancel(self) -> None:
        """Forget this receive: it is not answered."""
        self.cancelled = True


class Queues:
    """The readers of all queues of one running application."""

    def __init__(self, engine: Engine, clock: Clock, metrics: Metrics | None = None) -> None:
        self._engine = engine
        self._metrics = metrics or Metrics(now_ms=clock.now_ms)
        self._clock = clock
        self._region = engine.region
        self._waiting: dict[str, list[Receive]] = {}
        self._polls: dict[str, list[Callable[[], None]]] = {}
        self._timers: dict[str, Timer] = {}
        self.on_sent: Callable[[str, Any], None] = lambda *_: None
        """Is told of each message (moto's) that came into a queue, by the queue's name; of no repetition."""
        _hang_on_moto(self)

    @property
    def _backend(self) -> Any:
        return self._engine.backend("sqs")

    def receive(
        self,
        queue_arn: str,
        *,
        limit: int,
        visibility_timeout_seconds: int,
        answer: Callable[[tuple[QueueMessage, ...]], object],
    ) -> Receive:
        """Receive up to ``limit`` messages as soon as one is visible: perhaps at once, before this returns."""
        receive = Receive(queue_arn.rpartition(":")[2], limit, visibility_timeout_seconds, answer)
        self._waiting.setdefault(receive.queue_name, []).append(receive)
        self._serve(receive.queue_name)
        return receive

    def send(
        self, queue_arn: str, body: str, *, attributes: Mapping[str, str | int] | None = None, group: str | None = None
    ) -> None:
        """Send a message as a service does, with texts and numbers for attributes; raises `EngineError`."""
        from moto.core.exceptions import ServiceException

        shown = message_attributes(attributes or {})
        try:
            self._backend.send_message(queue_arn.rpartition(":")[2], body, message_attributes=shown, group_id=group)
        except ServiceException as error:
            raise EngineError(str(error.code), str(error.message)) from error

    def delete(self, queue_arn: str, messages: Sequence[QueueMessage]) -> None:
        """Delete received messages; one that is gone already is no error, as in the service."""
        from moto.sqs.exceptions import ReceiptHandleIsInvalid

        name = queue_arn.rpartition(":")[2]
        for message in messages:
            with contextlib.suppress(ReceiptHandleIsInvalid):
                self._backend.delete_message(name, message.receipt_handle)
        self.changed(name)

    def change_visibility(self, queue_arn: str, messages: Sequence[QueueMessage], seconds: int) -> None:
        """Set how long received messages stay invisible, from now; one that is gone already stays so."""
        from moto.sqs.exceptions import ReceiptHandleIsInvalid

        name = queue_arn.rpartition(":")[2]
        for message in messages:
            with contextlib.suppress(ReceiptHandleIsInvalid):
                self._backend.change_message_visibility(name, message.receipt_handle, seconds)
        self.changed(name)

    def held(self, queue_name: str) -> list[Any]:
        """All messages that are in a queue, visible or not, oldest first: moto's own, to be read only."""
        return list(moto_queues.held(self._backend.queues[queue_name]))

    def sample(self) -> None:
        """Add what every queue holds now to the metrics."""
        for queue in self._backend.queues.values():
            queue_metrics.sample(self._metrics, queue, now_ms=self._clock.now_ms())

    def changed(self, queue_name: str) -> None:
        """Something in this queue changed; look again once the loop is free."""
        if self._waiting.get(queue_name):
            asyncio.get_running_loop().call_soon(self._serve, queue_name)
        for wake in self._polls.get(queue_name, ()):
            wake()

    async def receive_call(self, call: Call) -> Reply:
        """Answer ReceiveMessage at the front door; long polling waits on this clock, not in moto."""
        parameters, at_once = _without_wait(call)
        queue_name = str(parameters.get("QueueUrl", "")).rpartition("/")[2]
        seconds = parameters.get("WaitTimeSeconds")
        queue = self._backend.queues.get(queue_name)
        if seconds is None:
            seconds = int(queue.receive_message_wait_time_seconds or 0) if queue else 0
        looked_at_ms = self._clock.now_ms()
        reply = self._engine.handle("sqs", at_once)
        deadline_ms = looked_at_ms + int(seconds) * 1000
        while reply.status == 200 and not _HOLDS_MESSAGES.search(reply.body) and looked_at_ms < deadline_ms:
            at_ms = min(deadline_ms, self._next_visible_ms(queue_name, looked_at_ms) or deadline_ms)
            await self._until_changed(queue_name, at_ms, call.activity)
            looked_at_ms = self._clock.now_ms()
            reply = self._engine.handle("sqs", at_once)
        return reply

    async def _until_changed(self, queue_name: str, at_ms: int, activity: str) -> None:
        """Wait, out of flight, for a time or for a change of the queue."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not over.done():
                self._clock.begin(activity)
                over.set_result(None)

        timer = self._clock.call_at(at_ms, wake, name=f"long poll of {queue_name}")
        self._polls.setdefault(queue_name, []).append(wake)
        self._clock.end(activity)
        try:
            await over
        finally:
            timer.cancel()
            self._polls[queue_name].remove(wake)
            if over.cancelled():  # whoever asked is still in flight until its call is over
                self._clock.begin(activity)

    def _serve(self, queue_name: str) -> None:
        timer = self._timers.pop(queue_name, None)
        if timer is not None:
            timer.cancel()
        waiting = self._waiting[queue_name]
        looked_at_ms = self._clock.now_ms()
        while waiting:
            if not waiting[0].cancelled:
                messages = self._take(queue_name, waiting[0])
                if not messages:
                    break
                receive = waiting.pop(0)
                receive.answered = True
                receive.answer(messages)
            else:
                waiting.pop(0)
        at_ms = self._next_visible_ms(queue_name, looked_at_ms) if waiting else None
        if at_ms is not None:
            self._timers[queue_name] = self._clock.call_at(
                at_ms, lambda: self._serve(queue_name), name=f"visibility of {queue_name}"
            )

    def _next_visible_ms(self, queue_name: str, looked_at_ms: int) -> int | None:
        """When the next message that was hidden or delayed can be received.

        ``looked_at_ms`` is from before it was looked for: what becomes visible between the look and this is not missed.
        """
        instants = [
            max(message.visible_at or 0, message.delayed_until or 0)
            for message in self._backend.queues[queue_name]._messages
        ]
        hidden = [instant for instant in instants if instant >= looked_at_ms]
        return int(min(hidden)) + 1 if hidden else None

    def _take(self, queue_name: str, receive: Receive) -> tuple[QueueMessage, ...]:
        """Up to ``limit`` visible messages (more than the ten that one API call gives)."""
        queue = self._backend.get_queue(queue_name)
        hidden_seconds = receive.visibility_timeout_seconds
        received = self._backend.receive_message(queue_name, receive.limit, 0, hidden_seconds, ["All"])
        return tuple(self._message(queue, message) for message in received)

    def _message(self, queue: Any, message: Any) -> QueueMessage:
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": str(message.sender_id),
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        }
        if queue.fifo_queue:
            attributes |= {
                "SequenceNumber": str(message.sequence_number),
                "MessageGroupId": message.group_id,
                "MessageDeduplicationId": message.deduplication_id,
            }
        record = {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {
                name: _message_attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfMessageAttributes": message.attribute_md5 if message.message_attributes else None,
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.queue_arn,
            "awsRegion": self._region,
        }
        encoded = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        return QueueMessage(
            message_id=message.id,
            receipt_handle=message.receipt_handle,
            body=record,
            encoded=encoded,
            encoded_bytes=len(encoded.encode()),
            # That of a message in a standard queue makes for fairness and holds nothing back.
            message_group_id=message.group_id if queue.fifo_queue else None,
            receive_count=message.approximate_receive_count,
        )


_HOLDS_MESSAGES = re.compile(rb'"Messages"|<Message>')


def _without_wait(call: Call) -> tuple[dict[str, Any], Request]:
    """The parameters of a ReceiveMessage, in JSON or in the form that SDKs sent until 2023, and one that waits not."""
    parameters = call.parameters()
    if parameters:
        body = json.dumps(parameters | {"WaitTimeSeconds": 0})
    else:
        parameters = dict(parse_qsl(call.request.body.decode(), keep_blank_values=True))
        body = urlencode(parameters | {"WaitTimeSeconds": 0})
    headers = dict(call.request.headers) | {"content-length": str(len(body.encode()))}
    return parameters, replace(call.request, headers=headers, body=body.encode())


def _message_attribute(value: Any) -> dict[str, Any]:
    """A message attribute as a function's event shows it."""
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if value["DataType"].startswith("Binary"):
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    else:
        shown["stringValue"] = value["StringValue"]
    return shown


def message_attributes(values: Mapping[str, str | int]) -> dict[str, dict[str, str]]:
    """Message attributes as SQS and SNS spell them."""
    kinds = {str: "String", int: "Number"}
    return {name: {"DataType": kinds[type(value)], "StringValue": str(value)} for name, value in values.items()}


def _hang_on_moto(queues: Queues) -> None:
    """Let moto's queues read our clock and tell us of messages that come, are received and are deleted."""
    from moto.sqs import models

    moto_messages.follow(queues._clock.now_ms)
    metrics = queues._metrics

    def add_and_tell(add_message: Callable[..., None]) -> Callable[..., None]:
        def add(self: Any, message: Any) -> None:
            add_message(self, message)
            if message not in self._messages[-1:]:
                return  # a repetition, which a FIFO queue takes and drops
            queue_metrics.measure_sent(metrics, self.name, message, now_ms=queues._clock.now_ms())
            queues.on_sent(self.name, message)
            queues.changed(self.name)

        return add

    def receive_and_count(receive_message: Callable[..., Any]) -> Callable[..., Any]:
        def receive(self: Any, queue_name: str, *arguments: Any, **named: Any) -> Any:
            received = receive_message(self, queue_name, *arguments, **named)
            queue_metrics.measure_count(metrics, "NumberOfMessagesReceived", queue_name, len(received))
            return received

        return receive

    def delete_and_count(delete_message: Callable[..., None]) -> Callable[..., None]:
        def delete(self: Any, queue_name: str, receipt_handle: str) -> None:
            delete_message(self, queue_name, receipt_handle)
            queue_metrics.measure_count(metrics, "NumberOfMessagesDeleted", queue_name, 1)

        return delete

    hang(models.Queue, "add_message", add_and_tell)
    hang(models.SQSBackend, "receive_message", receive_and_count)
    hang(models.SQSBackend, "delete_message", delete_and_count)
    hang(models, "unix_time_millis", lambda _: lambda *_: float(queues._clock.now_ms()))
    hang(models, "unix_time", lambda _: lambda *_: queues._clock.now_ms() / 1000)
