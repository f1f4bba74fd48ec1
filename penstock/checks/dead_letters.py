"""Where what failed ends: destinations and dead-letter queues, found by who names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
        yield function, str(_inner(function.properties, "DeadLetterConfig").get("TargetArn", "")), False
    for subscription in subject.of("AWS::SNS::Subscription"):
        yield subscription, redrive_target(subscription.properties.get("RedrivePolicy")), False
    for rule in subject.of("AWS::Events::Rule"):
        for target in rule.properties.get("Targets") or ():
            yield rule, str(_inner(target, "DeadLetterConfig").get("Arn", "")), False
    for mapping in subject.mappings:
        yield mapping.resource, mapping.destination, False
        bucket = subject.called(mapping.destination, "AWS::S3::Bucket")
        if bucket is not None:
            notifications = _inner(bucket.properties, "NotificationConfiguration").get("QueueConfigurations") or ()
            yield from ((bucket, str(each.get("Queue", "")), False) for each in notifications)


def redrive_target(policy: Any) -> str:
    """The target of a redrive policy, be it an object or JSON text; or nothing."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return ""
    return str(policy.get("deadLetterTargetArn", "")) if isinstance(policy, dict) else ""


def _inner(value: Any, name: str) -> dict[str, Any]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}
