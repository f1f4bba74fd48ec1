"""AWS as far as the functions speak to it: the embedded cloud's engine, a bus that keeps all it is told, payments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.clients import client_of
from orders.money import number_text
from orders.payment import PaymentRequest
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.faults.entries import BATCHES
from penstock.cloud.faults.refusals import SERVICES
from tests.crash import line
from tests.crash.invocation import Invocation
from tests.lambda_src.conftest import KEYS

REGION = "eu-west-1"
SERVICE_OF = {"eventbridge": "events"}


class Cloud:
    """The services behind one line; a `reset` makes them new. `published` has the entries of each call of PutEvents."""

    def __init__(self) -> None:
        self.engine = Engine(account_id="123456789012", region=REGION)
        self.published: list[list[dict[str, Any]]] = []
        self.payments: dict[str, set[str]] = {}
        self.line = line.Line(None)
        self._clients: dict[str, Any] = {}

    def reset(self, passing: line.Line) -> None:
        """Begin anew, with empty tables and without messages, behind this line."""
        self.line = passing
        self.published.clear()
        self.payments.clear()
        if set(self.engine.backend("dynamodb").tables) != set(KEYS):  # moto's services are those of the process
            self.engine.reset()
            self._define()
        # Past moto's API, as making the tables anew would take longer than most runs.
        for table in self.engine.backend("dynamodb").tables.values():
            table.items.clear()
        for topic in self.engine.backend("sns").topics.values():
            topic.sent_notifications.clear()

    def _define(self) -> None:
        for table, keys in KEYS.items():
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
        self.engine.call("sns", "CreateTopic", {"Name": "Notifications"})

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        """Put an item, past the line."""
        self.engine.call("dynamodb", "PutItem", {"TableName": table, "Item": item})

    def move_on(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Bring an order from one state to the next, past the line, as another writer would: if it is in the first."""
        if before in self.items("Orders"):
            self.put("Orders", after)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Give every item of a table, past the line."""
        items: list[dict[str, Any]] = self.engine.call("dynamodb", "Scan", {"TableName": table})["Items"]
        return items

    def messages(self) -> list[tuple[str, str, str]]:
        """Give every message that the topic has sent: subject, text, status."""
        [topic] = self.engine.backend("sns").topics.values()
        return [
            (subject, text, attributes["status"]["Value"])
            for _, text, subject, attributes, _ in topic.sent_notifications
        ]

    def client(self, service: str, **_: Any) -> Any:
        """Give a client whose requests cross the line: one a service for all environments, as it keeps nothing."""
        if service not in self._clients:
            self._clients[service] = client_of(service, region=REGION, answer=self._send)
        return self._clients[service]

    def payment_port(self) -> PaymentPort:
        """Give the port of a payment provider behind the line."""
        return PaymentPort(self)

    def _send(self, spoken_to: str, operation: str, sent: Request) -> Reply:
        """Let a request cross the line."""
        service = SERVICE_OF.get(spoken_to, spoken_to)

        def perform() -> Reply:
            return self._answer(service, operation, sent)

        return self.line.cross(
            Invocation.here(),
            line.Request(
                name=f"{service}.{operation}",
                id=sent.headers["amz-sdk-invocation-id"],
                perform=perform,
                refuse=lambda: SERVICES[service].reply(SERVICES[service].throttling),
                refuse_entry=self._entry_refused(service, operation, sent) if operation in BATCHES else None,
            ),
        )

    def _entry_refused(self, service: str, operation: str, sent: Request) -> Callable[[], Reply]:
        """Answer a batch call without its first entry, which is throttled."""

        def answer() -> Reply:
            batch, parameters = BATCHES[operation], json.loads(sent.body)
            rest = batch.without(parameters, [0])
            answered: dict[str, Any] = {}
            if rest is not None:
                body = json.dumps(rest).encode()
                others = Request(method="POST", path="/", query="", headers=sent.headers, body=body)
                answered = json.loads(self._answer(service, operation, others).body)
            whole = batch.answered(parameters, [0], answered, SERVICES[service].throttling)
            return Reply(status=200, body=json.dumps(whole).encode())

        return answer

    def _answer(self, service: str, operation: str, sent: Request) -> Reply:
        if operation != "PutEvents":
            return self.engine.handle(service, sent)
        entries = json.loads(sent.body)["Entries"]
        self.published.append(entries)
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": str(number)} for number, _ in enumerate(entries)]}
        return Reply(status=200, body=json.dumps(answer).encode())


class PaymentPort:
    """A provider outside AWS that knows a payment by the id of its order: asked again, it gives the same one."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def authorize(self, request: PaymentRequest) -> str:
        """Authorize, across the line."""
        invocation = Invocation.here()

        def perform() -> str:
            self._cloud.payments.setdefault(request.order_id, set()).add(number_text(request.amount))
            return f"pay_{request.order_id}"

        def refuse() -> str:
            raise ConnectionRefusedError("the provider is busy")

        sent = line.Request(
            name="payments.Authorize",
            id=f"payment {request.order_id} {invocation.number}",
            perform=perform,
            refuse=refuse,
        )
        return self._cloud.line.cross(invocation, sent)
