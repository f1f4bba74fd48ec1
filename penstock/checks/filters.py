"""PS1: filters that do not do what they say, and windows that do not go together with what stands beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.checks.rule import Evidence, rule
from penstock.checks.subject import SourceMapping, Subject
from penstock.mapping.filters import Condition, InvalidPattern, parse, written
from penstock.mapping.filters.hints import IMAGES, TYPES
from penstock.mapping.filters.matchers import EqualsNumber, Exists, Numeric
from penstock.mapping.validation import MAXIMUM_FILTERS, Refused, create_mapping
from penstock.template.properties import Properties
from penstock.template.stores import TABLE_TYPES

_ROOTS = {
    "stream": (
        "awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion",
        "userIdentity",
    ),
    "queue": (
        "attributes", "awsRegion", "body", "eventSource", "eventSourceARN", "md5OfBody", "md5OfMessageAttributes",
        "messageAttributes", "messageId", "receiptHandle",
    ),
}  # fmt: skip
"""The keys of a record. Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", "… with Amazon SQS"."""

_IN_DYNAMODB = (
    "ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType",
)  # fmt: skip
_IMAGES_CARRIED = {
    "KEYS_ONLY": (),
    "NEW_IMAGE": ("NewImage",),
    "OLD_IMAGE": ("OldImage",),
    "NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"),
}
_ITEMS = ("Keys", *IMAGES)
_OBJECTS = ("attributes", "messageAttributes", "dynamodb", "userIdentity")


def filtered(subject: Subject) -> Iterator[SourceMapping]:
    """The mappings of streams and queues; those without filters have nothing to judge."""
    return (
        mapping
        for mapping in subject.mappings
        if mapping.kind != "other" and mapping.properties.values.get("FilterCriteria")
    )


def _conditions(mapping: SourceMapping) -> Iterator[tuple[int, Condition]]:
    """Each condition of each filter that can be read, with the number of the filter from 1."""
    for number, text in enumerate(mapping.patterns, start=1):
        try:
            rules = parse(text).rules
        except InvalidPattern:
            continue
        for condition in dict.fromkeys(condition for each in rules for condition in each.conditions):
            yield number, condition


def _against(mapping: SourceMapping, number: int, condition: Condition, problem: str) -> Evidence:
    told = f"filter {number}, {condition.path} {json.dumps(written(condition))}: {problem}"
    return Evidence(resource=mapping.resource, text=told)


