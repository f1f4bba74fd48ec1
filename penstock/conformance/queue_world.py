"""The world of a queue case: a queue with leases, groups and redrive, and the mapping that reads it.

Rules: a message is visible from its ``at_ms``; a receive takes what is visible in sending order, no message of a group
that has another in flight; when a lease ends the message is visible again, or dead-lettered after its last receive.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from penstock.conformance.function import FunctionRules
from penstock.conformance.runs import Handed
from penstock.conformance.timeline import EPOCH_MS, SOURCE
from penstock.conformance.world import FUNCTION_ARN, Switch, World
from penstock.mapping.configuration import QueueConfiguration
from penstock.mapping.effects import (
    CancelReceive,
    ChangeVisibility,
    DeleteMessages,
    InvokeFunction,
    QueueEffect,
    ReceiveMessages,
)
from penstock.mapping.event import encode_json
from penstock.mapping.inputs import (
    MappingEnabled,
    MessagesReceived,
    QueueInput,
    QueueMessage,
    ReceiveFailed,
)
from penstock.mapping.queue import QueueMapping

QUEUE_ARN = "arn:aws:sqs:us-east-1:111111111111:conform"


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """A message of the case and where it is; ``leased_until_ms`` is ``None`` while it is not in flight."""

    ref: str
    number: int
    at_ms: int
    body: str
    group: str | None
    receive_count: int = 0
    first_received_at_ms: int | None = None
    leased_until_ms: int | None = None
    deleted: bool = False
    dead_lettered: bool = False

    @property
    def message_id(self) -> str:
        """The id that the queue gave it."""
        return f"00000000-0000-4000-8000-{self.number:012d}"

    @property
    def receipt_handle(self) -> str:
        """The handle of the last receive."""
        return f"{self.message_id}#{self.receive_count}"

    def visible(self, now_ms: int) -> bool:
        """Tell whether a receive could take it, but for its group."""
        return self.at_ms <= now_ms and self.leased_until_ms is None and not (self.deleted or self.dead_lettered)

    def record(self) -> QueueMessage:
        """Give the message as the mapping receives it."""
        attributes = {
            "ApproximateReceiveCount": str(self.receive_count),
            "SentTimestamp": str(EPOCH_MS + self.at_ms),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(EPOCH_MS + (self.first_received_at_ms or 0)),
        }
        if self.group is not None:
            attributes["SequenceNumber"] = str(18_849_496_460_467_696_128 + self.number)
            attributes["MessageGroupId"] = self.group
            attributes["MessageDeduplicationId"] = self.message_id
        body = {
            "messageId": self.message_id,
            "receiptHandle": self.receipt_handle,
            "body": self.body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfMessageAttributes": None,
            "md5OfBody": hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": QUEUE_ARN,
            "awsRegion": "us-east-1",
        }
        encoded = encode_json(body)
        return QueueMessage(
            message_id=self.message_id,
            receipt_handle=self.receipt_handle,
            body=body,
            encoded=encoded,
            encoded_bytes=len(encoded.encode()),
            message_group_id=self.group,
            receive_count=self.receive_count,
        )


class QueueWorld(World[QueueInput, QueueEffect]):
    """Runs one case; afterwards ``runs``, ``messages`` and ``metrics`` tell what happened."""

    mapping: QueueMapping

    def __init__(
        self,
        *,
        configuration: QueueConfiguration,
        messages: Sequence[SentMessage],
        maximum_receive_count: int | None,
        switches: Sequence[Switch],
        rules: FunctionRules,
    ) -> None:
        super().__init__(rules)
        self.messages = messages
        self._by_id = {message.message_id: message for message in messages}
        numbers = itertools.count(1)
        self.mapping = QueueMapping(
            configuration,
            uuid="00000000-0000-4000-8000-000000000000",
            function_arn=FUNCTION_ARN,
            event_source_arn=QUEUE_ARN,
            ids=lambda: f"00000000-0000-4000-9000-{next(numbers):012d}",
        )
        self._maximum_receive_count = maximum_receive_count
        self._held: ReceiveMessages | None = None
        if configuration.enabled:
            self._inbox.append(MappingEnabled())
        for switch in switches:
            if switch.at_ms > 0:
                self.timeline.plan(switch.at_ms, SOURCE, partial(self._switch, switch))
            else:
                self._switch(switch)
        for at_ms in sorted({message.at_ms for message in messages if message.at_ms > 0}):
            self.timeline.plan(at_ms, SOURCE, lambda: None)

    def _perform(self, effect: QueueEffect) -> None:
        match effect:
            case ReceiveMessages():
                self._held = effect
            case CancelReceive():
                self._held = None
            case DeleteMessages():
                self._delete(effect.messages)
            case ChangeVisibility():
                self._change_visibility(effect)
            case _:
                self._perform_shared(effect)

    def _handed(self, effect: InvokeFunction) -> Handed:
        sent = [self._by_id[record.body["messageId"]] for record in effect.records]
        return Handed(
            refs=[message.ref for message in sent],
            groups=[message.group or message.ref for message in sent],
            identifiers=[message.message_id for message in sent],
            receive_counts=[int(record.body["attributes"]["ApproximateReceiveCount"]) for record in effect.records],
        )

    def _answer_source(self) -> None:
        held = self._held
        if held is None:
            return
        if not self._readable:
            self._held = None
            self._inbox.append(ReceiveFailed(receive_id=held.receive_id, reason="the queue cannot be read"))
            return
        now_ms = self.timeline.now_ms
        busy = {message.group for message in self.messages if message.leased_until_ms is not None}
        visible = [message for message in self.messages if message.visible(now_ms)]
        taken = [message for message in visible if message.group is None or message.group not in busy][: held.limit]
        if not taken:
            return
        self._held = None
        for message in taken:
            message.receive_count += 1
            message.first_received_at_ms = message.first_received_at_ms or now_ms
            self._lease(message, now_ms + held.visibility_timeout_seconds * 1_000)
        received = tuple(message.record() for message in taken)
        self._inbox.append(MessagesReceived(receive_id=held.receive_id, messages=received))

    def _lease(self, message: SentMessage, until_ms: int) -> None:
        message.leased_until_ms = until_ms
        self.timeline.plan(until_ms, SOURCE, partial(self._lease_ended, message, message.receipt_handle))

    def _lease_ended(self, message: SentMessage, receipt_handle: str) -> None:
        if message.deleted or message.receipt_handle != receipt_handle:
            return
        if message.leased_until_ms is None or message.leased_until_ms > self.timeline.now_ms:
            return
        message.leased_until_ms = None
        limit = self._maximum_receive_count
        message.dead_lettered = limit is not None and message.receive_count >= limit

    def _delete(self, messages: Iterable[QueueMessage]) -> None:
        for received in messages:
            message = self._by_id[received.message_id]
            if message.receipt_handle == received.receipt_handle and not message.dead_lettered:
                message.deleted = True
                message.leased_until_ms = None

    def _change_visibility(self, effect: ChangeVisibility) -> None:
        for received in effect.messages:
            message = self._by_id[received.message_id]
            if message.receipt_handle == received.receipt_handle and message.leased_until_ms is not None:
                self._lease(message, self.timeline.now_ms + effect.visibility_timeout_seconds * 1_000)
