"""The observer against plain moto: what it reads out of tables, queues, topic and bucket."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

if TYPE_CHECKING:
    from penstock.application import Application
from penstock.cloud.bus import UndeliveredEvent
from penstock.cloud.faults import FaultScript, Strike
from penstock.cloud.faults.kinds import Throttle
from penstock.demo.observation import (
    Answer,
    CustomerOrder,
    DeadLetterQueue,
    Execution,
    Leftover,
    Notification,
    OrderEvent,
    StatisticsWindow,
    StoredOrder,
    Sums,
    Undelivered,
)
from penstock.demo.observer import Observer, order_ids
from penstock.errors import TemplateError

REGION = "eu-west-1"
ARN = f"arn:aws:states:{REGION}:123456789012:execution:Fulfilment:e1"


@dataclass(kw_only=True)
class Published:
    """A PutEvents entry, as the application's log gives it."""

    detail: Mapping[str, Any]
    source: str = "penstock.orders"


class States:
    """Step Functions with one execution that claimed and shipped its order."""

    def get_paginator(self, operation: str) -> "States":
        """Page for any operation."""
        self._operation = operation
        return self

    def paginate(self, **parameters: str) -> list[dict[str, Any]]:
        """List the execution, or give its history in two pages."""
        if "stateMachineArn" in parameters:
            return [{"executions": [{"executionArn": ARN, "status": "SUCCEEDED"}]}]
        updated = {"resourceType": "dynamodb", "resource": "updateItem"}
        sent = {"resourceType": "sqs", "resource": "sendMessage"}
        started = {"input": json.dumps({"detail": {"orderId": "1"}})}
        return [
            {
                "events": [
                    {"type": "ExecutionStarted", "executionStartedEventDetails": started},
                    {"type": "TaskSucceeded", "taskSucceededEventDetails": updated},
                    {"type": "TaskSucceeded", "taskSucceededEventDetails": sent},
                ]
            },
            {
                "events": [
                    {"type": "TaskSucceeded", "taskSucceededEventDetails": updated},
                    {"type": "ExecutionSucceeded"},
                ]
            },
        ]


@dataclass(kw_only=True)
class Shown:
    """What the observer reads of a template."""

    functions: tuple[Any, ...] = ()
    mappings: tuple[Any, ...] = ()
    queues: tuple[Any, ...] = ()


