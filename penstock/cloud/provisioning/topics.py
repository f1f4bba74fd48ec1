"""Topics, their subscriptions and their policies."""

from __future__ import annotations

import json
from typing import Final

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define
from penstock.template.messages import parsed
from penstock.template.models import Resource
from penstock.template.properties import Properties

_ATTRIBUTES: Final = (
    "ContentBasedDeduplication",
    "DisplayName",
    "FifoTopic",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "SignatureVersion",
)


def provision_topic(resource: Resource, engine: Engine) -> None:
    """Define a topic and the subscriptions written inside it."""
    properties = Properties.of(resource)
    given = {name: properties.text(name, None) for name in _ATTRIBUTES}
    params = {
        "Name": resource.attributes["TopicName"],
        # moto takes every text for a yes.
        "Attributes": {name: value for name, value in given.items() if value not in (None, "false")},
    }
    answer = define(engine, resource, "sns", "CreateTopic", params)
    agree(resource, ours=resource.arn, theirs=answer["TopicArn"])
    for subscription in properties.objects("Subscription"):
        _subscribe(resource, engine, answer["TopicArn"], subscription)


def provision_topic_policy(resource: Resource, engine: Engine) -> None:
    """Attach a policy document to its topics. The engine keeps it and does not evaluate it."""
    properties = Properties.of(resource)
    document = json.dumps(properties.object("PolicyDocument").values)
    for arn in properties.texts("Topics"):
        params = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document}
        define(engine, resource, "sns", "SetTopicAttributes", params)


def provision_subscription(resource: Resource, engine: Engine) -> None:
    """Subscribe an endpoint to a topic."""
    properties = Properties.of(resource)
    _subscribe(resource, engine, properties.text("TopicArn"), properties)


def _subscribe(resource: Resource, engine: Engine, topic_arn: str, subscription: Properties) -> None:
    """Subscribe a queue or a function; people and web servers are left in peace."""
    protocol = subscription.text("Protocol")
    if protocol not in ("sqs", "lambda"):
        return
    given = {name: subscription.text(name, None) for name in ("FilterPolicyScope", "RawMessageDelivery")}
    attributes = {name: value for name, value in given.items() if value is not None}
    filter_policy = parsed(subscription, "FilterPolicy").values
    if filter_policy:
        attributes["FilterPolicy"] = json.dumps(filter_policy)
    redrive_policy = parsed(subscription, "RedrivePolicy").values
    if redrive_policy:
        attributes["RedrivePolicy"] = json.dumps(redrive_policy)
    params = {
        "TopicArn": topic_arn,
        "Protocol": protocol,
        "Endpoint": subscription.text("Endpoint"),
        "Attributes": attributes,
    }
    define(engine, resource, "sns", "Subscribe", params)
