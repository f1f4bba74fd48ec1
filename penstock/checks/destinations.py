"""PS3: records and messages that end nowhere, too early, or unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.checks.dead_letters import dead_letters
from penstock.checks.rule import Evidence, rule
from penstock.checks.subject import QUEUE, SourceMapping, Subject
from penstock.template.models import Resource
from penstock.template.properties import Properties

DEFAULT_RETENTION_SECONDS = 345_600
"""Four days. Source: MessageRetentionPeriod, AWS::SQS::Queue."""

_CALLED_DEAD_LETTERS = re.compile("dlq|dead.?letter", re.IGNORECASE)


@rule(
    "PS301",
    "error",
    "no on-failure destination",
    over=Subject.streams,
    why="When the attempts or the age of a record are used up it is gone; only a metric says that there was one.",
    remedy="Set DestinationConfig.OnFailure.Destination, to a bucket if you want the records themselves.",
)
def no_destination(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A stream mapping without a destination."""
    if not mapping.destination:
        yield Evidence(resource=mapping.resource, text="DestinationConfig.OnFailure is missing")


@rule(
    "PS302",
    "warning",
    "a destination that holds positions only",
    over=Subject.streams,
    why="A queue or a topic gets shard and sequence numbers, not the records. Nothing here fetches them from the "
    "stream, which forgets them after 24 hours; after that the message points at nothing.",
    remedy="Send to an S3 bucket, which gets the whole batch, or let a function read the queue and fetch the records.",
)
def positions_only(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A queue that nobody reads, or a topic that no function hears."""
    target = subject.called(mapping.destination, QUEUE, "AWS::SNS::Topic")
    if target is None:
        return
    read = any(other.source is target for other in subject.mappings)
    heard = any(_reaches_function(each, target) for each in subject.of("AWS::SNS::Subscription"))
    if not read and not heard:
        yield Evidence(
            resource=mapping.resource, text=f"{target.logical_id} is an {target.type}, and no function reads it"
        )


def _reaches_function(subscription: Resource, topic: Resource) -> bool:
    properties = subscription.properties
    return properties.get("TopicArn") == topic.arn and properties.get("Protocol") == "lambda"


def dead_letter_namesakes(subject: Subject) -> Iterator[Resource]:
    """The queues that are called dead-letter queues."""
    for queue in subject.of(QUEUE):
        if _CALLED_DEAD_LETTERS.search(f"{queue.logical_id} {queue.properties.get('QueueName', '')}"):
            yield queue


@rule(
    "PS303",
    "error",
    "a dead-letter queue that nothing is sent to",
    over=dead_letter_namesakes,
    why="It looks as if failures were kept, and none is. A function's own dead-letter queue takes asynchronous "
    "invocations only: a mapping never sends there.",
    remedy="Name it where failures come from: RedrivePolicy of the source queue, DestinationConfig of the mapping, "
    "DeadLetterConfig of a rule's target.",
)
def unattached(subject: Subject, queue: Resource) -> Iterator[Evidence]:
    """A queue that nothing names, or only functions that mappings invoke."""
    users = list(subject.users_of(queue))
    fed = {mapping.function.address for mapping in subject.mappings if mapping.function}
    idle = [user for user in users if user.address in fed and _only_as_its_own(subject, user, queue)]
    if not users:
        yield Evidence(resource=queue, text="no resource names it as a target")
    elif len(idle) == len(users):
        names = ", ".join(user.logical_id for user in idle)
        yield Evidence(resource=queue, text=f"it is the DeadLetterConfig of {names}, which only a mapping invokes")


def _only_as_its_own(subject: Subject, function: Resource, queue: Resource) -> bool:
    """Whether a function has a queue as DeadLetterConfig, while nothing invokes it asynchronously."""
    config = function.properties.get("DeadLetterConfig")
    invoked = any(
        subject.function_named(str(permission.properties.get("FunctionName", "")))[0] is function
        for permission in subject.of("AWS::Lambda::Permission")
    )
    return isinstance(config, dict) and config.get("TargetArn") == queue.arn and not invoked


def redriven(subject: Subject) -> Iterator[Resource]:
    """Each dead-letter queue once."""
    yield from {letters.queue.address: letters.queue for letters in dead_letters(subject)}.values()


@rule(
    "PS304",
    "warning",
    "a dead-letter queue that forgets too soon",
    over=redriven,
    why="A message moved from a standard queue keeps its age: if the dead-letter queue keeps messages no longer than "
    "the source, one that was retried for long expires soon after it came. Fewer than four days do not outlast a "
    "long weekend.",
    remedy="Set MessageRetentionPeriod of the dead-letter queue to 1209600 (14 days).",
)
def forgets_too_soon(subject: Subject, queue: Resource) -> Iterator[Evidence]:
    """A retention not above that of a source queue, or below four days."""
    kept = _retention(queue)
    senders = [each.sender for each in dead_letters(subject) if each.queue is queue and each.by_redrive]
    longest = max((_retention(sender) for sender in senders), default=0)
    if kept <= longest:
        yield Evidence(resource=queue, text=f"it keeps messages for {kept} s, the queue they come from for {longest} s")
    elif kept < DEFAULT_RETENTION_SECONDS:
        yield Evidence(resource=queue, text=f"it keeps messages for {kept} s")


def _retention(queue: Resource) -> int:
    return Properties.of(queue).integer("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS)


RULES = (no_destination, positions_only, unattached, forgets_too_soon)
