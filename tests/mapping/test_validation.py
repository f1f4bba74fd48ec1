"""What CreateEventSourceMapping says beyond the conformance cases: every rule once, every bound on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.mapping.property_types import TYPES
from penstock.mapping.validation import ALL_EXISTS, Accepted, Refused, Situation, create_mapping

STREAM = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:orders"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:relay"
INVALID = "InvalidParameterValueException"
CANNOT_ACCESS = (
    f"Cannot access stream {STREAM}. Please ensure the role can perform the GetRecords, GetShardIterator, "
    "DescribeStream, and ListStreams Actions on your stream in IAM."
)
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)


def judge(properties: dict[str, Any], *, source: str = STREAM, situation: Situation = ALL_EXISTS) -> Accepted | Refused:
    """Judge a request that is complete but for these properties."""
    position = {"StartingPosition": "TRIM_HORIZON"} if source == STREAM else {}
    request = {"FunctionName": "relay", "EventSourceArn": source, **position, **properties}
    return create_mapping(request, uuid="u", function_arn=FUNCTION, situation=situation)


def message(properties: dict[str, Any], *, source: str = STREAM, situation: Situation = ALL_EXISTS) -> str:
    """Give the text of a refusal."""
    judged = judge(properties, source=source, situation=situation)
    assert isinstance(judged, Refused)
    return judged.message


def pattern(text: str) -> dict[str, Any]:
    """Give a filter criteria with one pattern."""
    return {"FilterCriteria": {"Filters": [{"Pattern": text}]}}


def test_a_stream_mapping_has_the_defaults_of_aws() -> None:
    """The whole answer, but for the times."""
    assert judge({}) == Accepted(
        answer={
            "UUID": "u",
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "EventSourceArn": STREAM,
            "FunctionArn": FUNCTION,
            "State": "Creating",
            "StateTransitionReason": "User action",
            "FunctionResponseTypes": [],
            "EventSourceMappingArn": "arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:u",
            "StartingPosition": "TRIM_HORIZON",
            "LastProcessingResult": "No records processed",
            "ParallelizationFactor": 1,
            "DestinationConfig": {"OnFailure": {}},
            "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1,
            "BisectBatchOnFunctionError": False,
            "TumblingWindowInSeconds": 0,
        },
        settles_in="Enabled",
    )


def test_a_queue_mapping_created_disabled_says_so_at_once() -> None:
    """A stream mapping says Creating first."""
    queue = judge({"Enabled": False}, source=QUEUE)
    stream = judge({"Enabled": False})

    assert isinstance(queue, Accepted)
    assert isinstance(stream, Accepted)
    assert (queue.answer["State"], queue.settles_in) == ("Disabled", "Disabled")
    assert (stream.answer["State"], stream.settles_in) == ("Creating", "Disabled")


def test_what_was_given_is_in_the_answer() -> None:
    """Properties given as null were not given."""
    given = {
        "BatchSize": 7,
        "MaximumBatchingWindowInSeconds": 3,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MetricsConfig": {"Metrics": ["EventCount"]},
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failed"}},
        **pattern('{"eventName":["INSERT"]}'),
    }
    judged = judge({**given, "ParallelizationFactor": None})

    assert isinstance(judged, Accepted)
    assert {name: judged.answer[name] for name in given} == given
    assert judged.answer["ParallelizationFactor"] == 1


@pytest.mark.parametrize(
    ("source", "given"),
    [
        (STREAM, {"ParallelizationFactor": 2, "MaximumRetryAttempts": 3, "BisectBatchOnFunctionError": True}),
        (STREAM, {"MaximumRecordAgeInSeconds": 60, "TumblingWindowInSeconds": 30, "KMSKeyArn": "key"}),
        (QUEUE, {"ScalingConfig": {"MaximumConcurrency": 2}, "KMSKeyArn": "key"}),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 2}}),
    ],
)
def test_retries_age_windows_and_scaling_are_in_the_answer(source: str, given: dict[str, Any]) -> None:
    """Each as it was given."""
    judged = judge(given, source=source)

    assert isinstance(judged, Accepted)
    assert {name: judged.answer[name] for name in given} == given


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("BatchSize", 1, 10_000),
        ("MaximumBatchingWindowInSeconds", 0, 300),
        ("ParallelizationFactor", 1, 10),
        ("MaximumRetryAttempts", -1, 10_000),
        ("MaximumRecordAgeInSeconds", -1, 604_800),
        ("TumblingWindowInSeconds", 0, 900),
    ],
)
def test_fails_when_a_number_is_out_of_its_range(name: str, lowest: int, highest: int) -> None:
    """Both bounds are allowed, and nothing beyond."""
    path = name[0].lower() + name[1:]

    assert isinstance(judge({name: lowest}), Accepted)
    assert isinstance(judge({name: highest}), Accepted)
    for value, bound in (
        (lowest - 1, f"greater than or equal to {lowest}"),
        (highest + 1, f"less than or equal to {highest}"),
    ):
        assert judge({name: value}) == Refused(
            type="ValidationException",
            message=f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must have value {bound}",
        )


def test_several_values_out_of_range_are_named_together() -> None:
    """One refusal counts them."""
    assert message({"BatchSize": 0, "TumblingWindowInSeconds": 901}) == (
        "2 validation errors detected: Value '0' at 'batchSize' failed to satisfy constraint: Member must have value "
        "greater than or equal to 1; Value '901' at 'tumblingWindowInSeconds' failed to satisfy constraint: Member "
        "must have value less than or equal to 900"
    )


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"FunctionName": None}, "Value null at 'functionName' failed to satisfy constraint: Member must not be null"),
        (
            {"StartingPosition": "NOW"},
            "Value 'NOW' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum value set: "
            "[LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        ),
        (
            {"MetricsConfig": {"Metrics": ["EventCount", "Bad"]}},
            "Value '[EventCount, Bad]' at 'metricsConfig.metrics' failed to satisfy constraint: Member must satisfy "
            "constraint: [Member must satisfy enum value set: [EventCount]]",
        ),
        (
            {"FunctionResponseTypes": ["Bad"]},
            "Value '[Bad]' at 'functionResponseTypes' failed to satisfy constraint: Member must satisfy "
            "constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]",
        ),
    ],
)
def test_fails_when_a_value_is_not_one_of_those_known(properties: dict[str, Any], expected: str) -> None:
    """The text names the value, its place and what is allowed."""
    assert message(properties) == f"1 validation error detected: {expected}"


LIST = "Start of list found where not expected"
STRUCTURE = "Start of structure or map found where not expected."


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"BatchSize": "x"}, "STRING_VALUE can not be converted to an Integer"),
        ({"MaximumRetryAttempts": True}, "TRUE_VALUE can not be converted to an Integer"),
        ({"BatchSize": [1]}, LIST),
        ({"BatchSize": {}}, STRUCTURE),
        ({"Enabled": 1}, "NUMBER_VALUE can not be converted to an Boolean"),
        ({"Enabled": "false"}, "STRING_VALUE can not be converted to an Boolean"),
        ({"StartingPosition": ["LATEST"]}, LIST),
        ({"EventSourceArn": 1}, "NUMBER_VALUE can not be converted to a String"),
        ({"FunctionName": False}, "FALSE_VALUE can not be converted to a String"),
        ({"FunctionResponseTypes": "ReportBatchItemFailures"}, "Expected list or null"),
        ({"FunctionResponseTypes": [1]}, "NUMBER_VALUE can not be converted to a String"),
        ({"FunctionResponseTypes": [None]}, "NULL_VALUE can not be converted to a String"),
        ({"FunctionResponseTypes": {}}, STRUCTURE),
        ({"MetricsConfig": "EventCount"}, "Expected null"),
        ({"MetricsConfig": {"Metrics": [["EventCount"]]}}, LIST),
        ({"ScalingConfig": {"MaximumConcurrency": "2"}}, "STRING_VALUE can not be converted to an Integer"),
        ({"ProvisionedPollerConfig": []}, LIST),
        ({"FilterCriteria": {"Filters": ["{}"]}}, "Expected null"),
        ({"FilterCriteria": {"Filters": [{"Pattern": {"eventName": ["INSERT"]}}]}}, STRUCTURE),
        ({"DestinationConfig": {"OnFailure": "arn:aws:s3:::failed"}}, "Expected null"),
        ({"DestinationConfig": {"OnFailure": {"Destination": 1.5}}}, "NUMBER_VALUE can not be converted to a String"),
        ({"BatchSize": 0, "TumblingWindowInSeconds": "x"}, "STRING_VALUE can not be converted to an Integer"),
    ],
)
def test_fails_when_a_value_is_of_another_type(properties: dict[str, Any], expected: str) -> None:
    """Before anything else is judged, whatever the source."""
    for source in (STREAM, QUEUE):
        judged = judge(properties, source=source)

        assert judged == Refused(type="SerializationException", message=expected)


@pytest.mark.parametrize("name", sorted(TYPES))
@pytest.mark.parametrize("value", ["x", 1, 1.5, True, [], {}, [None], [[]], [{}], {"Filters": [{}]}])
def test_no_value_of_any_type_ends_the_judgement(name: str, value: Any) -> None:
    """Each property, with values of each type, is accepted or refused."""
    for source in (STREAM, QUEUE):
        assert isinstance(judge({name: value}, source=source), Accepted | Refused)


def test_null_within_a_property_was_not_given() -> None:
    """As the property itself."""
    nulls = {"FilterCriteria": {"Filters": None}, "DestinationConfig": {"OnFailure": {"Destination": None}}}

    assert judge({**nulls, "MetricsConfig": {"Metrics": None}, "BatchSize": None}) == judge(
        {"FilterCriteria": {}, "DestinationConfig": {"OnFailure": {}}, "MetricsConfig": {}}
    )


def test_fails_when_a_pattern_is_too_long() -> None:
    """Four thousand and ninety-six characters are allowed."""
    fill = json.dumps({"eventName": ["x" * (4_096 - len('{"eventName": [""]}'))]})

    assert isinstance(judge(pattern(fill)), Accepted)
    criteria = {"FilterCriteria": {"Filters": [{"Pattern": fill}, {"Pattern": fill + " "}]}}
    assert message(criteria) == (
        f"1 validation error detected: Value '{fill} ' at 'filterCriteria.filters.2.member.pattern' failed to satisfy "
        "constraint: Member must have length less than or equal to 4096"
    )


def test_fails_when_a_filter_has_no_pattern() -> None:
    """An empty text is no pattern either."""
    for entry in ({}, {"Pattern": ""}):
        assert message({"FilterCriteria": {"Filters": [entry]}}) == "Invalid filter pattern definition."


def test_the_concurrency_of_a_queue_has_its_range() -> None:
    """From two to a thousand."""
    for value, accepted in ((1, False), (2, True), (1_000, True), (1_001, False)):
        judged = judge({"ScalingConfig": {"MaximumConcurrency": value}}, source=QUEUE)

        assert isinstance(judged, Accepted) is accepted
    assert message({"ScalingConfig": {"MaximumConcurrency": 1}}, source=QUEUE) == (
        "1 validation error detected: Value '1' at 'scalingConfig.maximumConcurrency' failed to satisfy constraint: "
        "Member must have value greater than or equal to 2"
    )


@pytest.mark.parametrize(
    ("source", "properties"),
    [
        (QUEUE, {"ParallelizationFactor": 2}),
        (QUEUE, {"StartingPosition": "LATEST"}),
        (QUEUE, {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:1:failed"}}}),
        (STREAM, {"ScalingConfig": {"MaximumConcurrency": 2}}),
        (STREAM, {"Topics": ["orders"]}),
    ],
)
def test_fails_when_a_property_belongs_to_another_kind_of_source(source: str, properties: dict[str, Any]) -> None:
    """It is named."""
    (name,) = properties

    assert message(properties, source=source) == (f"Unsupported {name} parameter for given event source mapping type.")


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "orders",
        "arn:aws:sqs",
        "x:aws:sqs:eu-west-1:111111111111:orders",
        "arn:aws:kinesis:eu-west-1:111111111111:stream/orders",
    ],
)
def test_fails_when_the_source_is_none_of_ours(arn: str | None) -> None:
    """Only table streams and queues are known, each by a whole ARN."""
    assert message({"EventSourceArn": arn}) == "Unrecognized event source."


@pytest.mark.parametrize(("seconds", "accepted"), [(-1, True), (0, False), (59, False), (60, True)])
def test_a_record_age_is_unlimited_or_a_minute_at_least(seconds: int, accepted: bool) -> None:
    """Nothing between."""
    assert isinstance(judge({"MaximumRecordAgeInSeconds": seconds}), Accepted) is accepted


@pytest.mark.parametrize(
    ("arn", "size", "window", "accepted"),
    [
        (QUEUE, 10, 0, True),
        (QUEUE, 11, 0, False),
        (QUEUE, 10_000, 1, True),
        (f"{QUEUE}.fifo", 10, 0, True),
        (f"{QUEUE}.fifo", 11, 0, False),
        (f"{QUEUE}.fifo", 1, 1, False),
    ],
)
def test_the_batch_of_a_queue_depends_on_its_kind_and_window(arn: str, size: int, window: int, accepted: bool) -> None:
    """More than ten need a window, which a FIFO queue cannot have."""
    properties = {"BatchSize": size, "MaximumBatchingWindowInSeconds": window}

    assert isinstance(judge(properties, source=arn), Accepted) is accepted


def test_fails_when_a_queue_gets_a_batch_it_cannot_have() -> None:
    """The text says whether it is for its kind or for want of a window; none given is none."""
    fifo = f"{QUEUE}.fifo"

    assert message({"MaximumBatchingWindowInSeconds": 1}, source=fifo) == (
        "Batching window is not supported for FIFO queues"
    )
    assert message({"BatchSize": 11}, source=fifo) == "Batch size must not exceed 10 for FIFO queues"
    assert message({"BatchSize": 11}, source=QUEUE) == (
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    )


def test_a_tumbling_window_excludes_filters() -> None:
    """And a factor above one, as the cases say; one and no filter are fine."""
    window = {"TumblingWindowInSeconds": 10, "ParallelizationFactor": 1}

    assert isinstance(judge({**window, "FilterCriteria": {"Filters": []}}), Accepted)
    assert message({**window, **pattern('{"eventName":["INSERT"]}')}) == (
        "Filter criteria must be empty when tumbling window period is configured"
    )


@pytest.mark.parametrize(
    ("destination", "accepted"),
    [
        ("", True),
        ("arn:aws:sqs:eu-west-1:111111111111:failed", True),
        ("arn:aws:sns:eu-west-1:111111111111:failed", True),
        ("arn:aws:s3:::failed", True),
        ("arn:aws:sqs:eu-west-1:111111111111:failed.fifo", False),
        ("arn:aws:lambda:eu-west-1:111111111111:function:failed", False),
        ("failed", False),
        ("a:b:sqs:c:d:e", False),
    ],
)
def test_a_destination_is_a_standard_queue_a_standard_topic_or_a_bucket(destination: str, accepted: bool) -> None:
    """An empty one is none."""
    judged = judge({"DestinationConfig": {"OnFailure": {"Destination": destination}}})

    assert isinstance(judged, Accepted) is accepted


@pytest.mark.parametrize(
    ("pollers", "refusal"),
    [
        ({"MinimumPollers": 1, "MaximumPollers": 1}, None),
        ({"MinimumPollers": 200, "MaximumPollers": 2_000}, None),
        ({"MinimumPollers": 0}, "'0' at 'provisionedPollerConfig.minimumPollers'"),
        ({"MinimumPollers": 201}, "'201' at 'provisionedPollerConfig.minimumPollers'"),
        ({"MaximumPollers": 0}, "'0' at 'provisionedPollerConfig.maximumPollers'"),
        ({"MaximumPollers": 2_001}, "'2001' at 'provisionedPollerConfig.maximumPollers'"),
    ],
)
def test_provisioned_pollers_have_bounds(pollers: dict[str, int], refusal: str | None) -> None:
    """Those of the API reference, each from both sides."""
    judged = judge({"ProvisionedPollerConfig": pollers}, source=QUEUE)

    if refusal is None:
        assert isinstance(judged, Accepted)
    else:
        assert isinstance(judged, Refused)
        assert refusal in judged.message


def test_provisioned_pollers_exclude_a_concurrency_limit() -> None:
    """Each alone is accepted."""
    pollers = {"ProvisionedPollerConfig": {"MinimumPollers": 2}}
    limit = {"ScalingConfig": {"MaximumConcurrency": 2}}

    assert isinstance(judge(pollers, source=QUEUE), Accepted)
    assert message({**pollers, **limit}, source=QUEUE) == (
        "Provisioned mode for SQS ESM does not support maximum concurrency feature. "
        "Use MaximumPollers as the control mechanism and remove maximum concurrency."
    )


def test_a_mapping_has_five_filters_at_most() -> None:
    """The quota, which AWS raises on request."""
    one = {"Pattern": '{"eventName":["INSERT"]}'}

    assert isinstance(judge({"FilterCriteria": {"Filters": [one] * 5}}), Accepted)
    assert "must not have more than 5 filters" in message({"FilterCriteria": {"Filters": [one] * 6}})


@pytest.mark.parametrize(
    ("source", "situation", "expected"),
    [
        (STREAM, Situation(function_exists=False), "Function does not exist"),
        (STREAM, Situation(source_exists=False), f"Stream not found: {STREAM}"),
        (STREAM, Situation(role_can_read=False), CANNOT_ACCESS),
        (QUEUE, Situation(source_exists=False), NO_QUEUE),
        (QUEUE, Situation(role_can_read=False), "The function execution role does not have permissions to call"),
    ],
)
def test_fails_when_the_account_lacks_something(source: str, situation: Situation, expected: str) -> None:
    """Function, source, permission, in this order."""
    judged = judge({}, source=source, situation=situation)

    assert isinstance(judged, Refused)
    assert (judged.type, judged.status) == (INVALID, 400)
    assert judged.message.startswith(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (STREAM, f'The event source arn (" {STREAM} ") and function (" relay ") provided mapping already exists.'),
        (QUEUE, f'An event source mapping with SQS arn (" {QUEUE} ") and function (" relay ") already exists.'),
    ],
)
def test_fails_when_the_same_mapping_exists(source: str, expected: str) -> None:
    """It is a conflict, and the other mapping is named."""
    assert judge({}, source=source, situation=Situation(same_mapping_uuid="other")) == Refused(
        type="ResourceConflictException",
        message=f"{expected} Please update or delete the existing mapping with UUID other",
        status=409,
    )
