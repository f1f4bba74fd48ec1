"""What CreateEventSourceMapping says to the properties of a mapping: accepted with defaults, or refused in AWS's words.

Rules:

* Types before all: the first value of another than its own is refused as ``SerializationException``.
* Then shape: every value out of its range is named in one ``ValidationException``. Then what does not go together,
  one ``InvalidParameterValueException`` at a time, in the order of this file; then function, source, role; then
  duplicates.
* A property given as ``null`` was not given. Properties of other kinds of sources are refused by name.
* A queue needs a batching window for more than ten messages; a stream does not, whatever the guide says (recorded).

Sources: AWS Lambda API reference, CreateEventSourceMapping; texts as recorded or captured (``tests/conformance``).
Where no text is known it is ours, after the pattern of the others: marked below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.mapping.filters import InvalidPattern, compile_filters
from penstock.mapping.property_types import type_problem, without_nulls

_INVALID = "InvalidParameterValueException"

_RANGES: Mapping[str, tuple[int, int]] = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900),
}
_POSITIONS = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
_COMMON = {
    "FunctionName", "EventSourceArn", "Enabled", "BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria",
    "FunctionResponseTypes", "MetricsConfig", "KMSKeyArn", "KmsKeyArn", "Tags",
}  # fmt: skip
_STREAM = _COMMON | {
    "StartingPosition", "StartingPositionTimestamp", "ParallelizationFactor", "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "TumblingWindowInSeconds", "DestinationConfig",
}  # fmt: skip
_QUEUE = _COMMON | {"ScalingConfig", "ProvisionedPollerConfig"}
_OTHER = {
    "Topics", "Queues", "SelfManagedEventSource", "SourceAccessConfigurations", "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig", "LoggingConfig",
}  # fmt: skip

PROPERTIES = frozenset(_STREAM | _QUEUE | _OTHER)
"""Every property that CreateEventSourceMapping knows."""

MAXIMUM_FILTERS = 5
"""Filters of one mapping. Source: Lambda quotas; up to ten on request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What exists in the account besides the request; ``same_mapping_uuid`` is that of an equal mapping."""

    source_exists: bool = True
    function_exists: bool = True
    role_can_read: bool = True
    same_mapping_uuid: str | None = None


ALL_EXISTS = Situation()
"""Function, source and permission are there, and no equal mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The mapping is created: the answer, key → value as the API gives it, and the State it settles in."""

    answer: Mapping[str, Any]
    settles_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The mapping is not created."""

    type: str
    message: str
    status: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """The properties given, nulls left out, and what the source is."""

    given: Mapping[str, Any]
    arn: str
    queue: bool

    def value(self, name: str, default: Any) -> Any:
        return self.given.get(name, default)


def create_mapping(
    request: Mapping[str, Any], *, uuid: str, function_arn: str, situation: Situation = ALL_EXISTS
) -> Accepted | Refused:
    """Judge a request; ``uuid`` and ``function_arn`` are those of the mapping that it would create."""
    given = without_nulls(request)
    mistyped = type_problem(given)
    if mistyped is not None:
        return Refused(type="SerializationException", message=mistyped)
    shape = _shape_problems(given)
    if shape:
        return _shape_refusal(shape)
    arn = given.get("EventSourceArn", "")
    kind = _service(arn)
    if kind not in ("dynamodb", "sqs"):
        return Refused(type=_INVALID, message="Unrecognized event source.")
    asked = _Request(given=given, arn=arn, queue=kind == "sqs")
    checks: Sequence[Callable[[_Request], str | None]] = (
        _foreign_property,
        _position_problem,
        _age_problem,
        _batch_problem,
        _window_problem,
        _destination_problem,
        _scaling_problem,
        _filter_problem,
    )
    for check in checks:
        problem = check(asked)
        if problem is not None:
            return Refused(type=_INVALID, message=problem)
    refusal = _situation_refusal(asked, situation)
    return refusal if refusal is not None else _accept(asked, uuid=uuid, function_arn=function_arn)


def _service(arn: str) -> str:
    parts = arn.split(":")
    return parts[2] if len(parts) >= 6 and parts[0] == "arn" else ""


def _shape_refusal(problems: Sequence[str]) -> Refused:
    errors = "validation error" if len(problems) == 1 else "validation errors"
    return Refused(type="ValidationException", message=f"{len(problems)} {errors} detected: {'; '.join(problems)}")


