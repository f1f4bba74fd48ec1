"""Functions, aliases, permissions and event source mappings of a template."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from tests.template.assembly_writer import AssemblyWriter

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "worker", "AssumeRolePolicyDocument": {}}}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"


def worker(**properties: Any) -> dict[str, Any]:
    """Make a function with a role and an alias ``live`` of its version; ``None`` takes a property away."""
    defaults = {
        "FunctionName": "worker",
        "Code": {"S3Bucket": {"Fn::Sub": "assets-${AWS::AccountId}"}, "S3Key": "code.zip"},
        "Handler": "handlers.worker.lambda_handler",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    given = {name: value for name, value in {**defaults, **properties}.items() if value is not None}
    return {
        "Role": ROLE,
        "Function": {"Type": "AWS::Lambda::Function", "Properties": given},
        "Old": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "New": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["New", "Version"]},
                "Name": "live",
            },
        },
    }


def sources() -> dict[str, Any]:
    """Make a table with a stream and a queue."""
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "Orders",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders", "VisibilityTimeout": 90}},
    }


def mapping(source: str, **properties: Any) -> dict[str, Any]:
    """Make a mapping of ``Table`` or ``Queue``, bound to the alias as the CDK writes it."""
    select = {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "Live"}]}]}
    defaults = {
        "EventSourceArn": {"Fn::GetAtt": [source, "StreamArn" if source == "Table" else "Arn"]},
        "FunctionName": {"Fn::Join": ["", [select, ":live"]]},
    }
    return {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {**defaults, **properties}}}


def test_function_is_read_whole(assembly: AssemblyWriter) -> None:
    """A function has its code, environment, role, limits and aliases."""
    template = assembly.read(
        worker(
            Timeout="30",
            MemorySize=512,
            ReservedConcurrentExecutions=2,
            Environment={"Variables": {"ROLE": {"Ref": "Role"}, "COUNT": 3, "ON": True}},
        )
    )

    function = template.functions[0]
    assert (function.name, function.arn) == ("worker", ARN)
    assert (function.handler, function.runtime) == ("handlers.worker.lambda_handler", "python3.13")
    assert function.code == (assembly.path / "asset.code").resolve()
    assert (function.timeout_seconds, function.memory_mb, function.reserved_concurrency) == (30, 512, 2)
    assert function.environment == {"ROLE": "worker", "COUNT": "3", "ON": "true"}
    assert function.role_arn == "arn:aws:iam::123456789012:role/worker"
    assert (function.versions, function.aliases) == (("1", "2"), {"live": "2"})
    assert function.path == "Function"


def test_function_takes_the_defaults_of_lambda(assembly: AssemblyWriter) -> None:
    """What a function does not say is 3 seconds, 128 MB, no reserved concurrency, a log group of its name."""
    function = assembly.read(worker()).functions[0]

    assert (function.timeout_seconds, function.memory_mb, function.reserved_concurrency) == (3, 128, None)
    assert function.log_group == "/aws/lambda/worker"


def test_function_is_found_by_any_arn(assembly: AssemblyWriter) -> None:
    """A function is found by its ARN with and without a qualifier, another one is refused."""
    template = assembly.read(worker())

    assert template.function_of(ARN) is template.function_of(f"{ARN}:live") is template.functions[0]
    with pytest.raises(TemplateError, match="no function arn:other"):
        template.function_of("arn:other")


def test_stream_mapping_is_spelled_in_snake_case(assembly: AssemblyWriter) -> None:
    """Each property of a stream's mapping has its name in snake case, and -1 is None."""
    pattern = json.dumps({"eventName": ["INSERT"]})
    template = assembly.read(
        {
            **worker(),
            **sources(),
            **mapping(
                "Table",
                BatchSize=7,
                BisectBatchOnFunctionError=True,
                DestinationConfig={"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
                Enabled=False,
                FilterCriteria={"Filters": [{"Pattern": pattern}]},
                FunctionResponseTypes=["ReportBatchItemFailures"],
                MaximumBatchingWindowInSeconds=2,
                MaximumRecordAgeInSeconds=3600,
                MaximumRetryAttempts=-1,
                MetricsConfig={"Metrics": ["EventCount"]},
                ParallelizationFactor=3,
                StartingPosition="LATEST",
                TumblingWindowInSeconds=60,
            ),
        }
    )

    found = template.mappings[0]
    assert found.function_arn == f"{ARN}:live"
    assert found.event_source_arn == template.tables[0].stream_arn
    assert found.uuid == template.resources["App/Mapping"].physical_id
    assert found.configuration == StreamConfiguration(
        batch_size=7,
        maximum_batching_window_in_seconds=2,
        starting_position="LATEST",
        parallelization_factor=3,
        maximum_retry_attempts=None,
        maximum_record_age_in_seconds=3600,
        bisect_batch_on_function_error=True,
        tumbling_window_in_seconds=60,
        function_response_types=("ReportBatchItemFailures",),
        filters=(pattern,),
        on_failure_destination="arn:aws:sqs:us-east-1:123456789012:orders",
        metrics=("EventCount",),
        enabled=False,
    )


def test_queue_mapping_knows_queue_and_function(assembly: AssemblyWriter) -> None:
    """A queue's mapping carries the queue's visibility timeout and the function's timeout."""
    properties = {"BatchSize": 5, "ScalingConfig": {"MaximumConcurrency": 2}}

    template = assembly.read({**worker(Timeout=20), **sources(), **mapping("Queue", **properties)})

    assert template.mappings[0].configuration == QueueConfiguration(
        batch_size=5, maximum_concurrency=2, visibility_timeout_seconds=90, function_timeout_seconds=20
    )


def test_qualifier_is_told_from_the_name(assembly: AssemblyWriter) -> None:
    """Also where the name ends like the word before it in an ARN."""
    resources = {**worker(FunctionName="my-function"), **sources(), **mapping("Queue", FunctionName="my-function:live")}

    (found,) = assembly.read(resources).mappings

    assert found.function_arn == "arn:aws:lambda:us-east-1:123456789012:function:my-function:live"


def test_permission_keeps_its_conditions(assembly: AssemblyWriter) -> None:
    """A permission says who may invoke which qualifier, and from where."""
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Live"},
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": "arn:aws:execute-api:us-east-1:123456789012:abc/*/*",
        },
    }

    found = assembly.read({**worker(), "Permission": permission}).permissions[0]

    assert (found.function_arn, found.principal) == (f"{ARN}:live", "apigateway.amazonaws.com")
    assert found.source_arn == "arn:aws:execute-api:us-east-1:123456789012:abc/*/*"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Layers": ["arn:layer"]}, "Function.Layers: arn:layer is no layer of this template"),
        ({"FileSystemConfigs": [{}]}, "Function.FileSystemConfigs: there is no file system"),
        ({"Handler": None}, "Function.Handler: this property is missing"),
        ({"Timeout": "soon"}, "Function.Timeout: 'soon' is no whole number"),
        ({"Environment": "none"}, "Function.Environment: 'none' is no object"),
    ],
)
def test_fails_when_a_function_cannot_run_here(assembly: AssemblyWriter, properties: dict[str, Any], said: str) -> None:
    """What cannot run is refused with logical id, property and what is supported."""
    with pytest.raises(TemplateError, match=said):
        assembly.read(worker(**properties))


