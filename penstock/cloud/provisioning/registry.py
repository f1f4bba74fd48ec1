"""Which resource types the engine holds, in which order, and which live in the template alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.buckets import provision_bucket
from penstock.cloud.provisioning.queues import connect_queue, provision_queue, provision_queue_policy
from penstock.cloud.provisioning.state_machines import provision_state_machine
from penstock.cloud.provisioning.tables import provision_global_table, provision_table
from penstock.cloud.provisioning.topics import provision_subscription, provision_topic, provision_topic_policy
from penstock.template.models import Resource, Template

Provisioner = Callable[[Resource, Engine], None]

# Provisioners run in this order, each for all resources of its type: what is referred to comes first.
PROVISIONERS: Final[tuple[tuple[str, Provisioner], ...]] = (
    ("AWS::DynamoDB::Table", provision_table),
    ("AWS::DynamoDB::GlobalTable", provision_global_table),
    ("AWS::SQS::Queue", provision_queue),
    ("AWS::SQS::Queue", connect_queue),
    ("AWS::SQS::QueuePolicy", provision_queue_policy),
    ("AWS::SNS::Topic", provision_topic),
    ("AWS::SNS::TopicPolicy", provision_topic_policy),
    ("AWS::SNS::Subscription", provision_subscription),
    ("AWS::S3::Bucket", provision_bucket),
    ("AWS::StepFunctions::StateMachine", provision_state_machine),
)

# Held by the template's models and acted on by us; the engine never hears of them.
HELD_IN_TEMPLATE: Final[Mapping[str, str]] = {
    "AWS::ApiGatewayV2::Api": "served by the gateway",
    "AWS::ApiGatewayV2::Authorizer": "served by the gateway",
    "AWS::ApiGatewayV2::Integration": "served by the gateway",
    "AWS::ApiGatewayV2::Route": "served by the gateway",
    "AWS::ApiGatewayV2::Stage": "served by the gateway",
    "AWS::Events::EventBus": "routed by our own bus",
    "AWS::Events::Rule": "routed by our own bus",
    "AWS::IAM::ManagedPolicy": "evaluated at the front door",
    "AWS::IAM::Policy": "evaluated at the front door",
    "AWS::IAM::Role": "evaluated at the front door",
    "AWS::Lambda::Alias": "run by our own runtime",
    "AWS::Lambda::EventInvokeConfig": "followed by our own runtime",
    "AWS::Lambda::EventSourceMapping": "run by our own core",
    "AWS::Lambda::Function": "run by our own runtime",
    "AWS::Lambda::LayerVersion": "run by our own runtime",
    "AWS::Lambda::Permission": "evaluated at the front door",
    "AWS::Lambda::Version": "run by our own runtime",
    "AWS::Logs::LogGroup": "lines are shown, not kept",
    "Custom::S3BucketNotifications": "read as if it stood in the bucket",
    "AWS::S3::BucketPolicy": "moto turns a condition that does not match into a denial",
}


def provision(template: Template, engine: Engine, *, without: Collection[str] = ()) -> None:
    """Define everything that the engine holds, under exactly the names and ARNs of the template.

    Resource types in ``without`` are held elsewhere.

    Raises `TemplateError` with the logical id for a resource that the service refuses.
    """
    for resource_type, provisioner in PROVISIONERS:
        for resource in template.resources.values():
            if resource.type == resource_type and resource_type not in without:
                provisioner(resource, engine)