@dataclass(kw_only=True)
class Cloud:
    """What the observer needs of an application."""

    outputs: dict[str, str]
    published: list[Published] = field(default_factory=list)
    holds: int = 0
    undelivered: list[UndeliveredEvent] = field(default_factory=list)
    fault_log: list[Strike] = field(default_factory=list)
    faults: FaultScript = field(default_factory=FaultScript)
    template: Shown = field(default_factory=Shown)

    def client(self, service: str) -> Any:
        """Give moto's client, or the one execution."""
        return States() if service == "stepfunctions" else boto3.client(service, region_name=REGION)

    def hold(self) -> AbstractContextManager[None]:
        """Count how often the clock was asked to stand by."""
        self.holds += 1
        return nullcontext()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Three tables, a topic, a queue and a bucket, all empty."""
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        keys = {"Orders": ["order_id"], "CustomerOrders": ["customer_id", "order_id"], "Statistics": ["day", "window"]}
        for name, attributes in keys.items():
            dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
                KeySchema=[
                    {"AttributeName": attribute, "KeyType": key_type}
                    for attribute, key_type in zip(attributes, ("HASH", "RANGE"), strict=False)
                ],
            )
        boto3.client("sqs", region_name=REGION).create_queue(QueueName="enrich-dlq")
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="failures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield Cloud(
            outputs={
                "NotificationTopicArn": boto3.client("sns", region_name=REGION).create_topic(Name="orders")["TopicArn"],
                "OrdersTableName": "Orders",
                "CustomerOrdersTableName": "CustomerOrders",
                "StatisticsTableName": "Statistics",
                "FulfilmentStateMachineArn": "arn",
                "FailureBucketName": "failures",
            }
        )


@pytest.fixture
def observer(cloud: Cloud) -> Observer:
    """An observer that has subscribed its queue."""
    observer = Observer(cast("Application", cloud))
    observer.subscribe()
    return observer


def test_quiet_cloud_shows_nothing(observer: Observer, cloud: Cloud) -> None:
    """Empty tables, queues and buckets, and the clock held while looking."""
    answers = {"1": Answer(status=202)}
    seen = observer.observe(answers)

    assert seen.answers == answers
    assert (seen.orders, seen.customer_orders, seen.statistics) == ({}, (), ())
    assert (seen.notifications, seen.events, seen.leftovers) == ((), (), ())
    assert cloud.holds == 1


def test_items_are_read_as_plain_data(observer: Observer, cloud: Cloud) -> None:
    """Every attribute of the three tables that the accounting looks at."""
    dynamodb = cloud.client("dynamodb")
    shared = {
        "order_id": {"S": "1"},
        "customer_id": {"S": "17850"},
        "version": {"N": "4"},
        "status": {"S": "SHIPPED"},
        "kind": {"S": "order"},
        "total": {"N": "15.3"},
        "item_count": {"N": "6"},
        "distinct_products": {"N": "2"},
    }
    own = {
        "customer_kind": {"S": "registered"},
        "country": {"S": "France"},
        "placed_at": {"S": "2010-12-01T08:26:00"},
        "execution": {"S": ARN},
        "lines": {"L": [{"M": {}}, {"M": {}}]},
    }
    counts = {f"{kind}_{what}": {"N": "2"} for kind in ("order", "return") for what in ("count", "items", "value")}
    dynamodb.put_item(TableName="Orders", Item={**shared, **own})
    dynamodb.put_item(TableName="CustomerOrders", Item=shared)
    dynamodb.put_item(
        TableName="Statistics",
        Item={"day": {"S": "2025-01-01"}, "window": {"S": "w1"}, "bad_records": {"N": "1"}, **counts},
    )

    seen = observer.observe({})
    assert seen.orders["1"] == StoredOrder(
        order_id="1",
        status="SHIPPED",
        version=4,
        kind="order",
        customer_id="17850",
        customer_kind="registered",
        country="France",
        placed_at="2010-12-01T08:26:00",
        total=Decimal("15.3"),
        item_count=6,
        distinct_products=2,
        line_count=2,
        execution=ARN,
    )
    assert seen.customer_orders == (
        CustomerOrder(
            customer_id="17850",
            order_id="1",
            version=4,
            status="SHIPPED",
            kind="order",
            total=Decimal("15.3"),
            item_count=6,
            distinct_products=2,
        ),
    )
    two = Sums(count=2, items=2, value=Decimal(2))
    assert seen.statistics == (StatisticsWindow(name="w1", orders=two, returns=two, bad_records=1),)


def test_notifications_are_read_from_the_subscribed_queue(observer: Observer, cloud: Cloud) -> None:
    """All of them, more than one receive brings, and one that is no notification."""
    sns = cloud.client("sns")
    for number in range(12):
        message = json.dumps({"eventId": f"e{number}", "orderId": str(number), "status": "ACCEPTED"})
        sns.publish(TopicArn=cloud.outputs["NotificationTopicArn"], Message=message, Subject="Order accepted")
    sns.publish(TopicArn=cloud.outputs["NotificationTopicArn"], Message="hello")

    seen = observer.observe({})
    assert sorted(seen.notifications, key=lambda each: (len(each.order_id), each.order_id)) == [
        Notification(order_id="", status=""),
        *(Notification(order_id=str(number), status="ACCEPTED", event_id=f"e{number}") for number in range(12)),
    ]
    assert seen.leftovers == ()


def test_execution_tells_its_order_and_its_updates(observer: Observer) -> None:
    """Only updates of the order count as work, over all pages of the history."""
    seen = observer.observe({})

    assert seen.executions == (Execution(arn=ARN, status="SUCCEEDED", order_id="1", updates=2),)
    assert seen.executions[0].name == "e1"


def test_events_are_those_of_the_application(observer: Observer, cloud: Cloud) -> None:
    """In their order; those of other sources are left out."""
    detail = {"orderId": "1", "eventId": "e", "version": 2, "status": "ACCEPTED"}
    cloud.published = [
        Published(detail=detail),
        Published(detail={"x": 1}, source="other"),
    ]

    assert observer.observe({}).events == (OrderEvent(order_id="1", event_id="e", version=2, status="ACCEPTED"),)


def test_leftovers_are_found_in_queues_and_bucket(observer: Observer, cloud: Cloud) -> None:
    """Messages with the orders they speak of, those that nobody can receive now, and objects."""
    sqs = cloud.client("sqs")
    queue_url = sqs.get_queue_url(QueueName="enrich-dlq")["QueueUrl"]
    body = json.dumps({"detail": {"orderId": "1"}})
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    sqs.send_message(QueueUrl=queue_url, MessageBody="later", DelaySeconds=900)
    cloud.client("s3").put_object(Bucket="failures", Key="aws/lambda/x", Body=b"text")

    assert observer.observe({}).leftovers == (
        Leftover(place="queue enrich-dlq", text=body, order_ids=("1",)),
        Leftover(place="queue enrich-dlq", text="1 messages that are in flight or delayed"),
        Leftover(place="bucket failures", text="text"),
    )


def test_faults_and_what_was_never_delivered_are_told(cloud: Cloud, observer: Observer) -> None:
    """What was to strike, what struck, and the events that rest nowhere."""
    strike = Strike(kind="throttle", fault=0, at_ms=1, victim="Api")
    cloud.faults = FaultScript(faults=(Throttle(), Throttle(service="sns")))
    cloud.fault_log.append(strike)
    cloud.undelivered.append(UndeliveredEvent(rule="Rule", target="arn", payload="{}", reason="gone"))

    observation = observer.observe({})

    assert (observation.planned, observation.strikes) == (frozenset({"throttle"}), (strike,))
    assert observation.undelivered == (Undelivered(rule="Rule", text="{}", reason="gone"),)


def test_dead_letter_queue_of_enrich_is_found_by_its_mapping(cloud: Cloud, observer: Observer) -> None:
    """From the function to its mapping, to the queue, to where that sends what it gives up."""
    cloud.template = Shown(
        functions=(SimpleNamespace(label="Enrich", arn="f:enrich"), SimpleNamespace(label="Notify", arn="f:notify")),
        mappings=(
            SimpleNamespace(function_arn="f:notify:live", event_source_arn="q:notify"),
            SimpleNamespace(function_arn="f:enrich:live", event_source_arn="q:enrich"),
        ),
        queues=tuple(
            SimpleNamespace(
                arn=f"q:{name}", redrive=SimpleNamespace(dead_letter_target_arn=f"q:{name}-dlq", max_receive_count=5)
            )
            for name in ("notify", "enrich")
        ),
    )

    assert observer.observe({}).enrich_dead_letters == DeadLetterQueue(place="queue enrich-dlq", max_receive_count=5)


def test_order_ids_are_found_in_any_envelope() -> None:
    """An event in a message, stream records in an on-failure record's text, each order once."""
    record = {"dynamodb": {"Keys": {"order_id": {"S": "1"}}, "NewImage": {"order_id": {"S": "1"}}}}
    wrapped = {"payload": json.dumps({"Records": [record]}), "other": [{"orderId": "2"}, "{no json"]}

    assert order_ids(json.dumps(wrapped)) == ("1", "2")
    assert order_ids("plain text") == ()


def test_fails_when_the_template_is_another_application(cloud: Cloud) -> None:
    """The demo names the Outputs that it misses."""
    del cloud.outputs["FailureBucketName"]

    with pytest.raises(TemplateError, match=r"no Output FailureBucketName; .*use `penstock run`"):
        Observer(cast("Application", cloud))
