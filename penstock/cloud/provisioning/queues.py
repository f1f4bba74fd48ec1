"""Queues, their dead-letter queues and their policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define
from penstock.template.messages import parsed
from penstock.template.models import Resource
from penstock.template.properties import Properties

_TEXTS: Final = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "SqsManagedSseEnabled",
)
_NUMBERS: Final = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)


def provision_queue(resource: Resource, engine: Engine) -> None:
    """Define a queue without its redrive policy, which `connect_queue` sets once all queues are there."""
    properties = Properties.of(resource)
    given = {name: properties.text(name, None) for name in _TEXTS}
    numbers = {name: properties.integer(name, None) for name in _NUMBERS}
    attributes = {name: str(value) for name, value in {**given, **numbers}.items() if value is not None}
    if attributes.get("FifoQueue") == "false":
        del attributes["FifoQueue"]  # SQS takes the attribute only to say yes
    params = {"QueueName": resource.attributes["QueueName"], "Attributes": attributes}
    answer = define(engine, resource, "sqs", "CreateQueue", params)
    agree(resource, ours=resource.physical_id, theirs=answer["QueueUrl"])
    queue = engine.backend("sqs").queues[resource.attributes["QueueName"]]
    agree(resource, ours=resource.arn, theirs=queue.queue_arn)


def connect_queue(resource: Resource, engine: Engine) -> None:
    """Tell a queue its dead-letter queue; the order in which queues refer to one another does not matter then."""
    policy = parsed(Properties.of(resource), "RedrivePolicy").values
    if policy:
        _set_attributes(resource, engine, resource.physical_id, RedrivePolicy=policy)


def provision_queue_policy(resource: Resource, engine: Engine) -> None:
    """Attach a policy document to its queues. The engine keeps it and does not evaluate it."""
    properties = Properties.of(resource)
    for url in properties.texts("Queues"):
        _set_attributes(resource, engine, url, Policy=properties.object("PolicyDocument").values)


def _set_attributes(resource: Resource, engine: Engine, url: str, **attributes: Mapping[str, Any]) -> None:
    texts = {name: json.dumps(value) for name, value in attributes.items()}
    define(engine, resource, "sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": texts})
