"""Where records of asynchronous invocations and dead letters go, with the rights of the function's role.

Source: *Capturing records of Lambda asynchronous invocations* (permissions, form by kind of destination), Lambda
developer guide. The source of the event on a bus is ``lambda``, as everybody sees it (the page also has
``aws.lambda``); its resources are the destination and the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import EngineError
from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.destination_rights import destination_asks
from penstock.cloud.policies.guard import Guard
from penstock.template.models import Function

Emit = Callable[[Mapping[str, Any], str], None]
"""Put an entry on its bus, in the form of PutEvents, in somebody's name."""


class FunctionDestinations:
    """The destinations and dead-letter queues of all functions; each method raises `EngineError` where AWS would."""

    def __init__(
        self,
        deliveries: Deliveries,
        guard: Guard,
        *,
        emit: Emit,
        object_key: Callable[[Function], str],
        refuses: Callable[[str, str], bool] = lambda *_: False,
    ) -> None:
        """``object_key`` makes the key of a record in a bucket.

        ``refuses`` says whether a record or dead letter (text) of a function (label) is refused on purpose.
        """
        self._deliveries = deliveries
        self._guard = guard
        self._emit = emit
        self._object_key = object_key
        self._refuses = refuses

    async def deliver(self, function: Function, destination_arn: str, record: str) -> None:
        """Hand an invocation record to a queue, a topic, a bucket, a function or a bus."""
        self._refuse_on_purpose(function, record)
        if destination_arn.split(":")[2] == "events":
            self._publish(function, destination_arn, record)
            return
        key = self._object_key(function) if destination_arn.split(":")[2] == "s3" else None
        self._require(function, destination_asks(destination_arn, object_key=key))
        self._deliveries.hand_over(destination_arn, record, object_key=key)

    async def bury(self, function: Function, event: str, attributes: Mapping[str, str | int]) -> None:
        """Hand an event, as it came, to the function's dead-letter queue or topic."""
        assert function.dead_letter_target_arn is not None
        self._refuse_on_purpose(function, event)
        self._require(function, destination_asks(function.dead_letter_target_arn))
        self._deliveries.hand_over(function.dead_letter_target_arn, event, attributes=attributes)

    def _publish(self, function: Function, bus_arn: str, record: str) -> None:
        context = json.loads(record)["requestContext"]
        result = "Success" if context["condition"] == "Success" else "Failure"
        entry = {
            "EventBusName": bus_arn,
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {result}",
            "Detail": record,
            "Resources": [bus_arn, context["functionArn"]],
        }
        self._require(function, destination_asks(bus_arn, entry=entry))
        self._emit(entry, function.label)

    def _refuse_on_purpose(self, function: Function, text: str) -> None:
        if self._refuses(function.label, text):
            raise EngineError("InternalError", "refused by the fault script")

    def _require(self, function: Function, asks: Sequence[Ask]) -> None:
        denial = self._guard.function_denial(function, asks)
        if denial is not None:
            raise EngineError("AccessDeniedException", denial)
