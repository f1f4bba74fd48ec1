"""What the tests of the functions share: an environment, tables in moto, freshly imported handlers, made-up input."""

import importlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from orders.order import Line, Order

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_LAMBDA_FUNCTION_NAME": "test",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Penstock",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "ORDERS_TABLE": "Orders",
    "CUSTOMER_ORDERS_TABLE": "CustomerOrders",
    "STATISTICS_TABLE": "Statistics",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "EVENT_BUS_NAME": "Bus",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:Notifications",
}

KEYS = {
    "Orders": ("order_id",),
    "CustomerOrders": ("customer_id", "order_id"),
    "Statistics": ("day", "window"),
    "Idempotency": ("id",),
}


@dataclass
class LambdaContext:
    """What the runtime tells a function about its invocation."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:test:live"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    remaining_ms: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that is left."""
        return self.remaining_ms


class Tables:
    """The application's tables in moto, read and written in plain Python values."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb")
        for table, keys in KEYS.items():
            self.client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
            )

    def items(self, table: str) -> list[dict[str, Any]]:
        """Give every item of a table, its numbers as Decimal."""
        return [
            {name: _plain(value) for name, value in item.items()}
            for item in self.client.scan(TableName=table, ConsistentRead=True)["Items"]
        ]


def _plain(attribute: dict[str, Any]) -> Any:
    [(kind, value)] = attribute.items()
    if kind == "N":
        return Decimal(value)
    if kind == "L":
        return [_plain(element) for element in value]
    if kind == "M":
        return {name: _plain(element) for name, element in value.items()}
    return value


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions' environment, with credentials that open nothing."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def context() -> LambdaContext:
    """The context of an invocation with half a minute left."""
    return LambdaContext()


@pytest.fixture
def aws(environment: None) -> Iterator[None]:
    """Plain moto in place of AWS."""
    with mock_aws():
        yield


@pytest.fixture
def tables(aws: None) -> Tables:
    """The application's tables, empty."""
    return Tables()


@pytest.fixture
def fresh(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a handler as a new execution environment does: wiring included, nothing remembered."""
    imported: list[str] = []

    def import_handler(name: str) -> ModuleType:
        module_name = f"handlers.{name}"
        # Loggers live as long as the process, each with the standard output of the test that first named it.
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"{name}-{uuid.uuid4()}")
        sys.modules.pop(module_name, None)
        imported.append(module_name)
        return importlib.import_module(module_name)

    yield import_handler
    for module_name in imported:
        sys.modules.pop(module_name, None)


@pytest.fixture
def line() -> Callable[..., Line]:
    """Make up a line; what a test does not care about is left out."""

    def make(quantity: int = 6, unit_price: str = "2.55", stock_code: str = "85123A", **more: Any) -> Line:
        values = {"description": "", "invoiced_at": "2010-12-01T08:26:00"} | more
        return Line(stock_code=stock_code, quantity=quantity, unit_price=Decimal(unit_price), **values)

    return make


@pytest.fixture
def order(line: Callable[..., Line]) -> Callable[..., Order]:
    """Make up an order of the given lines, of one line without any."""

    def make(*lines: Line, order_id: str = "536365", customer_id: str | None = "17850") -> Order:
        return Order(order_id=order_id, customer_id=customer_id, country="United Kingdom", lines=lines or (line(),))

    return make


@pytest.fixture
def queue_event() -> Callable[..., dict[str, Any]]:
    """Make up the event of a queue's mapping: each detail as the body of a message `m1`, `m2` and so on."""

    def make(*details: dict[str, Any] | str) -> dict[str, Any]:
        return {
            "Records": [
                {
                    "messageId": f"m{number}",
                    "eventSource": "aws:sqs",
                    "body": detail if isinstance(detail, str) else json.dumps({"detail": detail}),
                }
                for number, detail in enumerate(details, 1)
            ]
        }

    return make