@pytest.mark.parametrize(
    ("source", "properties", "said"),
    [
        ("Table", {"StartingPosition": "AT_TIMESTAMP"}, "AT_TIMESTAMP is not supported"),
        ("Table", {}, "Mapping.StartingPosition: this property is missing"),
        ("Queue", {"ParallelizationFactor": 2}, "a mapping of a queue has no ParallelizationFactor"),
        ("Queue", {"FunctionName": "nobody"}, "nobody is no function"),
        (
            "Queue",
            {"FunctionName": "worker:blue"},
            "no alias or version blue; its aliases and versions are: live, 1, 2",
        ),
        ("Queue", {"FunctionName": "worker:3"}, "has no alias or version 3"),
        ("Queue", {"EventSourceArn": "arn:aws:kinesis:::stream/x"}, "neither a queue nor the stream of a table"),
        (
            "Table",
            {"StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 2}},
            "a mapping of a DynamoDB stream has no ScalingConfig.MaximumConcurrency",
        ),
    ],
)
def test_fails_when_a_mapping_is_wrong(
    assembly: AssemblyWriter, source: str, properties: dict[str, Any], said: str
) -> None:
    """A mapping that AWS would refuse or this tool cannot drive is refused by name."""
    with pytest.raises(TemplateError, match=said):
        assembly.read({**worker(), **sources(), **mapping(source, **properties)})
