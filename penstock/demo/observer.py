"""Reads what became of everything, as an operator would: tables, queues, the bucket, executions, the events.

Before the first order it subscribes a queue of its own to the topic. After the last it reads while the clock
stands by, so that nothing that it holds in its hands becomes visible again behind its back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from penstock.demo.evidence import ENRICH
from penstock.demo.observation import (
    Answer,
    CustomerOrder,
    DeadLetterQueue,
    Execution,
    Leftover,
    Notification,
    Observation,
    OrderEvent,
    StatisticsWindow,
    StoredOrder,
    Sums,
    Undelivered,
)
from penstock.errors import TemplateError

if TYPE_CHECKING:
    from penstock.application import Application

QUEUE_NAME = "penstock-demo-notifications"
EVENT_SOURCE = "penstock.orders"
PARALLEL_READERS = 4
OUTPUTS = (
    "NotificationTopicArn",
    "OrdersTableName",
    "CustomerOrdersTableName",
    "StatisticsTableName",
    "FulfilmentStateMachineArn",
    "FailureBucketName",
)
"""What the template's Outputs must name for the demo to find its way."""

_VISIBILITY_TIMEOUT_SECONDS = 3600
_Item = Mapping[str, Mapping[str, Any]]


def refuse_others(outputs: Mapping[str, str]) -> None:
    """Raise `TemplateError` for the Outputs of another application than the one that the demo knows."""
    missing = [name for name in OUTPUTS if name not in outputs]
    if missing:
        raise TemplateError(
            f"no Output {', '.join(missing)}",
            remedy="the demo knows the orders application only; use `penstock run` for another template",
        )


class Observer:
    """Looks at one running application; `subscribe` comes before the first order, `observe` after the last."""

    def __init__(self, application: Application) -> None:
        """Raises `TemplateError` when the application is not the one that the demo knows."""
        refuse_others(application.outputs)
        self._application = application
        self._sqs: Any = application.client("sqs")
        self._dynamodb: Any = application.client("dynamodb")
        self._queue_url = ""

    def subscribe(self) -> None:
        """Subscribe a queue to the topic, to see what a subscriber sees."""
        topic_arn = self._application.outputs["NotificationTopicArn"]
        self._queue_url = self._sqs.create_queue(QueueName=QUEUE_NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        queue_arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue_url, Attributes={"Policy": policy})
        sns: Any = self._application.client("sns")
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)

    def observe(self, answers: Mapping[str, Answer]) -> Observation:
        """Read all of it; ``answers`` are what the sender got."""
        outputs = self._application.outputs
        with self._application.hold():
            return Observation(
                answers=answers,
                orders={order.order_id: order for order in map(_order, self._items(outputs["OrdersTableName"]))},
                customer_orders=tuple(map(_customer_order, self._items(outputs["CustomerOrdersTableName"]))),
                statistics=tuple(map(_window, self._items(outputs["StatisticsTableName"]))),
                notifications=tuple(self._notifications()),
                executions=tuple(self._executions(outputs["FulfilmentStateMachineArn"])),
                events=tuple(self._events()),
                leftovers=(*self._messages(), *self._objects(outputs["FailureBucketName"])),
                undelivered=tuple(
                    Undelivered(rule=event.rule, text=event.payload, reason=event.reason)
                    for event in self._application.undelivered
                ),
                strikes=tuple(self._application.fault_log),
                planned=frozenset(fault.kind for fault in self._application.faults.faults),
                enrich_dead_letters=self._enrich_dead_letters(),
            )

    def _enrich_dead_letters(self) -> DeadLetterQueue | None:
        """Where messages go that the queue in front of enrich gives up."""
        template = self._application.template
        functions = [function.arn for function in template.functions if function.label == ENRICH]
        sources = {
            mapping.event_source_arn
            for mapping in template.mappings
            if any(mapping.function_arn.startswith(arn) for arn in functions)
        }
        for queue in template.queues:
            if queue.arn in sources and queue.redrive is not None:
                name = queue.redrive.dead_letter_target_arn.rpartition(":")[2]
                return DeadLetterQueue(place=f"queue {name}", max_receive_count=queue.redrive.max_receive_count)
        return None

    def _items(self, table_name: str) -> Iterator[_Item]:
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True):
            yield from page["Items"]

    def _notifications(self) -> Iterator[Notification]:
        while messages := self._receive(self._queue_url):
            for message in messages:
                yield _notification(message["Body"])
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)

    def _receive(self, queue_url: str) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_VISIBILITY_TIMEOUT_SECONDS,
            WaitTimeSeconds=0,
        )
        return list(answer.get("Messages", []))

    def _executions(self, state_machine_arn: str) -> Iterator[Execution]:
        states: Any = self._application.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=state_machine_arn)
        listed = [execution for page in pages for execution in page["executions"]]
        histories = states.get_paginator("get_execution_history")

        def read(execution: Mapping[str, Any]) -> Execution:
            pages = histories.paginate(executionArn=execution["executionArn"])
            return _execution(execution, [event for page in pages for event in page["events"]])

        with ThreadPoolExecutor(PARALLEL_READERS) as pool:
            yield from pool.map(read, listed)

    def _events(self) -> Iterator[OrderEvent]:
        """The domain events that the bus took, in the order in which it took them."""
        for event in self._application.published:
            if event.source == EVENT_SOURCE:
                yield OrderEvent(
                    order_id=str(event.detail.get("orderId", "")),
                    event_id=str(event.detail.get("eventId", "")),
                    version=int(event.detail.get("version", 0)),
                    status=str(event.detail.get("status", "")),
                )

    def _messages(self) -> Iterator[Leftover]:
        """What rests in any queue but the demo's own; taken in hand, not deleted."""
        for page in self._sqs.get_paginator("list_queues").paginate():
            for queue_url in page.get("QueueUrls", []):
                if queue_url != self._queue_url:
                    yield from self._rest_of(queue_url)

    def _rest_of(self, queue_url: str) -> Iterator[Leftover]:
        place = f"queue {queue_url.rpartition('/')[2]}"
        counts = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        )
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(counts))["Attributes"]
        rest = sum(int(attributes.get(count, 0)) for count in counts)
        while rest and (messages := self._receive(queue_url)):
            rest -= len(messages)
            for message in messages:
                yield Leftover(place=place, text=message["Body"], order_ids=order_ids(message["Body"]))
        if rest > 0:
            yield Leftover(place=place, text=f"{rest} messages that are in flight or delayed")

    def _objects(self, bucket: str) -> Iterator[Leftover]:
        s3: Any = self._application.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for listed in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read().decode(errors="replace")
                yield Leftover(place=f"bucket {bucket}", text=body, order_ids=order_ids(body))