def _constraint(value: Any, path: str, constraint: str) -> str:
    told = "null" if value is None else f"'{value}'"
    return f"Value {told} at '{path}' failed to satisfy constraint: {constraint}"


def _shape_problems(given: Mapping[str, Any]) -> list[str]:
    problems = []
    if "FunctionName" not in given:
        problems.append(_constraint(None, "functionName", "Member must not be null"))
    for name, (lowest, highest) in _RANGES.items():
        problems += _out_of_range(given.get(name), f"{name[0].lower()}{name[1:]}", lowest, highest)
    concurrency = given.get("ScalingConfig", {}).get("MaximumConcurrency")
    problems += _out_of_range(concurrency, "scalingConfig.maximumConcurrency", 2, 1_000)
    pollers = given.get("ProvisionedPollerConfig", {})
    problems += _out_of_range(pollers.get("MinimumPollers"), "provisionedPollerConfig.minimumPollers", 1, 200)
    problems += _out_of_range(pollers.get("MaximumPollers"), "provisionedPollerConfig.maximumPollers", 1, 2_000)
    position = given.get("StartingPosition", "LATEST")
    if position not in _POSITIONS:
        problems.append(_constraint(position, "startingPosition", _enumeration(_POSITIONS)))
    problems += _unknown_members(given.get("FunctionResponseTypes"), "functionResponseTypes", "ReportBatchItemFailures")
    problems += _unknown_members(given.get("MetricsConfig", {}).get("Metrics"), "metricsConfig.metrics", "EventCount")
    for number, entry in enumerate(given.get("FilterCriteria", {}).get("Filters", []), start=1):
        pattern = entry.get("Pattern", "")
        if len(pattern) > 4_096:
            path = f"filterCriteria.filters.{number}.member.pattern"
            problems.append(_constraint(pattern, path, "Member must have length less than or equal to 4096"))
    return problems


def _out_of_range(value: Any, path: str, lowest: int, highest: int) -> list[str]:
    if value is None or lowest <= value <= highest:
        return []
    bound = f"less than or equal to {highest}" if value > highest else f"greater than or equal to {lowest}"
    return [_constraint(value, path, f"Member must have value {bound}")]


def _enumeration(members: Sequence[str]) -> str:
    return f"Member must satisfy enum value set: [{', '.join(members)}]"


def _unknown_members(values: Sequence[str] | None, path: str, known: str) -> list[str]:
    if not values or set(values) == {known}:
        return []
    told = f"[{', '.join(values)}]"
    return [_constraint(told, path, f"Member must satisfy constraint: [{_enumeration((known,))}]")]


def _foreign_property(asked: _Request) -> str | None:
    for name in asked.given:
        if name not in (_QUEUE if asked.queue else _STREAM):
            return f"Unsupported {name} parameter for given event source mapping type."
    return None


def _position_problem(asked: _Request) -> str | None:
    if asked.queue:
        return None
    position = asked.value("StartingPosition", None)
    if position is None:
        return f"1 validation error detected: {_constraint(None, 'startingPosition', 'Member must not be null')}."
    if position == "AT_TIMESTAMP":
        return f"Unsupported starting position for arn type: {asked.arn}"
    return None


def _age_problem(asked: _Request) -> str | None:
    if 0 <= asked.value("MaximumRecordAgeInSeconds", -1) < 60:
        return "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
    return None


def _batch_problem(asked: _Request) -> str | None:
    if not asked.queue:
        return None
    size, window = asked.value("BatchSize", 10), asked.value("MaximumBatchingWindowInSeconds", 0)
    if asked.arn.endswith(".fifo"):
        if window:
            return "Batching window is not supported for FIFO queues"
        if size > 10:
            return "Batch size must not exceed 10 for FIFO queues"  # our words
    if size > 10 and not window:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


def _window_problem(asked: _Request) -> str | None:
    if not asked.value("TumblingWindowInSeconds", 0):
        return None
    if asked.value("ParallelizationFactor", 1) > 1:
        return "Parallelization factor must be equal to 1 when tumbling window period is configured"
    if _filters(asked):
        return "Filter criteria must be empty when tumbling window period is configured"  # our words
    return None


def _destination_problem(asked: _Request) -> str | None:
    config = asked.value("DestinationConfig", {})
    if config.get("OnSuccess"):
        return "OnSuccess configuration is not supported for event source mappings."
    arn = config.get("OnFailure", {}).get("Destination")
    if not arn:
        return None
    parts = arn.split(":")
    if len(parts) < 6 or parts[0] != "arn" or parts[2] not in ("sqs", "sns", "s3"):
        return f"The destination ARN {arn} is invalid."  # our words
    if arn.endswith(".fifo"):
        return f"Unsupported destination: {arn}. FIFO queues and topics are not supported."  # our words
    return None


