import io
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

Notify = Callable[..., list[str]]


def detail(order_id: str = "536365", event_id: str = "e1", **more: Any) -> dict[str, Any]:
    """The detail of an OrderAccepted event."""
    return {
        "eventId": event_id,
        "orderId": order_id,
        "version": 2,
        "status": "ACCEPTED",
        "kind": "order",
        "customerId": "17850",
        "customerKind": "registered",
        "country": "United Kingdom",
        "placedAt": "2010-12-01T08:26:00",
        "total": "139.12",
        "itemCount": 40,
        "distinctProducts": 7,
    } | more


@pytest.fixture
def told(aws: None) -> Callable[[], list[dict[str, Any]]]:
    """Define the topic with a queue subscribed to it, and read what arrived there."""
    topics, queues = boto3.client("sns"), boto3.client("sqs")
    topic = topics.create_topic(Name="Notifications")["TopicArn"]
    url = queues.create_queue(QueueName="Told")["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def read() -> list[dict[str, Any]]:
        messages = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    return read


@pytest.fixture
def function(tables: Any, fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment, over an empty idempotency table."""
    return fresh("notify")


@pytest.fixture
def notify(function: ModuleType, context: Any, queue_event: Callable[..., Any]) -> Notify:
    """Hand details or bodies to the function and give the messages it reports."""

    def hand_over(*details: dict[str, Any] | str) -> list[str]:
        answer = function.lambda_handler(queue_event(*details), context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return hand_over


def test_acceptance_is_told(notify: Notify, told: Callable[[], list[dict[str, Any]]]) -> None:
    """One notification with a subject for people, a message for programs and the status to filter by."""
    assert notify(detail()) == []

    [notification] = told()
    assert notification["Subject"] == "Order 536365 accepted"
    assert json.loads(notification["Message"])["total"] == "139.12"
    assert notification["MessageAttributes"]["status"]["Value"] == "ACCEPTED"


def test_same_batch_twice_tells_once(notify: Notify, told: Callable[[], list[dict[str, Any]]]) -> None:
    """The event's id is the key, within a batch and across batches."""
    assert notify(detail(), detail()) == notify(detail()) == []

    assert len(told()) == 1


def test_other_environment_tells_nothing_again(
    notify: Notify,
    told: Callable[[], list[dict[str, Any]]],
    fresh: Callable[[str], ModuleType],
    context: Any,
    queue_event: Callable[..., Any],
) -> None:
    """What was told is remembered in the table, not in the execution environment."""
    notify(detail())
    fresh("notify").lambda_handler(queue_event(detail()), context)

    assert len(told()) == 1


def test_each_event_of_an_order_is_told(notify: Notify, told: Callable[[], list[dict[str, Any]]]) -> None:
    """Two events are two notifications, even of one order."""
    notify(detail(), detail(event_id="e2"))

    assert len(told()) == 2


@pytest.mark.parametrize("body", ["{", '{"detail": {}}', "[]", json.dumps({"detail": detail(version="two")})])
def test_poison_message_fails_alone(notify: Notify, told: Callable[[], list[dict[str, Any]]], body: str) -> None:
    """A message that cannot be read goes back to its queue, its neighbours are told."""
    assert notify(body, detail()) == ["m1"]
    assert len(told()) == 1


def test_failed_publish_is_tried_again(
    notify: Notify, told: Callable[[], list[dict[str, Any]]], function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the topic returns the message and forgets the key, so that the retry is not taken for a repeat."""
    with monkeypatch.context() as broken:
        broken.setattr(function.topic.client, "publish", _raise)
        assert notify(detail()) == ["m1"]

    assert notify(detail()) == []
    assert len(told()) == 1


def _raise(**_: Any) -> Any:
    raise ConnectionError


def test_event_in_progress_elsewhere_waits(
    notify: Notify,
    told: Callable[[], list[dict[str, Any]]],
    tables: Any,
    function: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a crash the message goes back until the lock has run out, with the crashed invocation's time."""
    with monkeypatch.context() as crashed:
        crashed.setattr(function.topic.client, "publish", _crash)
        with pytest.raises(KeyboardInterrupt):
            notify(detail())
    assert notify(detail()) == ["m1"]

    [lock] = tables.items("Idempotency")
    tables.client.update_item(
        TableName="Idempotency",
        Key={"id": {"S": lock["id"]}},
        UpdateExpression="SET in_progress_expiration = :past",
        ExpressionAttributeValues={":past": {"N": str(lock["in_progress_expiration"] - 60_000)}},
    )
    assert notify(detail()) == []
    assert len(told()) == 1


def _crash(**_: Any) -> Any:
    raise KeyboardInterrupt


def test_log_holds_no_personal_data(
    function: ModuleType, notify: Notify, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """Neither a told message nor a poison one leaves the customer in the log."""
    log = io.StringIO()
    function.logger.logger_handler.setStream(log)

    notify(detail(), detail(version="two"))
    logged = log.getvalue()

    assert "order told" in logged
    assert "message failed" in logged
    assert "17850" not in logged
