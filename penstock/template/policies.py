"""Who may do what: roles with all their policies, and the policies attached to queues, topics and buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.template.models import Policy, Resource, Role
from penstock.template.properties import Properties
from penstock.template.resources import Resources


def read_roles(resources: Resources) -> tuple[Role, ...]:
    """All roles, each with its inline policies, those attached to it and the customer managed ones."""
    return tuple(_role(resource, resources) for resource in resources.of("AWS::IAM::Role"))


def read_resource_policies(resources: Resources) -> dict[str, Mapping[str, Any]]:
    """ARN of a queue, topic or bucket → the policy document attached to it.

    A second policy for one of them is refused: AWS would keep whichever it happens to set last.
    """
    attached: dict[str, Mapping[str, Any]] = {}
    for policy_type, property_name, target_type in (
        ("AWS::SQS::QueuePolicy", "Queues", "AWS::SQS::Queue"),
        ("AWS::SNS::TopicPolicy", "Topics", "AWS::SNS::Topic"),
        ("AWS::S3::BucketPolicy", "Bucket", "AWS::S3::Bucket"),
    ):
        for resource in resources.of(policy_type):
            properties = Properties.of(resource)
            document = properties.object("PolicyDocument").values
            for physical_id in properties.texts(property_name):
                target = resources.called(physical_id, properties.place.at(property_name), target_type)
                arn = target.arn or ""
                if arn in attached:
                    raise properties.error(
                        property_name,
                        f"{target.logical_id} has another policy already, and AWS keeps only one of them",
                        "put all statements into one policy",
                    )
                attached[arn] = document
    return attached


def _role(resource: Resource, resources: Resources) -> Role:
    properties = Properties.of(resource)
    managed = properties.texts("ManagedPolicyArns")
    return Role(
        logical_id=resource.logical_id,
        stack=resource.stack,
        name=resource.physical_id,
        arn=resource.arn or "",
        assume_role_policy=properties.object("AssumeRolePolicyDocument").values,
        policies=tuple(_policies(properties, resource, managed, resources)),
        aws_managed_policy_arns=tuple(arn for arn in managed if ":iam::aws:policy/" in arn),
    )


def _policies(
    properties: Properties, role: Resource, managed: tuple[str, ...], resources: Resources
) -> Iterator[Policy]:
    """The documents of one role: inline, attached, customer managed."""
    for inline in properties.objects("Policies"):
        yield Policy(name=inline.text("PolicyName"), document=inline.object("PolicyDocument").values)
    for resource in resources.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        policy = Properties.of(resource)
        if role.physical_id in policy.texts("Roles") or resource.arn in managed:
            yield Policy(name=resource.physical_id, document=policy.object("PolicyDocument").values)
    for arn in managed:
        if ":iam::aws:policy/" not in arn:
            resources.at_arn(arn, properties.place.at("ManagedPolicyArns"), "AWS::IAM::ManagedPolicy")
