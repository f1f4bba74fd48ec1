"""Queues and topics: ``AWS::SQS::*`` and ``AWS::SNS::*`` to models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.template.models import Queue, Redrive, Resource, Subscription, Topic
from penstock.template.properties import Properties
from penstock.template.resources import FUNCTION_TYPES, Resources

QUEUE_TYPE = "AWS::SQS::Queue"
TOPIC_TYPE = "AWS::SNS::Topic"

_ENDPOINT_TYPES = {"sqs": (QUEUE_TYPE,), "lambda": FUNCTION_TYPES}

DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30
"""The default of AWS::SQS::Queue (AWS CloudFormation Template Reference)."""


def read_queues(resources: Resources) -> tuple[Queue, ...]:
    """All queues; a dead-letter queue must be one of them."""
    return tuple(_queue(resource, resources) for resource in resources.of(QUEUE_TYPE))


def read_topics(resources: Resources) -> tuple[Topic, ...]:
    """All topics with their subscriptions."""
    subscriptions = list(_subscriptions(resources))
    return tuple(_topic(resource, subscriptions) for resource in resources.of(TOPIC_TYPE))


def _queue(resource: Resource, resources: Resources) -> Queue:
    assert resource.arn is not None
    properties = Properties.of(resource)
    return Queue(
        logical_id=resource.logical_id,
        stack=resource.stack,
        name=resource.attributes["QueueName"],
        arn=resource.arn,
        url=resource.physical_id,
        fifo=properties.flag("FifoQueue", default=False),
        visibility_timeout_seconds=properties.integer("VisibilityTimeout", DEFAULT_VISIBILITY_TIMEOUT_SECONDS),
        redrive=_redrive(properties, resources),
    )


def _redrive(properties: Properties, resources: Resources) -> Redrive | None:
    policy = parsed(properties, "RedrivePolicy")
    if not policy.values:
        return None
    target = policy.text("deadLetterTargetArn")
    resources.at_arn(target, policy.place.at("deadLetterTargetArn"), QUEUE_TYPE)
    return Redrive(dead_letter_target_arn=target, max_receive_count=policy.integer("maxReceiveCount"))


def parsed(properties: Properties, name: str) -> Properties:
    """An object that may be given as JSON text too; empty when absent."""
    value: Any = properties.values.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise properties.error(name, "this is no JSON", "give a JSON object") from None
    return Properties({name: value}, properties.place).object(name)


def _topic(resource: Resource, subscriptions: list[Subscription]) -> Topic:
    assert resource.arn is not None
    return Topic(
        logical_id=resource.logical_id,
        stack=resource.stack,
        name=resource.attributes["TopicName"],
        arn=resource.arn,
        fifo=Properties.of(resource).flag("FifoTopic", default=False),
        subscriptions=tuple(item for item in subscriptions if item.topic_arn == resource.arn),
    )


def _subscriptions(resources: Resources) -> Iterator[Subscription]:
    """The subscriptions of all topics, those written inside a topic first."""
    for resource in resources.of(TOPIC_TYPE):
        for properties in Properties.of(resource).objects("Subscription"):
            yield _subscription(resource.logical_id, properties, resource.physical_id, resources)
    for resource in resources.of("AWS::SNS::Subscription"):
        properties = Properties.of(resource)
        topic_arn = properties.text("TopicArn")
        resources.at_arn(topic_arn, properties.place.at("TopicArn"), TOPIC_TYPE)
        yield _subscription(resource.logical_id, properties, topic_arn, resources)


def _subscription(logical_id: str, properties: Properties, topic_arn: str, resources: Resources) -> Subscription:
    protocol, endpoint = properties.text("Protocol"), properties.text("Endpoint")
    if protocol in ("firehose", "application"):
        raise properties.error("Protocol", f"topics do not deliver to {protocol} here", "subscribe a queue or function")
    if protocol == "lambda" and topic_arn.endswith(".fifo"):
        # Invoking Lambda functions with Amazon SNS notifications, AWS Lambda Developer Guide
        raise properties.error("Protocol", "a FIFO topic invokes no function", "subscribe a queue, and map the queue")
    if protocol in _ENDPOINT_TYPES:
        resources.at_arn(endpoint, properties.place.at("Endpoint"), *_ENDPOINT_TYPES[protocol])
    return Subscription(
        logical_id=logical_id,
        topic_arn=topic_arn,
        protocol=protocol,
        endpoint=endpoint,
        dead_letter_target_arn=parsed(properties, "RedrivePolicy").text("deadLetterTargetArn", None),
    )
