"""Who can set off whom: mappings, rules, subscriptions, notifications, and what roles may write."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from penstock.checks.shapes import object_at, objects_at
from penstock.checks.subject import FUNCTION, QUEUE, SourceMapping, Subject
from penstock.cloud.policies.pattern import arn_matches, text_matches
from penstock.template.identifiers import last_segment
from penstock.template.models import Resource
from penstock.template.stores import TABLE_TYPES

STATE_MACHINE = "AWS::StepFunctions::StateMachine"
BUS = "AWS::Events::EventBus"
WRITERS = (FUNCTION, STATE_MACHINE)

_WRITES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        TABLE_TYPES,
        (
            "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
            "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete",
        ),
    ),
    QUEUE: ("sqs:SendMessage",),
    "AWS::SNS::Topic": ("sns:Publish",),
    BUS: ("events:PutEvents",),
    STATE_MACHINE: ("states:StartExecution", "states:StartSyncExecution"),
    FUNCTION: ("lambda:InvokeFunction",),
    "AWS::S3::Bucket": ("s3:PutObject",),
}  # fmt: skip
"""Type → the actions by which it is written to or set off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``start`` sets off ``end``; ``how`` names the mapping, the rule or the action, with its filter."""

    start: Resource
    end: Resource
    how: str
    mapping: SourceMapping | None = None


def edges(subject: Subject) -> Iterator[Edge]:
    """All of them."""
    yield from _by_mappings(subject)
    yield from _by_rules(subject)
    yield from _by_subscriptions(subject)
    yield from _by_notifications(subject)
    yield from writes(subject)


def writes(subject: Subject) -> Iterator[Edge]:
    """What functions and state machines may write to by their roles."""
    targets = [resource for kind in _WRITES for resource in subject.of(kind) if resource.arn]
    for writer in subject.of(*WRITERS):
        role = subject.roles.get(str(writer.properties.get("Role", writer.properties.get("RoleArn", ""))))
        if role is None:
            continue
        pairs = [(action, arn) for grant in role.grants for action in grant.actions for arn in grant.resources]
        for target in targets:
            allowed = [action for action in _WRITES[target.type] if _allows(pairs, action, target.arn or "")]
            if allowed and target is not writer:
                yield Edge(start=writer, end=target, how=allowed[0])


def _allows(pairs: list[tuple[str, str]], action: str, arn: str) -> bool:
    return any(text_matches(given, action, {}, fold=True) and _names(on, arn) for given, on in pairs)


def _names(pattern: str, arn: str) -> bool:
    """Whether a resource of a grant covers an ARN; the objects of a bucket count as the bucket."""
    return arn_matches(pattern, arn, {}) or (":s3:" in arn and arn_matches(pattern, f"{arn}/x", {}))


def way(outgoing: Mapping[str, list[Edge]], start: Resource, end: Resource) -> list[Edge]:
    """The shortest way from one resource to another, edge by edge; empty when there is none."""
    came: dict[str, Edge | None] = {start.address: None}
    waiting = deque([start.address])
    while waiting and end.address not in came:
        for edge in outgoing.get(waiting.popleft(), []):
            if edge.end.address not in came:
                came[edge.end.address] = edge
                waiting.append(edge.end.address)
    path: list[Edge] = []
    step = came.get(end.address)
    while step is not None:
        path.insert(0, step)
        step = came[step.start.address]
    return path


def _by_mappings(subject: Subject) -> Iterator[Edge]:
    for mapping in subject.mappings:
        if mapping.source is not None and mapping.function is not None:
            filters = f"filter {' or '.join(mapping.patterns)}" if mapping.patterns else "no filter"
            how = f"{mapping.resource.logical_id}, {filters}"
            yield Edge(start=mapping.source, end=mapping.function, how=how, mapping=mapping)


def _by_rules(subject: Subject) -> Iterator[Edge]:
    buses = {bus.physical_id: bus for bus in subject.of(BUS)}
    for rule in subject.of("AWS::Events::Rule"):
        bus = buses.get(last_segment(str(rule.properties.get("EventBusName", "default"))))
        for target in objects_at(rule.properties, "Targets"):
            end = _target(subject, str(target.get("Arn", "")))
            if bus is not None and end is not None:
                pattern = json.dumps(rule.properties.get("EventPattern"))
                yield Edge(start=bus, end=end, how=f"{rule.logical_id}, pattern {pattern}")


def _target(subject: Subject, arn: str) -> Resource | None:
    function, _ = subject.function_named(arn)
    return function if function is not None else subject.called(arn, *_WRITES)


def _by_subscriptions(subject: Subject) -> Iterator[Edge]:
    for subscription in subject.of("AWS::SNS::Subscription"):
        topic = subject.called(str(subscription.properties.get("TopicArn", "")), "AWS::SNS::Topic")
        end = _target(subject, str(subscription.properties.get("Endpoint", "")))
        if topic is not None and end is not None:
            policy = subscription.properties.get("FilterPolicy")
            filters = f"filter {json.dumps(policy)}" if policy else "no filter"
            yield Edge(start=topic, end=end, how=f"{subscription.logical_id}, {filters}")


def _by_notifications(subject: Subject) -> Iterator[Edge]:
    kinds = {"QueueConfigurations": "Queue", "TopicConfigurations": "Topic", "LambdaConfigurations": "Function"}
    for bucket in subject.of("AWS::S3::Bucket"):
        configuration = object_at(bucket.properties, "NotificationConfiguration")
        for kind, key in kinds.items():
            for notification in objects_at(configuration, kind):
                end = _target(subject, str(notification.get(key, "")))
                if end is not None:
                    yield Edge(start=bucket, end=end, how=f"notification of {notification.get('Event', 'any event')}")
