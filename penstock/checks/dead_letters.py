"""Where what failed ends: destinations and dead-letter queues, found by who names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from penstock.checks.shapes import object_at, objects_at
from penstock.checks.subject import FUNCTION, QUEUE, Subject
from penstock.template.models import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """A queue that receives what failed, and from whom; ``by_redrive`` tells that a queue moves its messages there."""

    queue: Resource
    sender: Resource
    by_redrive: bool


def dead_letters(subject: Subject) -> Iterator[DeadLetters]:
    """Every pair of a dead-letter queue and what sends to it."""
    for sender, arn, by_redrive in _targets(subject):
        queue = subject.called(arn, QUEUE)
        if queue is not None:
            yield DeadLetters(queue=queue, sender=sender, by_redrive=by_redrive)


def dead_letter_queues(subject: Subject) -> Iterator[Resource]:
    """Each queue that receives what failed, once."""
    yield from {letters.queue.address: letters.queue for letters in dead_letters(subject)}.values()


def _targets(subject: Subject) -> Iterator[tuple[Resource, str, bool]]:
    """Sender, ARN and whether it is a redrive, for all that may send what failed."""
    for queue in subject.of(QUEUE):
        yield queue, redrive_target(queue.properties.get("RedrivePolicy")), True
    for function in subject.of(FUNCTION):
        yield function, str(object_at(function.properties, "DeadLetterConfig").get("TargetArn", "")), False
    for subscription in subject.of("AWS::SNS::Subscription"):
        yield subscription, redrive_target(subscription.properties.get("RedrivePolicy")), False
    for rule in subject.of("AWS::Events::Rule"):
        for target in objects_at(rule.properties, "Targets"):
            yield rule, str(object_at(target, "DeadLetterConfig").get("Arn", "")), False
    for events in subject.of("AWS::Lambda::EventInvokeConfig"):
        destinations = object_at(events.properties, "DestinationConfig")
        yield events, str(object_at(destinations, "OnFailure").get("Destination", "")), False
    for mapping in subject.mappings:
        yield mapping.resource, mapping.destination, False
        bucket = subject.called(mapping.destination, "AWS::S3::Bucket")
        if bucket is not None:
            configuration = object_at(bucket.properties, "NotificationConfiguration")
            for each in objects_at(configuration, "QueueConfigurations"):
                yield bucket, str(each.get("Queue", "")), False


def redrive_target(policy: Any) -> str:
    """The target of a redrive policy, be it an object or JSON text; or nothing."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return ""
    return str(policy.get("deadLetterTargetArn", "")) if isinstance(policy, dict) else ""
