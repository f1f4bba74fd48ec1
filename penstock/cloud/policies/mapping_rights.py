"""What an event source mapping may do: Lambda reads its source and writes its destination as the function's role.

Source: Lambda developer guide, "Lambda execution role" (event source mappings) and "Retain discarded batches" (what
each destination asks for). `ListStreams` is asked for on the stream that is read: Lambda's own refusal names the four
actions "on your stream", and SAM's `DynamoDBStreamReadPolicy` grants no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from penstock.cloud.engine import EngineError
from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.guard import HAND_OVER, Guard
from penstock.mapping.effects import DeliverToDestination
from penstock.template.models import Function

_READ: Final = {
    "dynamodb": (
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:DescribeStream",
        "dynamodb:ListStreams",
    ),
    "sqs": ("sqs:ReceiveMessage", "sqs:GetQueueAttributes"),
}


class MappingRights:
    """The rights of one mapping; each answer is why not, in AWS's words, or ``None``."""

    def __init__(self, guard: Guard, function: Function, source_arn: str) -> None:
        self._guard = guard
        self._function = function
        self._read = [Ask(action=action, resource=source_arn) for action in _READ[source_arn.split(":")[2]]]
        self._delete = [Ask(action="sqs:DeleteMessage", resource=source_arn)]

    def read_denial(self) -> str | None:
        """Why the source cannot be read."""
        return self._guard.function_denial(self._function, self._read)

    def delete_denial(self) -> str | None:
        """Why messages cannot be deleted from the queue."""
        return self._guard.function_denial(self._function, self._delete)

    def require_delivery(self, record: DeliverToDestination) -> None:
        """Raise `EngineError` unless an on-failure record can be written to its destination."""
        asks = delivery_asks(record.destination_arn, record.object_key)
        denial = self._guard.function_denial(self._function, asks)
        if denial is not None:
            raise EngineError("AccessDeniedException", denial)


def delivery_asks(destination_arn: str, object_key: str | None) -> Sequence[Ask]:
    """What a function's role must be allowed for a record to reach a queue, topic, function or (under a key) bucket."""
    if object_key is not None:
        put = Ask(action="s3:PutObject", resource=f"{destination_arn}/{object_key}")
        return [put, Ask(action="s3:ListBucket", resource=destination_arn)]
    return [Ask(action=HAND_OVER[destination_arn.split(":")[2]], resource=destination_arn)]
