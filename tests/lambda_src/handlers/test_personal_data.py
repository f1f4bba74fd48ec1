"""No line that a function logs names a customer: not when all is well, and not when it is not."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

from effects.order_item import placed_item
from tests.lambda_src.effects.statement_table import StatementTable

# What says who ordered, from where and what.
PERSONAL = ("c-5381", "Ruritania", "A GIFT FOR EDITH", "edith@example.com", "203.0.113.7")
CUSTOMER, COUNTRY, DESCRIPTION, MAIL, ADDRESS = PERSONAL

DETAIL = {
    "eventId": "e1",
    "orderId": "536365",
    "version": 2,
    "status": "ACCEPTED",
    "kind": "order",
    "customerId": CUSTOMER,
    "customerKind": "registered",
    "country": COUNTRY,
    "placedAt": "2010-12-01T08:26:00",
    "total": "139.12",
    "itemCount": 40,
    "distinctProducts": 7,
}
# Messages that cannot be read, each in another way.
UNREADABLE = [
    DETAIL | {"version": "two"},
    DETAIL | {"country": [COUNTRY]},
    DETAIL | {"customerId": {"id": CUSTOMER}},
    DETAIL | {"total": "a lot"},
    {"customerId": CUSTOMER},
    f'{{"detail": {{"customerId": "{CUSTOMER}",',
]
LINE = {
    "stockCode": "22728",
    "description": DESCRIPTION,
    "quantity": 2,
    "unitPrice": "3.75",
    "invoicedAt": "2010-12-01T08:45:00",
}
DOCUMENT = {"orderId": "536365", "customerId": CUSTOMER, "country": COUNTRY, "lines": [LINE]}

Logged = Callable[[], list[str]]


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Logged:
    """The lines written so far, of which there is at least one and none with personal data."""

    def lines() -> list[str]:
        written = capsys.readouterr()
        text = written.out + written.err
        found = [line for line in text.splitlines() if any(personal in line for personal in PERSONAL)]
        assert found == []
        return text.splitlines()

    return lines


@pytest.fixture
def handler(logged: Logged, tables: Any, fresh: Callable[[str], ModuleType]) -> Callable[[str], ModuleType]:
    """Import a handler when its output is already listened to."""
    return fresh


@pytest.fixture
def item(order: Callable[..., Any], line: Callable[..., Any]) -> dict[str, Any]:
    """The order of the customer as it lies in the table and travels in the stream."""
    item = placed_item(order(line(description=DESCRIPTION), customer_id=CUSTOMER))
    return item | {"country": {"S": COUNTRY}}


def request(method: str, route: str, *, body: str | None = None, **parameters: str) -> dict[str, Any]:
    """A request of the customer, with a token that names it."""
    return {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": route,
        "rawQueryString": "",
        "headers": {"user-agent": MAIL, "x-forwarded-for": ADDRESS},
        "pathParameters": parameters,
        "requestContext": {
            "stage": "$default",
            "http": {"method": method, "path": route, "sourceIp": ADDRESS},
            "authorizer": {"jwt": {"claims": {"customer_id": CUSTOMER, "email": MAIL}, "scopes": None}},
        },
        "isBase64Encoded": False,
        **({} if body is None else {"body": body}),
    }


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (request("POST", "/orders", body=json.dumps(DOCUMENT)), 202),
        (request("POST", "/orders", body=json.dumps(DOCUMENT | {"customerId": MAIL})), 400),
        (request("POST", "/orders", body=f'{{"customerId": "{CUSTOMER}"'), 400),
        (request("POST", "/orders", body=json.dumps(DOCUMENT | {"lines": [DESCRIPTION]})), 400),
        (request("GET", "/customers/{customerId}/orders", customerId=CUSTOMER), 200),
        (request("GET", "/customers/{customerId}/orders", customerId=MAIL), 403),
    ],
)
def test_api_logs_nobody(
    handler: Callable[[str], ModuleType], context: Any, logged: Logged, event: dict[str, Any], status: int
) -> None:
    """A request is logged by its route, whatever it brings and however it is answered."""
    assert handler("api").lambda_handler(event, context)["statusCode"] == status
    assert any("request answered" in line for line in logged())


def test_enrich_logs_nobody(
    handler: Callable[[str], ModuleType],
    context: Any,
    logged: Logged,
    item: dict[str, Any],
    queue_event: Callable[..., Any],
) -> None:
    """An order is logged by its id, also one that cannot be judged."""
    client = boto3.client("dynamodb")
    client.put_item(TableName="Orders", Item=item)
    client.put_item(TableName="Orders", Item=item | {"order_id": {"S": "broken"}, "version": {"N": "1.5"}})
    event = queue_event({"orderId": "536365"}, {"orderId": "broken"}, *UNREADABLE)
    answer = handler("enrich").lambda_handler(event, context)

    assert "m1" not in json.dumps(answer)
    assert {"itemIdentifier": "m2"} in answer["batchItemFailures"]
    lines = logged()
    assert any("order judged" in line for line in lines)
    assert any("message failed" in line for line in lines)


def test_notify_logs_nobody(
    handler: Callable[[str], ModuleType], context: Any, logged: Logged, queue_event: Callable[..., Any]
) -> None:
    """What is told is logged by order and event."""
    boto3.client("sns").create_topic(Name="Notifications")
    answer = handler("notify").lambda_handler(queue_event(DETAIL, *UNREADABLE), context)

    assert len(answer["batchItemFailures"]) == len(UNREADABLE)
    lines = logged()
    assert any("order told" in line for line in lines)
    assert sum("message failed" in line for line in lines) == len(UNREADABLE)


def test_replicate_logs_nobody(
    handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    context: Any,
    logged: Logged,
    queue_event: Callable[..., Any],
) -> None:
    """A batch is logged by its numbers, a message that cannot be read by its id."""
    function = handler("replicate")
    table = StatementTable("customer_id", "order_id")
    monkeypatch.setattr(function.table.client, "batch_execute_statement", table.batch_execute_statement)
    answer = function.lambda_handler(queue_event(DETAIL, *UNREADABLE), context)

    assert len(answer["batchItemFailures"]) == len(UNREADABLE)
    lines = logged()
    assert any("batch replicated" in line for line in lines)
    assert sum("message cannot be read" in line for line in lines) == len(UNREADABLE)


@pytest.mark.parametrize("broken", [{}, {"version": {"N": "two"}}, {"kind": {"S": "gift"}}, {"country": {"N": "1"}}])
def test_readers_of_the_stream_log_nobody(
    handler: Callable[[str], ModuleType], context: Any, logged: Logged, item: dict[str, Any], broken: dict[str, Any]
) -> None:
    """A record is logged by its event id, in the relay as in the statistics."""
    boto3.client("events").create_event_bus(Name="Bus")
    accepted = {"status": {"S": "ACCEPTED"}, "version": {"N": "2"}, "total": {"N": "15.3"}, "item_count": {"N": "6"}}
    record = {
        "eventID": "e1",
        "eventName": "MODIFY",
        "dynamodb": {
            "Keys": {"order_id": {"S": "536365"}},
            "SequenceNumber": "1",
            "OldImage": item,
            "NewImage": item | accepted | broken,
        },
    }
    window = {"start": "2010-12-01T08:26:00Z", "end": "2010-12-01T08:27:00Z"}
    folded = {"window": window, "state": {}, "shardId": "shardId-1", "eventSourceARN": "arn"}
    last = {"isFinalInvokeForWindow": True, "isWindowTerminatedEarly": False}
    relayed = handler("relay").lambda_handler({"Records": [record]}, context)
    handler("summarize").lambda_handler({"Records": [record], **folded, **last}, context)

    assert bool(relayed["batchItemFailures"]) == bool(broken)
    lines = logged()
    assert any("batch relayed" in line for line in lines)
    assert any("window written" in line for line in lines)
    assert any("record failed" in line for line in lines) == bool(broken)
