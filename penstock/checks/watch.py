"""PS7: alarms that are missing or mute, and tables that a slip of hand deletes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.checks.dead_letters import dead_letter_queues, dead_letters
from penstock.checks.rule import Evidence, rule
from penstock.checks.shapes import object_at, objects_at
from penstock.checks.subject import ALARM, FUNCTION, Subject
from penstock.template.models import Resource
from penstock.template.properties import Properties

_EVENT_COUNT = (
    "PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount", "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount", "DeletedEventCount",
)  # fmt: skip
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "AWS/Lambda": (
        *_EVENT_COUNT, "AsyncEventAge", "AsyncEventsDropped", "AsyncEventsReceived", "ClaimedAccountConcurrency",
        "ConcurrentExecutions", "DeadLetterErrors", "DestinationDeliveryFailures", "Duration", "Errors",
        "Invocations", "IteratorAge", "OffsetLag", "OversizedRecordCount", "PostRuntimeExtensionsDuration",
        "ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations",
        "ProvisionedConcurrencyUtilization", "ProvisionedConcurrentExecutions", "ProvisionedPollers",
        "RecursiveInvocationsDropped", "SignatureValidationErrors", "Throttles", "UnreservedConcurrentExecutions",
    ),
    "AWS/SQS": (
        "ApproximateAgeOfOldestMessage", "ApproximateNumberOfGroupsWithInflightMessages",
        "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible", "NumberOfDeduplicatedSentMessages", "NumberOfEmptyReceives",
        "NumberOfMessagesDeleted", "NumberOfMessagesReceived", "NumberOfMessagesSent", "SentMessageSize",
        "ApproximateNumberOfNoisyGroups",
    ),
}  # fmt: skip
"""Namespace → its metrics. Source: Lambda guide, "Types of metrics for Lambda functions"; SQS guide, "Available
CloudWatch metrics for Amazon SQS". Other namespaces are not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One metric that an alarm looks at; ``dimensions`` is name → value."""

    alarm: Resource
    namespace: str
    name: str
    dimensions: Mapping[str, str]


def watched(subject: Subject) -> Iterator[Watched]:
    """The metrics of all alarms, those of metric math too."""
    for alarm in subject.of(ALARM):
        queries = objects_at(alarm.properties, "Metrics")
        metrics = [alarm.properties, *(object_at(query, "MetricStat", "Metric") for query in queries)]
        yield from (_watched(alarm, metric) for metric in metrics if metric.get("MetricName"))


def _watched(alarm: Resource, metric: Mapping[str, Any]) -> Watched:
    return Watched(
        alarm=alarm,
        namespace=str(metric.get("Namespace", "")),
        name=str(metric["MetricName"]),
        dimensions={str(each.get("Name")): str(each.get("Value")) for each in objects_at(metric, "Dimensions")},
    )


@rule(
    "PS701",
    "error",
    "an alarm on a metric that nobody emits",
    over=watched,
    why="It stays in INSUFFICIENT_DATA, or OK, whatever happens.",
    remedy="Watch a metric that the service emits for that resource; event counts need MetricsConfig on the mapping, "
    "and what a redrive moves to a dead-letter queue shows in ApproximateNumberOfMessagesVisible only.",
)
def mute(subject: Subject, seen: Watched) -> Iterator[Evidence]:
    """A name that is no metric, a resource that has none of it, or a count that was not asked for."""
    problem = ""
    if seen.namespace in _KNOWN and seen.name not in _KNOWN[seen.namespace]:
        problem = f"{seen.namespace} has no metric {seen.name}"
    elif seen.namespace == "AWS/Lambda":
        problem = _lambda_problem(subject, seen)
    elif seen.namespace == "AWS/SQS" and seen.name in ("NumberOfMessagesSent", "SentMessageSize"):
        problem = _redrive_problem(subject, seen)
    if problem:
        yield Evidence(resource=seen.alarm, text=problem)


def _lambda_problem(subject: Subject, seen: Watched) -> str:
    if seen.name in _EVENT_COUNT:
        uuid = seen.dimensions.get("EventSourceMappingUUID", "")
        for mapping in subject.mappings:
            counts = mapping.properties.object("MetricsConfig").texts("Metrics")
            if mapping.resource.physical_id == uuid and "EventCount" not in counts:
                return (
                    f"{mapping.resource.logical_id} has no MetricsConfig with EventCount, so {seen.name} is not counted"
                )
        return "" if uuid else f"{seen.name} has the dimension EventSourceMappingUUID alone"
    function = subject.called(seen.dimensions.get("FunctionName", ""), FUNCTION)
    if seen.name != "IteratorAge" or function is None:
        return ""
    reads = any(mapping.function is function and mapping.kind != "queue" for mapping in subject.mappings)
    return "" if reads else f"{function.logical_id} reads no stream, so it has no IteratorAge"


def _redrive_problem(subject: Subject, seen: Watched) -> str:
    letters = [each for each in dead_letters(subject) if _is_queue(each.queue, seen)]
    if letters and all(each.by_redrive for each in letters):
        return f"{seen.name} does not count what a redrive moves to {letters[0].queue.logical_id}"
    return ""


def _is_queue(queue: Resource, seen: Watched) -> bool:
    return seen.dimensions.get("QueueName") in (queue.attributes.get("QueueName"), queue.logical_id)


def stream_functions(subject: Subject) -> Iterator[Resource]:
    """The functions that read a stream, each once."""
    functions = (mapping.function for mapping in subject.streams())
    yield from {function.address: function for function in functions if function is not None}.values()


@rule(
    "PS702",
    "warning",
    "no alarm on the iterator age",
    over=stream_functions,
    why="A shard that is stuck shows in nothing else: no error need be counted. After 24 hours its records are lost.",
    remedy="Add an alarm on IteratorAge of the function, at an hour or less, to somebody who can act.",
)
def age_unwatched(subject: Subject, function: Resource) -> Iterator[Evidence]:
    """A stream's function without an alarm on its IteratorAge."""
    for seen in watched(subject):
        if seen.name == "IteratorAge" and seen.dimensions.get("FunctionName") == function.physical_id:
            return
    yield Evidence(resource=function, text="no alarm watches its IteratorAge")


@rule(
    "PS703",
    "warning",
    "no alarm on dead letters",
    over=dead_letter_queues,
    why="Nobody looks into a dead-letter queue unasked, and what lies there expires.",
    remedy="Add an alarm on ApproximateNumberOfMessagesVisible of the queue, from one message on.",
)
def letters_unwatched(subject: Subject, queue: Resource) -> Iterator[Evidence]:
    """A dead-letter queue without an alarm on what lies in it."""
    for seen in watched(subject):
        if seen.namespace == "AWS/SQS" and seen.name.startswith("Approximate") and _is_queue(queue, seen):
            return
    yield Evidence(resource=queue, text="no alarm watches how much lies in it, or how long")


@rule(
    "PS704",
    "warning",
    "a table that can be deleted by a slip of hand",
    over=Subject.tables,
    why="Without deletion protection one call, or one change that replaces the table, removes all items at once.",
    remedy="Set DeletionProtectionEnabled. Where the data may go, in a stage for tests, suppress this and say so.",
)
def unprotected(subject: Subject, table: Resource) -> Iterator[Evidence]:
    """A table without deletion protection, of a global table in any replica."""
    replicas = Properties.of(table).objects("Replicas") or (Properties.of(table),)
    if not all(replica.flag("DeletionProtectionEnabled", default=False) for replica in replicas):
        yield Evidence(resource=table, text="DeletionProtectionEnabled is not set")


RULES = (mute, age_unwatched, letters_unwatched, unprotected)
