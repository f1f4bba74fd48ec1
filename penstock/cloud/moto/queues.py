"""Where moto's queues say or do other than SQS: mended here, once per process.

- A message is counted in bytes, its attributes included (*Amazon SQS message quotas*), and is not empty. Those of a
  batch that are too long for the queue fail one by one.
- A FIFO queue numbers its messages in rising order. What comes again within five minutes, in the queue or in its
  message group as ``DeduplicationScope`` says, is not delivered, though the first be deleted by then; it is answered
  with the id and the number of the first (*Exactly-once processing in Amazon SQS*).
- What the queue has held for its retention period is gone; moto keeps it, and gives nothing that came after it.
- A message may be hidden for twelve hours from when it was received, however long ago it was sent (*Amazon SQS
  visibility timeout*).
- A queue's region is that of its host, also where a call is not signed (moto then took us-east-1).

Pinned to one version of moto, as all repairs are; each has a contract test in ``tests/cloud/moto/test_queues.py``.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

DEDUPLICATION_MS = 300_000
"""The deduplication interval of FIFO queues."""

LONGEST_HIDDEN_MS = 43_200_000
"""How long a message may be hidden after it was received."""

_numbers = itertools.count(1)


@functools.cache
def install() -> None:
    """Put SQS's ways in place of moto's."""
    from moto.core.responses import BaseResponse
    from moto.sqs import models
    from moto.sqs.responses import SQSResponse

    SQSResponse.region_regex = BaseResponse.region_regex
    models.SQSBackend.send_message = _sized(models.SQSBackend.send_message)
    models.SQSBackend.send_message_batch = _sized_together(models.SQSBackend.send_message_batch)
    models.SQSBackend.change_message_visibility = _change_message_visibility
    models.SQSBackend.is_message_valid_based_on_retention_period = lambda *_: True  # what is not is no longer there
    models.Queue.add_message = _add_message
    for operation in ("receive_message", "get_queue_attributes"):
        setattr(models.SQSBackend, operation, _of_what_is_held(getattr(models.SQSBackend, operation)))
    models.Message.mark_received = _dated(models.Message.mark_received)


# --- sizes ---------------------------------------------------------------------------------------


def message_bytes(body: str, attributes: Mapping[str, Mapping[str, Any]] | None) -> int:
    """The size of a message as SQS counts it: body, and each attribute's name, type and value."""
    size = len(body.encode())
    for name, attribute in (attributes or {}).items():
        value = attribute.get("StringValue") or attribute.get("BinaryValue") or b""
        size += len(name.encode()) + len(str(attribute.get("DataType", "")).encode())
        size += len(value.encode() if isinstance(value, str) else value)
    return size


def _sized(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_message(self: Any, queue_name: str, message_body: str, *args: Any, **named: Any) -> Any:
        from moto.sqs.exceptions import InvalidParameterValue, MissingParameter

        queue = self.get_queue(queue_name)
        attributes = args[0] if args else named.get("message_attributes")
        if not message_body:
            raise MissingParameter("MessageBody")
        if message_bytes(message_body, attributes) > queue.maximum_message_size:
            raise InvalidParameterValue(_too_long(queue))
        return send(self, queue_name, message_body, *args, **named)

    return send_message


def _sized_together(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_message_batch(self: Any, queue_name: str, entries: Mapping[str, Mapping[str, Any]]) -> Any:
        from moto.sqs.constants import MAXIMUM_MESSAGE_LENGTH
        from moto.sqs.exceptions import BatchRequestTooLong

        queue = self.get_queue(queue_name)
        sizes = {n: message_bytes(each["MessageBody"], each.get("MessageAttributes")) for n, each in entries.items()}
        if sum(sizes.values()) > MAXIMUM_MESSAGE_LENGTH:
            raise BatchRequestTooLong(sum(sizes.values()))
        fitting = {n: each for n, each in entries.items() if sizes[n] <= queue.maximum_message_size}
        sent, failed = send(self, queue_name, fitting)
        failure = {"SenderFault": True, "Code": "InvalidParameterValue", "Message": _too_long(queue)}
        return sent, [*failed, *({"Id": each["Id"], **failure} for n, each in entries.items() if n not in fitting)]

    return send_message_batch


def _too_long(queue: Any) -> str:
    limit = f"Message must be shorter than {queue.maximum_message_size} bytes."
    return f"One or more parameters are invalid. Reason: {limit}"


# --- what a queue takes and holds ----------------------------------------------------------------


def _add_message(self: Any, message: Any) -> None:
    """moto's ``Queue.add_message``: a repetition is not added; what is moved here from another queue is none."""
    if self.fifo_queue and not message.approximate_receive_count:
        first = _first_sent(self, message)
        if first is not message:
            message.id, message.sequence_number = first.id, first.sequence_number
            return
        message.sequence_number = f"{10**19 + next(_numbers)}"
    self._messages.append(message)


def _first_sent(queue: Any, message: Any) -> Any:
    """The message that came with the same deduplication id within the last five minutes, or this one."""
    lately: dict[tuple[str, str], Any] = vars(queue).setdefault("sent_lately", {})
    while lately:
        oldest = next(iter(lately))
        if message.sent_timestamp - lately[oldest].sent_timestamp < DEDUPLICATION_MS:
            break
        del lately[oldest]
    scope = message.group_id if queue.deduplication_scope == "messageGroup" else ""
    return lately.setdefault((scope, message.deduplication_id), message)


def held(queue: Any) -> list[Any]:
    """The messages that a queue still holds, visible or not, in the order in which they came; others it forgets."""
    from moto.sqs import models

    kept_ms = int(queue.message_retention_period) * 1000
    now_ms = models.unix_time_millis()
    if any(now_ms - message.sent_timestamp >= kept_ms for message in queue._messages):
        queue._messages = [each for each in queue._messages if now_ms - each.sent_timestamp < kept_ms]
        queue._pending_messages.intersection_update(queue._messages)
    messages: list[Any] = queue._messages
    return messages


def _of_what_is_held(act: Callable[..., Any]) -> Callable[..., Any]:
    def look(self: Any, queue_name: str, *args: Any, **named: Any) -> Any:
        held(self.get_queue(queue_name))
        return act(self, queue_name, *args, **named)

    return look


# --- how long a message is hidden ----------------------------------------------------------------


def _dated(mark_received: Callable[..., None]) -> Callable[..., None]:
    def mark(self: Any, *args: Any, **named: Any) -> None:
        from moto.sqs import models

        self.received_at_ms = models.unix_time_millis()
        mark_received(self, *args, **named)

    return mark


def _change_message_visibility(self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
    from moto.sqs import models
    from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid

    messages = held(self.get_queue(queue_name))
    message = next((each for each in messages if each.had_receipt_handle(receipt_handle)), None)
    if message is None:
        raise ReceiptHandleIsInvalid
    if models.unix_time_millis() + int(visibility_timeout) * 1000 - message.received_at_ms > LONGEST_HIDDEN_MS:
        raise InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        )
    message.change_visibility(visibility_timeout)