@rule(
    "PS101",
    "error",
    "a filter that is no pattern",
    over=filtered,
    why="Lambda refuses the whole mapping with “Invalid filter pattern definition.”, and says no more.",
    remedy="Correct the pattern at the place named.",
)
def invalid(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Patterns that cannot be read."""
    for number, text in enumerate(mapping.patterns, start=1):
        try:
            parse(text)
        except InvalidPattern as problem:
            yield Evidence(resource=mapping.resource, text=f"filter {number}: {problem}")


@rule(
    "PS102",
    "error",
    "a filter rooted where no record has anything",
    over=filtered,
    why="A filter looks at the record as the function receives it. One that begins elsewhere, at `body` for a stream "
    "or at an attribute's name, matches nothing: every record is dropped, without an error and without a trace.",
    remedy="Begin a stream's filter at `dynamodb` (then `NewImage`, `OldImage` or `Keys`) or at `eventName`, a queue's "
    "at `body`.",
)
def rooted_wrongly(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Paths whose beginning no record has."""
    roots = _ROOTS[mapping.kind]
    for number, condition in _conditions(mapping):
        first, *rest = condition.path.split(".")
        if first not in roots:
            yield _against(mapping, number, condition, f"a record begins at {', '.join(roots)}")
        elif first == "dynamodb" and rest and rest[0] not in _IN_DYNAMODB:
            yield _against(mapping, number, condition, f"dynamodb holds {', '.join(_IN_DYNAMODB)}")


def _walk(condition: Condition) -> tuple[str, str]:
    """Follow a path below an image or the keys: the type that it ends at, or the name for which a type is missing."""
    names = condition.path.split(".")
    if len(names) < 3 or names[0] != "dynamodb" or names[1] not in _ITEMS:
        return "", ""
    kind, attribute = "M", ""
    for name in names[2:]:
        if kind == "M":
            kind, attribute = "", name
        elif name not in TYPES or kind not in ("", "L"):
            return "", attribute
        else:
            kind = name
    return (kind, "") if kind not in ("", "M", "L") else ("", attribute)


@rule(
    "PS103",
    "error",
    "a number compared with what travels as text",
    over=filtered,
    why='DynamoDB writes numbers as text: `{"N": "12"}`. A number in a filter, or `numeric`, never matches them.',
    remedy='Write the number as text, `{"N": ["12"]}`, just as DynamoDB prints it; decide ranges in the function.',
)
def number_on_text(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Numbers and ranges at a leaf of type N or NS."""
    for number, condition in _conditions(mapping):
        wants_number = any(isinstance(matcher, EqualsNumber | Numeric) for matcher in condition.matchers)
        if wants_number and _walk(condition)[0] in ("N", "NS"):
            yield _against(mapping, number, condition, "the record holds a text here")


def _wants_existence(condition: Condition) -> bool:
    return any(isinstance(matcher, Exists) for matcher in condition.matchers)


@rule(
    "PS104",
    "error",
    "a filter without the type of the attribute",
    over=filtered,
    why='In a stream record each attribute is an object with its type: `{"status": {"S": "PAID"}}`. A condition at '
    "the name alone meets an object and never holds.",
    remedy='Write the type: `{"status": {"S": ["PAID"]}}`; below a map or a list, `M` and `L` as well.',
)
def type_missing(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Paths that lack a type."""
    for number, condition in _conditions(mapping):
        attribute = _walk(condition)[1]
        if attribute and not _wants_existence(condition):
            yield _against(mapping, number, condition, f"the type of {attribute} is missing")


@rule(
    "PS105",
    "error",
    "exists on an object",
    over=filtered,
    why="`exists` looks at values only. On an object (an image, an attribute without its type, `userIdentity`) "
    "`true` never holds and `false` always does.",
    remedy='Ask for a value below it: `{"status": {"S": [{"exists": true}]}}`, `{"userIdentity": {"type": …}}`.',
)
def exists_on_object(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """`exists` at a place that holds an object."""
    for number, condition in _conditions(mapping):
        names = condition.path.split(".")
        at_object = condition.path in _OBJECTS or (names[0] == "dynamodb" and len(names) == 2 and names[1] in _ITEMS)
        at_attribute = names[0] == "messageAttributes" and len(names) == 2
        if _wants_existence(condition) and (at_object or at_attribute or _walk(condition)[1]):
            yield _against(mapping, number, condition, "an object stands here")


@rule(
    "PS106",
    "error",
    "a filter on an image that the stream does not carry",
    over=filtered,
    why="The stream's view type decides which images a record has. A condition on the other one never holds.",
    remedy="Ask for the image that is there, or set StreamViewType to NEW_AND_OLD_IMAGES (this makes a new stream).",
)
def image_missing(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Conditions on images that the view type leaves out."""
    if mapping.source is None or mapping.source.type not in TABLE_TYPES:
        return
    view = Properties.of(mapping.source).object("StreamSpecification").text("StreamViewType", "")
    missing = [f"dynamodb.{image}" for image in IMAGES if image not in _IMAGES_CARRIED.get(view, IMAGES)]
    for number, condition in _conditions(mapping):
        if any(f"{condition.path}.".startswith(f"{image}.") for image in missing):
            yield _against(mapping, number, condition, f"the stream of {mapping.source.logical_id} carries {view}")


@rule(
    "PS107",
    "error",
    "more filters than a mapping may have",
    over=filtered,
    why="Lambda takes five filters a mapping, up to ten once the quota is raised, and refuses the deployment beyond.",
    remedy="Join filters: several values in one array, or `$or`. If your quota is raised, suppress this and say so.",
)
def too_many(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """More than five filters."""
    if len(mapping.patterns) > MAXIMUM_FILTERS:
        yield Evidence(resource=mapping.resource, text=f"{len(mapping.patterns)} filters")


def windowed(subject: Subject) -> Iterator[SourceMapping]:
    """The stream mappings with a tumbling window."""
    return (mapping for mapping in subject.streams() if mapping.properties.integer("TumblingWindowInSeconds", 0))


@rule(
    "PS108",
    "error",
    "a parallelization factor beside a tumbling window",
    over=windowed,
    why="State is kept by shard, so Lambda refuses more than one batch of a shard at a time.",
    remedy="Set ParallelizationFactor to 1, or give up the window.",
)
def factor_and_window(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A factor above 1 with a window."""
    factor = mapping.properties.integer("ParallelizationFactor", 1)
    if factor > 1:
        yield Evidence(resource=mapping.resource, text=f"ParallelizationFactor is {factor}")


@rule(
    "PS109",
    "warning",
    "a filter beside a tumbling window",
    over=windowed,
    why="It was seen refused, though no page says so; and where records are filtered out, a window closes late.",
    remedy="Leave the filter out and pass over records in the function.",
)
def filter_and_window(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """A filter with a window."""
    if mapping.patterns:
        yield Evidence(resource=mapping.resource, text=f"{len(mapping.patterns)} filters beside a tumbling window")


def judged_by_lambda(subject: Subject) -> Iterator[SourceMapping]:
    """The mappings of streams and queues."""
    return (mapping for mapping in subject.mappings if mapping.kind != "other")


@rule(
    "PS110",
    "error",
    "a mapping that Lambda refuses",
    over=judged_by_lambda,
    why="CreateEventSourceMapping answers as told, and the deployment rolls back.",
    remedy="Give a value that Lambda takes.",
)
def refused(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Whatever Lambda says to the properties that no other rule speaks of."""
    environment = subject.environment
    service = "dynamodb" if mapping.kind == "stream" else "sqs"
    arn = f"arn:{environment.partition}:{service}:{environment.region}:{environment.account_id}:"
    answer = create_mapping(_request(mapping, arn), uuid="", function_arn=arn)
    if isinstance(answer, Refused):
        yield Evidence(resource=mapping.resource, text=answer.message)


def _request(mapping: SourceMapping, any_arn: str) -> dict[str, Any]:
    """The request that CloudFormation makes of a mapping's properties, without what other rules speak of.

    Values are of the type that they should be; ``any_arn`` stands for a source that is not known.
    """
    properties = mapping.properties
    request: dict[str, Any] = {name: value for name, value in properties.values.items() if name != "FilterCriteria"}
    request["EventSourceArn"] = mapping.source_arn if mapping.source_arn.startswith("arn:") else any_arn
    for name in request:
        if name.endswith(("InSeconds", "Size", "Factor", "Attempts")):
            request[name] = properties.integer(name, None)
    if request.get("TumblingWindowInSeconds"):
        request["ParallelizationFactor"] = 1
    if str(request.get("StartingPosition", "")).startswith("${"):
        request["StartingPosition"] = "TRIM_HORIZON"
    for name in request.keys() & {"FunctionName", "StartingPosition", "KMSKeyArn", "KmsKeyArn"}:
        request[name] = None if request[name] is None else str(request[name])
    for name in request.keys() & {"Enabled", "BisectBatchOnFunctionError"}:
        request[name] = True
    request["FunctionResponseTypes"] = list(properties.texts("FunctionResponseTypes"))
    request["MetricsConfig"] = {"Metrics": list(properties.object("MetricsConfig").texts("Metrics"))}
    for name in request.keys() & {"ScalingConfig", "ProvisionedPollerConfig"}:
        numbers = properties.object(name)
        request[name] = {each: numbers.integer(each, None) for each in numbers.values} or None
    destination = mapping.destination if mapping.destination.startswith("arn:") else ""
    others = properties.object("DestinationConfig").values
    request["DestinationConfig"] = {**others, "OnFailure": {"Destination": destination}} if others else None
    return request


RULES = (
    invalid, rooted_wrongly, number_on_text, type_missing, exists_on_object, image_missing, too_many,
    factor_and_window, filter_and_window, refused,
)  # fmt: skip