# --- what was read, made plain -------------------------------------------------------------------


def _text(item: _Item, name: str) -> str | None:
    value = item.get(name, {}).get("S")
    return None if value is None else str(value)


def _decimal(item: _Item, name: str) -> Decimal | None:
    value = item.get(name, {}).get("N")
    return None if value is None else Decimal(value)


def _whole(item: _Item, name: str) -> int | None:
    value = _decimal(item, name)
    return None if value is None else int(value)


def _order(item: _Item) -> StoredOrder:
    return StoredOrder(
        order_id=_text(item, "order_id") or "",
        status=_text(item, "status") or "",
        version=_whole(item, "version") or 0,
        kind=_text(item, "kind"),
        customer_id=_text(item, "customer_id"),
        customer_kind=_text(item, "customer_kind"),
        country=_text(item, "country"),
        placed_at=_text(item, "placed_at"),
        total=_decimal(item, "total"),
        item_count=_whole(item, "item_count"),
        distinct_products=_whole(item, "distinct_products"),
        line_count=len(item.get("lines", {}).get("L", [])),
        reason=_text(item, "reason"),
        execution=_text(item, "execution"),
    )


def _customer_order(item: _Item) -> CustomerOrder:
    return CustomerOrder(
        customer_id=_text(item, "customer_id") or "",
        order_id=_text(item, "order_id") or "",
        version=_whole(item, "version") or 0,
        status=_text(item, "status"),
        kind=_text(item, "kind"),
        total=_decimal(item, "total"),
        item_count=_whole(item, "item_count"),
        distinct_products=_whole(item, "distinct_products"),
    )


def _window(item: _Item) -> StatisticsWindow:
    def sums(kind: str) -> Sums:
        return Sums(
            count=_whole(item, f"{kind}_count") or 0,
            items=_whole(item, f"{kind}_items") or 0,
            value=_decimal(item, f"{kind}_value") or Decimal(0),
        )

    return StatisticsWindow(
        name=_text(item, "window") or "",
        orders=sums("order"),
        returns=sums("return"),
        bad_records=_whole(item, "bad_records") or 0,
    )


def _notification(body: str) -> Notification:
    """A notification out of the envelope that SNS puts around it."""
    try:
        message = json.loads(json.loads(body)["Message"])
        return Notification(
            order_id=str(message["orderId"]), status=str(message["status"]), event_id=str(message.get("eventId", ""))
        )
    except (ValueError, KeyError, TypeError):
        return Notification(order_id="", status="")


def _execution(listed: Mapping[str, Any], history: Iterable[Mapping[str, Any]]) -> Execution:
    found: tuple[str, ...] = ()
    updates = 0
    for event in history:
        if event["type"] == "ExecutionStarted":
            found = order_ids(event.get("executionStartedEventDetails", {}).get("input", ""))
        elif event["type"] == "TaskSucceeded":
            updates += event.get("taskSucceededEventDetails", {}).get("resource", "").startswith("updateItem")
    return Execution(
        arn=listed["executionArn"], status=listed["status"], order_id=found[0] if found else "", updates=updates
    )


def order_ids(text: str) -> tuple[str, ...]:
    """The orders that a message speaks of, in whatever envelopes it is wrapped; each once, in order of appearance."""
    return tuple(dict.fromkeys(_search(text)))


def _search(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if value.lstrip()[:1] in {"{", "["}:
            try:
                yield from _search(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in {"orderId", "order_id"}:
                named = inner.get("S") if isinstance(inner, Mapping) else inner
                if isinstance(named, str):
                    yield named
            else:
                yield from _search(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _search(inner)