def _scaling_problem(asked: _Request) -> str | None:
    if asked.value("ScalingConfig", {}).get("MaximumConcurrency") and asked.value("ProvisionedPollerConfig", {}):
        return (
            "Provisioned mode for SQS ESM does not support maximum concurrency feature. "
            "Use MaximumPollers as the control mechanism and remove maximum concurrency."
        )
    return None


def _filter_problem(asked: _Request) -> str | None:
    patterns = _filters(asked)
    if len(patterns) > MAXIMUM_FILTERS:
        return f"Filter criteria must not have more than {MAXIMUM_FILTERS} filters"  # our words
    try:
        compile_filters(patterns, source="sqs" if asked.queue else "dynamodb")
    except InvalidPattern:
        return "Invalid filter pattern definition."
    return None


def _filters(asked: _Request) -> list[str]:
    return [entry.get("Pattern", "") for entry in asked.value("FilterCriteria", {}).get("Filters", [])]


def _situation_refusal(asked: _Request, situation: Situation) -> Refused | None:
    if not situation.function_exists:
        return Refused(type=_INVALID, message="Function does not exist")
    if not situation.source_exists:
        return Refused(type=_INVALID, message=_missing_source(asked))
    if not situation.role_can_read:
        return Refused(type=_INVALID, message=_unreadable_source(asked))
    if situation.same_mapping_uuid is not None:
        name = str(asked.given["FunctionName"])
        told = (
            f'An event source mapping with SQS arn (" {asked.arn} ") and function (" {name} ") already exists.'
            if asked.queue
            else f'The event source arn (" {asked.arn} ") and function (" {name} ") provided mapping already exists.'
        )
        message = f"{told} Please update or delete the existing mapping with UUID {situation.same_mapping_uuid}"
        return Refused(type="ResourceConflictException", message=message, status=409)
    return None


def _missing_source(asked: _Request) -> str:
    if asked.queue:
        return (
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )
    return f"Stream not found: {asked.arn}"


def _unreadable_source(asked: _Request) -> str:
    if asked.queue:
        return "The function execution role does not have permissions to call ReceiveMessage on SQS"
    return (
        f"Cannot access stream {asked.arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
        "DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def _accept(asked: _Request, *, uuid: str, function_arn: str) -> Accepted:
    enabled = asked.value("Enabled", True)
    region, account = function_arn.split(":")[3:5]
    answer: dict[str, Any] = {
        "UUID": uuid,
        "BatchSize": asked.value("BatchSize", 10 if asked.queue else 100),
        "MaximumBatchingWindowInSeconds": asked.value("MaximumBatchingWindowInSeconds", 0),
        "EventSourceArn": asked.arn,
        "FunctionArn": function_arn,
        "State": "Disabled" if asked.queue and not enabled else "Creating",
        "StateTransitionReason": "USER_INITIATED" if asked.queue else "User action",
        "FunctionResponseTypes": list(asked.value("FunctionResponseTypes", [])),
        "EventSourceMappingArn": f"arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}",
    }
    if not asked.queue:
        answer |= {
            "StartingPosition": asked.given["StartingPosition"],
            "LastProcessingResult": "No records processed",
            "ParallelizationFactor": asked.value("ParallelizationFactor", 1),
            "DestinationConfig": {"OnFailure": _on_failure(asked)},
            "MaximumRecordAgeInSeconds": asked.value("MaximumRecordAgeInSeconds", -1),
            "MaximumRetryAttempts": asked.value("MaximumRetryAttempts", -1),
            "BisectBatchOnFunctionError": asked.value("BisectBatchOnFunctionError", False),
            "TumblingWindowInSeconds": asked.value("TumblingWindowInSeconds", 0),
        }
    if _filters(asked):
        answer["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in _filters(asked)]}
    for name in ("ScalingConfig", "ProvisionedPollerConfig", "MetricsConfig", "KMSKeyArn"):
        if name in asked.given:
            answer[name] = asked.given[name]
    return Accepted(answer=answer, settles_in="Enabled" if enabled else "Disabled")


def _on_failure(asked: _Request) -> Mapping[str, str]:
    arn = asked.value("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return {"Destination": arn} if arn else {}
