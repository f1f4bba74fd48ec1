"""PS4: who reads a source, as which version of a function, and with what room."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.checks.rule import Evidence, rule
from penstock.checks.shapes import objects_at
from penstock.checks.subject import FUNCTION, SourceMapping, Subject
from penstock.template.models import Resource
from penstock.template.properties import Properties

DEFAULT_VISIBILITY_SECONDS = 30
"""Source: VisibilityTimeout, AWS::SQS::Queue."""


@rule(
    "PS401",
    "error",
    "more readers than a stream has room for",
    over=Subject.tables,
    why="A shard serves two readers. A third makes the others' reads fail now and then, so that all fall behind. "
    "Replication of a global table takes one of the two.",
    remedy="Let one function publish to a bus, a topic or queues, and hang the others off it.",
)
def too_many_readers(subject: Subject, table: Resource) -> Iterator[Evidence]:
    """Three mappings or pipes on one stream, two where replicas are kept."""
    readers = [mapping.resource for mapping in subject.mappings if mapping.source is table]
    arn = table.attributes.get("StreamArn")
    readers += [pipe for pipe in subject.of("AWS::Pipes::Pipe") if arn and pipe.properties.get("Source") == arn]
    replicas = len(objects_at(table.properties, "Replicas"))
    room = 1 if replicas > 1 else 2
    if len(readers) > room:
        names = ", ".join(reader.logical_id for reader in readers)
        beside = f" beside the replication to {replicas - 1} regions" if replicas > 1 else ""
        yield Evidence(resource=table, text=f"{len(readers)} readers{beside}: {names}")


@rule(
    "PS402",
    "error",
    "a mapping that goes past the alias",
    over=lambda subject: subject.mappings,
    why="SnapStart and provisioned concurrency belong to published versions. A mapping on the unqualified function "
    "invokes $LATEST: every cold start is a full one, and what is provisioned is paid for in vain.",
    remedy="Bind the mapping to the alias: FunctionName is then the alias's ARN.",
)
def past_the_alias(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """An unqualified function that is made quick under a version or an alias only."""
    if mapping.function is None or mapping.qualifier not in ("", "$LATEST"):
        return
    properties = Properties.of(mapping.function)
    if properties.object("SnapStart").text("ApplyOn", "None") == "PublishedVersions":
        yield Evidence(resource=mapping.resource, text=f"{mapping.function.logical_id} has SnapStart")
    for published in subject.of("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        function, _ = subject.function_named(str(published.properties.get("FunctionName", "")))
        if function is mapping.function and published.properties.get("ProvisionedConcurrencyConfig"):
            yield Evidence(resource=mapping.resource, text=f"{published.logical_id} has provisioned concurrency")


def _seconds(subject: Subject, mapping: SourceMapping) -> tuple[int, int, int] | None:
    """Visibility timeout, function timeout and batching window; ``None`` when an end is not in the template."""
    if mapping.source is None or mapping.function is None:
        return None
    visibility = Properties.of(mapping.source).integer("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS)
    window = mapping.properties.integer("MaximumBatchingWindowInSeconds", 0)
    return visibility, subject.function_timeout(mapping.function), window


@rule(
    "PS403",
    "error",
    "messages that come back while they are handled",
    over=Subject.queues,
    why="Lambda refuses a mapping whose queue hides messages for less time than the function may take.",
    remedy="Set VisibilityTimeout to six times the function's timeout plus the batching window.",
)
def visible_too_soon(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A visibility timeout below the function's timeout."""
    seconds = _seconds(subject, mapping)
    if seconds and mapping.source and seconds[0] < seconds[1]:
        text = f"VisibilityTimeout is {seconds[0]} s, the function's Timeout {seconds[1]} s"
        yield Evidence(resource=mapping.source, text=text)


@rule(
    "PS404",
    "warning",
    "a visibility timeout without room for throttling",
    over=Subject.queues,
    why="Lambda advises six times the function's timeout plus the window: while it is throttled it tries the same "
    "batch again, and what becomes visible meanwhile is handled twice and counts towards the dead-letter queue.",
    remedy="Set VisibilityTimeout to six times the function's timeout plus the batching window.",
)
def little_room(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A visibility timeout below six timeouts and the window."""
    seconds = _seconds(subject, mapping)
    if seconds is None or mapping.source is None:
        return
    visibility, timeout, window = seconds
    needed = 6 * timeout + window
    if timeout <= visibility < needed:
        text = f"VisibilityTimeout is {visibility} s; 6 × {timeout} s + {window} s = {needed} s"
        yield Evidence(resource=mapping.source, text=text)


def reserved(subject: Subject) -> Iterator[Resource]:
    """The functions with reserved concurrency."""
    return (each for each in subject.of(FUNCTION) if each.properties.get("ReservedConcurrentExecutions") is not None)


@rule(
    "PS405",
    "error",
    "more concurrency asked for than reserved",
    over=reserved,
    why="The mappings invoke more at a time than the function may run. The rest is throttled: messages come back, "
    "count up and end in the dead-letter queue unhandled; shards wait.",
    remedy="Raise ReservedConcurrentExecutions, or lower MaximumConcurrency and ParallelizationFactor.",
)
def beyond_reserved(subject: Subject, function: Resource) -> Iterator[Evidence]:
    """Maximum concurrency of queues, and factors of streams with one shard, against what is reserved."""
    asked = {}
    for mapping in subject.mappings:
        if mapping.function is function:
            scaling = mapping.properties.object("ScalingConfig").integer("MaximumConcurrency", 0)
            factor = mapping.properties.integer("ParallelizationFactor", 1) if mapping.kind == "stream" else 0
            asked[mapping.resource.logical_id] = scaling or factor
    limit = Properties.of(function).integer("ReservedConcurrentExecutions", 0)
    if sum(asked.values()) > limit:
        told = ", ".join(f"{name} {count}" for name, count in asked.items())
        yield Evidence(resource=function, text=f"{limit} reserved, asked for at least: {told}")


RULES = (too_many_readers, past_the_alias, visible_too_soon, little_room, beyond_reserved)
