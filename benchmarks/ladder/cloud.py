"""The embedded cloud's engine behind botocore's clients, in this process: calls are counted, weighed and kept waiting.

What the engine takes to answer a request, in time and on the processor, is told apart from what the function took.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.clients import client_of
from penstock.cloud.callers import Callers
from penstock.cloud.capacity import Charge
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.front_door import Call
from penstock.cloud.metered_tables import MeteredTables

ACCOUNT_ID, REGION = "123456789012", "us-east-1"
TABLES: Mapping[str, tuple[str, ...]] = {
    "Orders": ("order_id",),
    "CustomerOrders": ("customer_id", "order_id"),
    "Statistics": ("day", "window"),
    "Idempotency": ("id",),
    "Counters": ("id",),
}
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:Notifications"


@dataclass(slots=True, kw_only=True)
class Spent:
    """What calls came to: operation → count, ``write`` and ``read`` → units, and time that was not the function's."""

    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    engine_seconds: float = 0.0
    engine_processor_seconds: float = 0.0


class Cloud:
    """The services; ``latency_ms`` is slept in every call, ``spent`` counts since it was last replaced."""

    def __init__(self) -> None:
        self.engine = Engine(account_id=ACCOUNT_ID, region=REGION)
        self.latency_ms = 0.0
        self.spent = Spent()
        self._tables = MeteredTables(self.engine, on_consumed=self._consumed)
        self._caller = Callers(account_id=ACCOUNT_ID, seed="ladder").operator
        self.reset()

    def reset(self) -> None:
        """Begin anew, with empty tables and without messages."""
        self.engine.reset()
        for table, keys in TABLES.items():
            self.engine.call(
                "dynamodb",
                "CreateTable",
                {
                    "TableName": table,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
                    "KeySchema": [
                        {"AttributeName": key, "KeyType": kind}
                        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                    ],
                },
            )
        self.engine.call("sns", "CreateTopic", {"Name": TOPIC_ARN.rpartition(":")[2]})

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        """Put an item that nobody counts."""
        self.engine.call("dynamodb", "PutItem", {"TableName": table, "Item": item})

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, in DynamoDB JSON; nobody counts that either."""
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self.engine.call("dynamodb", "Scan", {"TableName": table, **start})
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def published(self) -> int:
        """How many messages the topic has sent."""
        [topic] = self.engine.backend("sns").topics.values()
        return len(topic.sent_notifications)

    def client(self, service: str, **_: Any) -> Any:
        """What ``boto3.client`` gives, connected as the functions do it, with its requests led in here."""
        return client_of(service, region=REGION, answer=self._send)

    def _send(self, service: str, operation: str, sent: Request) -> Reply:
        began, processor_began = time.perf_counter(), time.thread_time()
        self.spent.calls[operation] += 1
        reply = self._answer(service, operation, sent)
        self.spent.engine_processor_seconds += time.thread_time() - processor_began
        self.spent.engine_seconds += time.perf_counter() - began
        if self.latency_ms:
            time.sleep(self.latency_ms / 1_000)
        return reply

    def _answer(self, service: str, operation: str, sent: Request) -> Reply:
        if operation == "PutEvents":
            entries = [{"EventId": str(number)} for number, _ in enumerate(json.loads(sent.body)["Entries"])]
            return Reply(status=200, body=json.dumps({"FailedEntryCount": 0, "Entries": entries}).encode())
        if service != "dynamodb":
            return self.engine.handle(service, sent)
        answering = self._tables.answer(
            Call(caller=self._caller, service=service, operation=operation, region=REGION, request=sent)
        )
        try:
            answering.send(None)
        except StopIteration as answered:
            reply: Reply = answered.value
            return reply
        raise AssertionError("the meter of the tables waits for nothing")

    def _consumed(self, _: Call, charges: Sequence[Charge]) -> None:
        for charge in charges:
            self.spent.units[charge.kind] += charge.units  # type: ignore[assignment]
